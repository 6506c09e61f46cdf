"""What is never deleted: reading it back is not a question."""

from __future__ import annotations

from typing import TypeVar

Record = TypeVar("Record")


def kept(record: Record | None, what: str) -> Record:
    """The record; ``LookupError`` that names it where the database has lost it all the same."""
    if record is None:
        raise LookupError(f"{what} is not in the database any more")
    return record
