"""Reads a catalog folder, as a whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.gateways.catalog import records
from bot.gateways.catalog.checks import ERRORS, WARNINGS
from bot.gateways.catalog.draft import MAIN, Draft, read_draft
from bot.gateways.catalog.enforced import unenforced_keys
from bot.gateways.catalog.form import form_issues
from bot.gateways.catalog.schema import CatalogFile, ServicesFile

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bot.domain.catalog.catalog import Catalog
    from bot.gateways.catalog.issues import Issue
    from bot.gateways.catalog.tree import Node


@dataclass(frozen=True, slots=True)
class Reading:
    """The catalog (None if there is an error), and every error and warning, sorted by file and line."""

    catalog: Catalog | None
    errors: tuple[Issue, ...]
    warnings: tuple[Issue, ...]


def read(folder: Path) -> Reading:
    """Read a catalog folder and report everything that is wrong with it at once, in ``errors``. Never raises.

    If a file is not YAML at all, the others are only checked against the schema.
    """
    draft, trees, issues = read_draft(folder)
    errors = [*issues, *(issue for tree in trees for issue in _form(tree))]
    warnings: list[Issue] = []
    if draft:
        errors += [issue for check in ERRORS for issue in check(draft)]
        warnings += [issue for check in WARNINGS for issue in check(draft)]
    found = _record(draft) if draft and not errors else None
    return Reading(found, _in_order(errors), _in_order(warnings))


def _form(tree: Node) -> Iterable[Issue]:
    if tree.file != MAIN:
        return form_issues(tree, ServicesFile)
    return (*form_issues(tree, CatalogFile), *unenforced_keys(tree))


def _record(draft: Draft) -> Catalog:
    main = CatalogFile.model_validate(draft.main.plain())
    files = [ServicesFile.model_validate(file.plain()) for file in draft.files]
    return records.catalog(main, files, draft.texts)


def _in_order(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    return tuple(sorted(set(issues)))
