"""Connections to a SQLite file on aiosqlite: set up to lose no update, and one trip to the thread per statement."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Final, Self

import aiosqlite

if TYPE_CHECKING:
    from collections.abc import Sequence

# FULL: an approval that we confirmed survives a power cut. busy_timeout: wait for a short command of another process,
# but not longer than Slack waits for us
_PRAGMAS: Final = (
    "PRAGMA journal_mode = wal",
    "PRAGMA synchronous = full",
    "PRAGMA busy_timeout = 1000",
    "PRAGMA foreign_keys = on",
    "PRAGMA trusted_schema = off",
)


async def connect(file: str) -> SqliteConnection:
    """An open connection to this file; raises what ``sqlite3.connect`` and its first statements raise."""

    def opened() -> sqlite3.Connection:
        # no isolation level: the driver's own BEGIN comes only before the first write, and loses updates
        connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        try:
            for pragma in _PRAGMAS:
                connection.execute(pragma).close()
        except BaseException:
            connection.close()
            raise
        return connection

    made = SqliteConnection(opened, iter_chunk_size=64)
    # a connection that was never closed must not keep the process alive
    made._thread.daemon = True  # noqa: SLF001 -- as SQLAlchemy does: aiosqlite has no other way
    await made
    return made


class SqliteConnection(aiosqlite.Connection):
    """What SQLAlchemy asks of a driver, without a trip to the thread for each step of a statement."""

    def cursor(self) -> _Cursor:  # type: ignore[override] # of aiosqlite's cursor only what SQLAlchemy calls
        """Where one statement runs."""
        return _Cursor(self)

    async def rollback(self) -> None:
        """Roll back what is open; costs nothing after a commit."""
        if self.in_transaction:
            await super().rollback()

    async def run(self, sql: str, parameters: Sequence[Any]) -> tuple[sqlite3.Cursor, list[Any]]:
        """Run a statement; its cursor, and all its rows."""
        ran: tuple[sqlite3.Cursor, list[Any]] = await self._execute(  # type: ignore[no-untyped-call] # aiosqlite's, whose other methods take several trips
            _run, self._conn, sql, parameters
        )
        return ran

    async def run_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> sqlite3.Cursor:
        """Run a statement once for each row of parameters."""
        ran: sqlite3.Cursor = await self._execute(self._conn.executemany, sql, rows)  # type: ignore[no-untyped-call]
        return ran


def _run(connection: sqlite3.Connection, sql: str, parameters: Sequence[Any]) -> tuple[sqlite3.Cursor, list[Any]]:
    cursor = connection.execute(sql, parameters)
    return cursor, cursor.fetchall()


class _Cursor:
    """An asynchronous cursor that has all rows as soon as its statement has run."""

    __slots__ = ("_connection", "_ran", "_rows")

    def __init__(self, connection: SqliteConnection) -> None:
        self._connection = connection
        self._ran: sqlite3.Cursor | None = None
        self._rows: list[Any] = []

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:
        """The columns of the rows; None if the statement gives none."""
        return self._ran.description if self._ran else None

    @property
    def rowcount(self) -> int:
        """How many rows the statement changed; -1 if it changes none."""
        return self._ran.rowcount if self._ran else -1

    @property
    def lastrowid(self) -> int | None:
        """The id of the row that was inserted last."""
        return self._ran.lastrowid if self._ran else None

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement."""
        self._ran, self._rows = await self._connection.run(sql, parameters)

    async def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement once for each row of parameters."""
        self._ran = await self._connection.run_many(sql, rows)

    async def fetchall(self) -> list[Any]:
        """The rows, once."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Nothing is left to close: the statement has run to its end."""
