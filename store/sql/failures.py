"""Translates database errors: one table from the drivers' codes to our own errors."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy import exc

from bot.errors import StoreBusy, StoreError, StoreFull, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Taken(StoreBusy):
    """A unique index refused the write: another writer was first. Nothing was written; a retry finds out why."""


# primary result codes (sqlite3.h); an extended code has them in its low byte
_SQLITE: Final[Mapping[int, type[StoreError]]] = {
    sqlite3.SQLITE_BUSY: StoreBusy,
    sqlite3.SQLITE_LOCKED: StoreBusy,
    sqlite3.SQLITE_FULL: StoreFull,
    sqlite3.SQLITE_CANTOPEN: StoreUnavailable,
    sqlite3.SQLITE_IOERR: StoreUnavailable,
    sqlite3.SQLITE_READONLY: StoreUnavailable,
    sqlite3.SQLITE_PERM: StoreUnavailable,
    sqlite3.SQLITE_CORRUPT: StoreUnavailable,
    sqlite3.SQLITE_NOTADB: StoreUnavailable,
}
_SQLITE_TAKEN = frozenset({sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY})

# SQLSTATEs, or their class of two letters (PostgreSQL manual, appendix A)
_POSTGRES: Final[Mapping[str, type[StoreError]]] = {
    "23505": Taken,
    "40001": StoreBusy,
    "40P01": StoreBusy,
    "55P03": StoreBusy,
    "57014": StoreBusy,
    "53100": StoreFull,
    "08": StoreUnavailable,
    "28": StoreUnavailable,
    "3D": StoreUnavailable,
    "53": StoreUnavailable,
    "57": StoreUnavailable,
    "25006": StoreUnavailable,
    "25P03": StoreUnavailable,
}

_SAYS: Final[Mapping[type[StoreError], str]] = {
    Taken: "another change came first, nothing was written; try again",
    StoreBusy: "the database is busy, nothing was written; try again",
    StoreFull: "the database is full, nothing was written; free disk space, or raise its size limit",
    StoreUnavailable: "the database cannot be used; check that it runs, its address and its permissions",
    StoreError: "the database refused a statement, nothing was written",
}


def _of_postgres() -> tuple[type[Exception], ...]:
    """The errors of PostgreSQL's driver, which is not imported where the database is a SQLite file."""
    driver = sys.modules.get("asyncpg")
    return () if driver is None else (driver.PostgresError, driver.InterfaceError)


def failure(error: BaseException) -> StoreError:
    """Our error for a driver's error, with the driver's message after ours."""
    kind = _kind(error)
    return kind(f"{_SAYS[kind]} ({_words(error)})")


def _kind(error: BaseException) -> type[StoreError]:
    if isinstance(error, exc.TimeoutError):
        return StoreBusy
    cause = error.orig if isinstance(error, exc.DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0)
        return Taken if code in _SQLITE_TAKEN else _SQLITE.get(code & 0xFF, StoreError)
    state = getattr(cause, "sqlstate", None)
    if state:
        return _POSTGRES.get(state) or _POSTGRES.get(state[:2], StoreError)
    lost = isinstance(error, exc.DBAPIError) and error.connection_invalidated
    if lost or isinstance(cause, (OSError, TimeoutError, exc.InterfaceError, *_of_postgres())):
        return StoreUnavailable
    return StoreError


def _words(error: BaseException) -> str:
    """The first line of the driver's message; leaves out the statement's parameters, which may be private."""
    said = error.orig if isinstance(error, exc.DBAPIError) else error
    return str(said).split("\n", 1)[0] or type(said).__name__


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise the block's database errors as our own errors; other errors pass unchanged."""
    try:
        yield
    except exc.SQLAlchemyError as error:
        raise failure(error) from error


@contextmanager
def translate_connect_errors() -> Iterator[None]:
    """Raise database errors as our own while the block opens a connection."""
    try:
        yield
    except (exc.SQLAlchemyError, OSError, TimeoutError) as error:
        raise failure(error) from error
    # SQLAlchemy does not wrap the driver's own errors there
    except _of_postgres() as error:
        raise failure(error) from error
