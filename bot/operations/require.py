"""Require a record that is never deleted."""

from __future__ import annotations

from typing import TypeVar

Record = TypeVar("Record")


def require(record: Record | None, what: str) -> Record:
    """The record; ``LookupError``, with its name, if the database has lost it."""
    if record is None:
        raise LookupError(f"{what} is no longer in the database")
    return record
