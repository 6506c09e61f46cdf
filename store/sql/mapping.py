"""Records to rows and back, field by field: a column has its field's name, and its type gives the field's value."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

Record = TypeVar("Record")


def columns_of(record: Any, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """All fields of a record as a row's columns."""
    return {field.name: getattr(record, field.name) for field in fields(record) if field.name not in without}


def record_of(kind: type[Record], row: RowMapping, **made: Any) -> Record:
    """The record that a row holds, with fields ``made`` of several columns; columns that are no field are left out."""
    names = (field.name for field in fields(kind))  # type: ignore[arg-type] # every kind here is a dataclass
    return kind(**{name: made[name] if name in made else row[name] for name in names})
