"""The kinds of columns that tables are made of."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Column, ForeignKey, Identity, Integer
from sqlmodel import Field

BIG: Final = BigInteger().with_variant(Integer, "sqlite")
"""64 bits; SQLite makes a key a row id only if its type is named INTEGER."""

NUMBERED: Final = {"sqlite_autoincrement": True}
"""SQLite never reuses a number, even after its row was deleted."""


def number() -> Any:
    """A key that the database gives out."""
    return Field(default=None, sa_column=Column(BIG, Identity(), primary_key=True))


def always(kind: Any, **options: Any) -> Any:
    """A column that is never NULL."""
    return Field(sa_column=Column(kind, nullable=False, **options))


def may_be(kind: Any) -> Any:
    """A column that may be NULL."""
    return Field(default=None, sa_column=Column(kind, nullable=True))


def of_deploy(**options: Any) -> Any:
    """The number of a deploy."""
    return Field(sa_column=Column(BIG, ForeignKey("deploys.id"), **{"nullable": False, **options}))
