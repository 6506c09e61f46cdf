"""Converts records to rows and back: a column has the name of its field, and its type converts the value."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

Record = TypeVar("Record")


def columns_of(record: Any, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The columns of a record: all its fields except ``without``."""
    return {name: getattr(record, name) for name in _names(type(record)) if name not in without}  # type: ignore[arg-type] # a class can be hashed


def record_of(kind: type[Record], row: RowMapping, **made: Any) -> Record:
    """The record in a row; ``made`` has the fields that take several columns. Ignores columns that are no fields."""
    return kind(**{name: made[name] if name in made else row[name] for name in _names(kind)})  # type: ignore[arg-type] # as above


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))
