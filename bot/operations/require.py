"""Records that are never deleted: reading one back must find it."""

from __future__ import annotations

from typing import TypeVar

Record = TypeVar("Record")


def require(record: Record | None, what: str) -> Record:
    """The record; ``LookupError`` with its name if the database has lost it all the same."""
    if record is None:
        raise LookupError(f"{what} is not in the database any more")
    return record
