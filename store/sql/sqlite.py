"""SQLite's thread, asked once for each statement: a hop to it costs more than what most statements do there.

aiosqlite asks it four times: for a cursor, to execute, for the rows, and to close the cursor.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import aiosqlite

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

# FULL: an approval that we confirmed survives a power cut. busy_timeout: wait for a short command of another process,
# but not longer than Slack waits for us
_PRAGMAS: Final = (
    "PRAGMA journal_mode = wal",
    "PRAGMA synchronous = full",
    "PRAGMA busy_timeout = 1000",
    "PRAGMA foreign_keys = on",
    "PRAGMA trusted_schema = off",
)


class SqliteConnection(aiosqlite.Connection):
    """A connection with cursors that need one hop; a transaction begins in that of its first statement."""

    _beginning = ""
    _open = False

    def cursor(self) -> Cursor:  # type: ignore[override] # of aiosqlite's only what SQLAlchemy asks for
        """A cursor; it costs nothing until it executes."""
        return Cursor(self)

    def begin(self, statement: str) -> None:
        """Let a transaction begin with its first statement."""
        self._beginning = statement

    async def commit(self) -> None:
        """Commit what has begun."""
        if not self._never_began():
            await self.hop(self._conn.commit)
            self._open = False

    async def rollback(self) -> None:
        """Undo what has begun."""
        # not `in_transaction`: a statement that was cancelled may only begin it, in its thread, a moment later
        if not self._never_began() and self._open:
            await self.hop(self._conn.rollback)
            self._open = False

    def _never_began(self) -> bool:
        waiting, self._beginning = self._beginning, ""
        return bool(waiting)

    async def run(self, run: Callable[[sqlite3.Cursor], object]) -> Result:
        """What one call on a new cursor leads to, in a transaction if one waits for its first statement."""
        begin, self._beginning, self._open = self._beginning, "", True
        return await self.hop(_run, self._conn, begin, run)

    async def hop(self, call: Callable[..., T], *args: object) -> T:
        """Make the call in SQLite's thread."""
        # aiosqlite has no public way to do several things in one hop
        done: T = await self._execute(call, *args)  # type: ignore[no-untyped-call]
        return done


async def connect(file: str, kind: type[SqliteConnection] = SqliteConnection) -> SqliteConnection:
    """An open connection to this file; raises what ``sqlite3.connect`` and its first statements raise."""

    def opened() -> sqlite3.Connection:
        # no isolation level: the driver's own BEGIN comes only before the first write, and loses updates
        with ExitStack() as unless_open:
            connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
            unless_open.callback(connection.close)
            for pragma in _PRAGMAS:
                connection.execute(pragma).close()
            unless_open.pop_all()
        return connection

    made = kind(opened, iter_chunk_size=64)
    # a connection that was never closed must not keep the process alive
    made._thread.daemon = True  # noqa: SLF001 -- as SQLAlchemy does it: aiosqlite has no other way
    try:
        await made
    finally:
        if made._connection is None:  # noqa: SLF001 -- as above
            # its thread ends with a word to this loop, which may be closed as soon as we return
            await asyncio.to_thread(made._thread.join)  # noqa: SLF001 -- as above
    return made


class Result:
    """All of what a statement led to, taken from its cursor."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self.rows = cursor.fetchall() if cursor.description else []
        self.description, self.rowcount, self.lastrowid = cursor.description, cursor.rowcount, cursor.lastrowid


class Cursor:
    """What SQLAlchemy asks of an asynchronous driver's cursor."""

    arraysize = 1
    description: Any = None
    rowcount = -1
    lastrowid: int | None = None

    def __init__(self, connection: SqliteConnection) -> None:
        self._connection = connection
        self._rows: list[Any] = []

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Execute a statement and fetch its rows."""
        self._take(await self._connection.run(lambda cursor: cursor.execute(statement, parameters)))

    async def executemany(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Execute a statement once for each row of parameters."""
        self._take(await self._connection.run(lambda cursor: cursor.executemany(statement, rows)))

    def _take(self, result: Result) -> None:
        self.description, self.rowcount, self.lastrowid = result.description, result.rowcount, result.lastrowid
        self._rows = result.rows

    async def fetchall(self) -> list[Any]:
        """All rows; they are here already."""
        return self._rows

    async def close(self) -> None:
        """There is nothing left to close."""


def _run(connection: sqlite3.Connection, begin: str, run: Callable[[sqlite3.Cursor], object]) -> Result:
    if begin:
        connection.execute(begin)
    cursor = connection.cursor()
    try:
        run(cursor)
        return Result(cursor)
    finally:
        cursor.close()
