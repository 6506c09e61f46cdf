"""The differences between SQLite and PostgreSQL in statements: times, the database's clock, and upserts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sqlalchemy import DateTime, String, func, literal, type_coerce
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeDecorator

from bot.ports.claims import CLOCK_TOLERANCE, LONGEST_LEASE

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement, Dialect, Table
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.sql import Executable
    from sqlalchemy.types import TypeEngine

SQLITE = "sqlite"
NO_TIME = timedelta(0)
# makes the same 27 characters as Instant; SQLite's clock has milliseconds only
_SQLITE_CLOCK = "%Y-%m-%dT%H:%M:%f000Z"


class Instant(TypeDecorator[datetime]):
    """A point in time in UTC: ``timestamptz`` on PostgreSQL, and text of 27 sortable characters on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The column's type: text on SQLite, which has no type for time."""
        kind = String(27) if dialect.name == SQLITE else DateTime(timezone=True)
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """The value to store; raises ``ValueError`` for a datetime without a time zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone")
        moment = value.astimezone(UTC)
        if dialect.name != SQLITE:
            return moment
        return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:  # noqa: ARG002 -- its contract
        """A single function that reads a UTC datetime, because a digest reads thousands of them."""
        return _read if dialect.name == SQLITE else _in_utc


def _read(text: str | None) -> datetime | None:
    # fromisoformat reads the Z as UTC
    return None if text is None else datetime.fromisoformat(text)


def _in_utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


def clock(dialect: str, ahead: timedelta = NO_TIME) -> ColumnElement[datetime]:
    """The database's current time plus ``ahead``: leases use it, because the clocks of processes may differ."""
    if dialect == SQLITE:
        return func.strftime(_SQLITE_CLOCK, "now", f"{ahead.total_seconds():+.3f} seconds", type_=Instant())
    return type_coerce(func.clock_timestamp(type_=DateTime(timezone=True)) + literal(ahead), Instant())


def is_over(dialect: str, lease: Any) -> ColumnElement[bool]:
    """Whether a lease is over; also one that is longer than any, so given by a clock that was set back since."""
    over: ColumnElement[bool] = (lease <= clock(dialect)) | (lease > clock(dialect, LONGEST_LEASE + CLOCK_TOLERANCE))
    return over


def insert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that supports ON CONFLICT."""
    if dialect == SQLITE:
        return sqlite.insert(table)
    # not imported where the database is a SQLite file: it takes as long as the whole of a short command may
    made: postgresql.Insert = import_module("sqlalchemy.dialects.postgresql").insert(table)
    return made


@cache
def upsert(dialect: str, table: Table, names: tuple[str, ...], key: tuple[str, ...]) -> Executable:
    """Insert a row with those columns, or update them in the row that has the same ``key``."""
    statement = insert(dialect, table)
    rest = {name: statement.excluded[name] for name in names if name not in key}
    return statement.on_conflict_do_update(index_elements=list(key), set_=rest)
