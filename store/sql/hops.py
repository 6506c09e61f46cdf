"""SQLite's thread, asked once for each statement: a hop to it costs more than what most statements do there.

The driver asks it four times: for a cursor, to execute, for the rows, and to close the cursor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

T = TypeVar("T")


class OneHop:
    """The driver's connection, with cursors that need one hop; a transaction begins in that of its first statement."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self._beginning = ""

    def __getattr__(self, name: str) -> Any:
        """All else is the driver's."""
        return getattr(self.driver, name)

    def cursor(self) -> Cursor:
        """A cursor; it costs nothing until it executes."""
        return Cursor(self)

    async def commit(self) -> None:
        """Commit what has begun."""
        if not self._never_began():
            await self.hop(self.driver._conn.commit)  # noqa: SLF001 -- as in ``hop``

    async def rollback(self) -> None:
        """Undo what has begun."""
        if not self._never_began():
            await self.hop(self.driver._conn.rollback)  # noqa: SLF001 -- as in ``hop``

    def _never_began(self) -> bool:
        waiting, self._beginning = self._beginning, ""
        return bool(waiting)

    async def run(self, run: Callable[[sqlite3.Cursor], object]) -> Result:
        """What one call on a new cursor leads to, in a transaction if one waits for its first statement."""
        begin, self._beginning = self._beginning, ""
        return await self.hop(_run, self.driver._conn, begin, run)  # noqa: SLF001 -- as in ``hop``

    async def hop(self, call: Callable[..., T], *args: object) -> T:
        """Make the call in SQLite's thread."""
        # the driver has no public way to do several things in one hop
        done: T = await self.driver._execute(call, *args)  # noqa: SLF001
        return done

    def begin(self, statement: str) -> None:
        """Let a transaction begin with its first statement."""
        self._beginning = statement


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

    def __init__(self, connection: OneHop) -> None:
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
