"""All blocks of a job in Nomad's API, with their fields, HCL names and kinds.

A line of a block's table reads `ApiName hcl_name kind [Block]`. Kinds: string, int, bool, duration (ns), strings, ints,
map (string to string), bytes, label (taken from the block's label), one/many/labelled Block (a nested block, a list of
them, a map of them by label), map_block, lists_block and free_block (blocks whose keys are the author's).
`?` after a kind: null if unset, not the zero value; `!`: required, if it has no null;
`~`: left out of the JSON if unset.
`-` as HCL name: no argument of a jobspec sets the field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jobspec.job import job_blocks, service_blocks, task_blocks

Job = dict[str, Any]
"""A job, or a part of a job, in the JSON form of Nomad's API."""

_ZERO: dict[str, Any] = {"string": "", "label": "", "int": 0, "bool": False, "duration": 0}
NESTED = frozenset({"one", "many", "labelled", "map_block", "lists_block", "free_block"})


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a block."""

    name: str
    hcl: str | None
    kind: str
    block: str | None
    nullable: bool
    required: bool
    omitted: bool

    @property
    def nested(self) -> bool:
        """Whether the field is a block in a jobspec."""
        return self.kind in NESTED

    @property
    def unset(self) -> Any:
        """The JSON value of the field if a jobspec does not set it."""
        return None if self.nullable else _ZERO.get(self.kind)


def _field(line: str) -> Field:
    name, hcl, kind, *block = line.split()
    return Field(
        name=name,
        hcl=None if hcl == "-" else hcl,
        kind=kind.rstrip("?!~"),
        block=block[0] if block else None,
        nullable="?" in kind,
        required="!" in kind and "?" not in kind,
        omitted="~" in kind,
    )


def _read(*tables: str) -> dict[str, tuple[Field, ...]]:
    blocks: dict[str, list[Field]] = {}
    fields: list[Field] = []
    for line in "\n".join(tables).splitlines():
        if line.startswith(" "):
            fields.append(_field(line))
        elif line:
            fields = blocks.setdefault(line, [])
    return {name: tuple(found) for name, found in blocks.items()}


BLOCKS: dict[str, tuple[Field, ...]] = _read(job_blocks.TABLE, task_blocks.TABLE, service_blocks.TABLE)
"""The fields of each block, by the block's name in Nomad's API."""


def unset(block: str) -> Job:
    """A block with all fields, none of them set."""
    return {field.name: field.unset for field in BLOCKS[block] if not field.omitted}


class MalformedJobError(ValueError):
    """A job's JSON has a value of the wrong type: a 400 in Nomad, with Go's text."""


def fill_fields(block: str, part: Job) -> Job:
    """`part` with all fields of its block, including nested blocks, and without keys that Nomad does not know.

    As in Nomad, the case of keys does not matter. Raises `MalformedJobError` for values of the wrong type.
    """
    _check(part, dict, block, "", block)
    whole = unset(block)
    # Go ignores the case of JSON keys
    any_case = {name.lower(): value for name, value in part.items()}
    for field in BLOCKS[block]:
        value = part.get(field.name, any_case.get(field.name.lower()))
        if value is not None:
            whole[field.name] = _fill_value(block, field, value)
    return whole


_PYTHON: dict[str, type] = {
    "string": str, "label": str, "int": int, "bool": bool, "duration": int, "strings": list, "ints": list,
    "many": list, "one": dict,
}  # fmt: skip
_GO: dict[str, str] = {"label": "string", "duration": "time.Duration", "strings": "[]string", "ints": "[]uint16"}
_JSON: dict[type, str] = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}


def _check(value: Any, wanted: type, block: str, name: str, go: str) -> None:
    fits = isinstance(value, wanted) and not (wanted is int and isinstance(value, bool))
    if not fits:
        got = _JSON.get(type(value), "null")
        raise MalformedJobError(f"json: cannot unmarshal {got} into Go struct field {block}.{name} of type {go}")


def _fill_value(block: str, field: Field, value: Any) -> Any:
    if field.kind != "bytes":
        wanted = _PYTHON.get(field.kind, dict)
        _check(value, wanted, block, field.name, field.block or _GO.get(field.kind, field.kind))
    if field.kind == "one" and field.block:
        return fill_fields(field.block, value)
    if field.kind == "many" and field.block:
        return [fill_fields(field.block, each) for each in value]
    if field.kind == "labelled" and field.block:
        return {label: fill_fields(field.block, each) for label, each in value.items()}
    return value
