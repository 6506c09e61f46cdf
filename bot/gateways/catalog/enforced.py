"""The keys that are known but whose gate does not exist yet: naming them here is what keeps them from being ignored."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from bot.gateways.catalog.scalars import spelled
from bot.gateways.catalog.schema import CatalogFile, ServicesFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

    from bot.gateways.catalog.findings import Finding
    from bot.gateways.catalog.tree import Node

# A step that builds a gate takes its keys out of here, and of nowhere else.
NOT_ENFORCED = frozenset(
    {
        "environments.auto",
        "environments.break_glass",
        "environments.freezes",
        "environments.risk",
        "environments.rollback_approvals",
        "environments.rollback_window",
        "environments.supersede",
        "environments.versions",
        "environments.wait",
        "identities",
    }
)


def unenforced(root: Node) -> Iterator[Finding]:
    """An error for each key in ``nomatron.yaml`` that nothing would act on."""
    for path in sorted(NOT_ENFORCED):
        section, _, key = path.rpartition(".")
        for holder in root.items(section) if section else (root,):
            found = holder.get(key)
            if found:
                yield found.finding(f"`{key}` is not enforced yet by this version: take it out")


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) that either kind of file satisfies, for editors.

    Keys that are not enforced yet are marked as deprecated, which editors strike through.
    """
    files: list[tuple[type[BaseModel], Literal["validation"]]] = [
        (CatalogFile, "validation"),
        (ServicesFile, "validation"),
    ]
    references, schema = models_json_schema(files, title="Nomatron's catalog", schema_generator=_AsWritten)
    properties = schema["$defs"]["CatalogFile"]["properties"]
    for path in NOT_ENFORCED:
        section, _, key = path.rpartition(".")
        holder = schema["$defs"][_named(properties[section]["items"])]["properties"] if section else properties
        holder[key] |= {"deprecated": True, "description": "Not enforced yet by this version: leave it out."}
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {**dialect, **schema, "anyOf": [references[file] for file in files]}


class _AsWritten(GenerateJsonSchema):
    """Durations' defaults as the files write them; pydantic's own are ISO 8601, which the files do not take."""

    def encode_default(self, dft: Any) -> Any:
        """A default as JSON."""
        return spelled(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def _named(reference: dict[str, str]) -> str:
    return reference["$ref"].rpartition("/")[2]
