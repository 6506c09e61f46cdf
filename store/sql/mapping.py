"""Converts records to rows and back: a column has the name of its field, and its type converts the value."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

Record = TypeVar("Record")


def columns_of(record: Any, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The columns of a record: all its fields except ``without``."""
    return {field.name: getattr(record, field.name) for field in fields(record) if field.name not in without}


def record_of(kind: type[Record], row: RowMapping, **made: Any) -> Record:
    """The record in a row; ``made`` has the fields that take several columns. Ignores columns that are no fields."""
    names = (field.name for field in fields(kind))  # type: ignore[arg-type] # every kind here is a dataclass
    return kind(**{name: made[name] if name in made else row[name] for name in names})
