"""The keys that the schema knows but no code enforces yet: the catalog rejects them instead of ignoring them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from bot.gateways.catalog.scalars import duration_text
from bot.gateways.catalog.schema import CatalogFile, ServicesFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

    from bot.gateways.catalog.issues import Issue
    from bot.gateways.catalog.tree import Node

# Whoever builds a gate removes its keys from this list, and need not change anything else here.
NOT_ENFORCED = frozenset(
    {
        "environments.break_glass",
        "environments.freezes",
        "environments.risk",
        "identities",
    }
)


def unenforced_keys(root: Node) -> Iterator[Issue]:
    """Errors: keys in ``nomatron.yaml`` that no code would act on."""
    for path in sorted(NOT_ENFORCED):
        section, _, key = path.rpartition(".")
        for holder in root.items(section) if section else (root,):
            found = holder.get(key)
            if found:
                yield found.issue(f"`{key}` has no effect: this version does not enforce it yet; remove it")


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) for both kinds of files, for editors.

    Keys that are not enforced yet are marked as deprecated, so editors strike them through.
    """
    files: list[tuple[type[BaseModel], Literal["validation"]]] = [
        (CatalogFile, "validation"),
        (ServicesFile, "validation"),
    ]
    references, schema = models_json_schema(files, title="Nomatron's catalog", schema_generator=_AsWritten)
    properties = schema["$defs"]["CatalogFile"]["properties"]
    for path in NOT_ENFORCED:
        section, _, key = path.rpartition(".")
        holder = (
            schema["$defs"][_definition_name(properties[section]["items"])]["properties"] if section else properties
        )
        holder[key] |= {"deprecated": True, "description": "This version does not enforce it yet: leave it out."}
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {**dialect, **schema, "anyOf": [references[file] for file in files]}


class _AsWritten(GenerateJsonSchema):
    """Writes default durations as the files do; pydantic would write ISO 8601, which the files do not accept."""

    def encode_default(self, dft: Any) -> Any:
        """A default as JSON."""
        return duration_text(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def _definition_name(reference: dict[str, str]) -> str:
    return reference["$ref"].rpartition("/")[2]
