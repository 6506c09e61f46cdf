"""Reads back a record that is never deleted: it must be there."""

from __future__ import annotations

from typing import TypeVar

Record = TypeVar("Record")


def require(record: Record | None, what: str) -> Record:
    """The record; ``LookupError`` that names it if the database has lost it."""
    if record is None:
        raise LookupError(f"{what} is no longer in the database")
    return record
