"""The folder, read wholly or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.gateways.catalog import records
from bot.gateways.catalog.checks import ERRORS, WARNINGS
from bot.gateways.catalog.draft import MAIN, Draft, read_draft
from bot.gateways.catalog.enforced import unenforced
from bot.gateways.catalog.form import misshapen
from bot.gateways.catalog.schema import CatalogFile, ServicesFile

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bot.domain.catalog.catalog import Catalog
    from bot.gateways.catalog.findings import Finding
    from bot.gateways.catalog.tree import Node


@dataclass(frozen=True, slots=True)
class Reading:
    """A catalog, or every error that keeps it from being one; warnings either way. Findings are sorted by place."""

    catalog: Catalog | None
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]


def read(folder: Path) -> Reading:
    """Read a catalog folder. Raises nothing for what is in it: whatever is wrong is in ``errors``, all of it at once.

    Where a file is not YAML at all, the others are judged by their form alone.
    """
    draft, trees, findings = read_draft(folder)
    errors = [*findings, *(finding for tree in trees for finding in _form(tree))]
    warnings: list[Finding] = []
    if draft:
        errors += [finding for check in ERRORS for finding in check(draft)]
        warnings += [finding for check in WARNINGS for finding in check(draft)]
    found = _record(draft) if draft and not errors else None
    return Reading(found, _sorted(errors), _sorted(warnings))


def _form(tree: Node) -> Iterable[Finding]:
    if tree.file != MAIN:
        return misshapen(tree, ServicesFile)
    return (*misshapen(tree, CatalogFile), *unenforced(tree))


def _record(draft: Draft) -> Catalog:
    main = CatalogFile.model_validate(draft.main.plain())
    files = [ServicesFile.model_validate(file.plain()) for file in draft.files]
    return records.catalog(main, files, draft.texts)


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(set(findings)))
