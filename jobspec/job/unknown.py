"""Keeps the fields of a job that Nomad's later versions may have, and that the tables of blocks do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jobspec.job.fields import BLOCKS

if TYPE_CHECKING:
    from jobspec.job.fields import Field, Job

_ONLY_OLD: Final = {"Vault": frozenset({"Policies"})}
"""Fields that Nomad 2.0 ignores and an older Nomad does not."""


def keep_unknown(whole: Job, part: Job, *, zero_is_unset: bool, block: str = "Job") -> Job:
    """Put the unknown fields of `part` into `whole`, the same job in another form, and return it.

    `zero_is_unset`: leave out empty texts, zeros and false, which are the values of unset fields in the stored form.
    """
    fields = BLOCKS[block]
    known = {field.name.lower() for field in fields} - {name.lower() for name in _ONLY_OLD.get(block, ())}
    for key, value in part.items():
        if key.lower() not in known and (value if zero_is_unset else value is not None):
            whole.setdefault(key, value)
    for field in fields:
        if field.block:
            for inner, written in _pairs(field, whole.get(field.name), part.get(field.name)):
                keep_unknown(inner, written, zero_is_unset=zero_is_unset, block=field.block)
    return whole


def _pairs(field: Field, whole: Any, part: Any) -> list[tuple[Job, Job]]:
    """The blocks of a field that both forms have."""
    if not whole or not part:
        return []
    if field.kind == "one":
        return [(whole, part)]
    if field.kind == "labelled":
        return [(each, part[label]) for label, each in whole.items() if label in part]
    # a form may leave out an element, but it neither adds nor moves one
    names = [each.get("Name") for each in part]
    if len(whole) != len(part):
        return [(each, part[names.index(each["Name"])]) for each in whole if each.get("Name") in names]
    return list(zip(whole, part, strict=True))
