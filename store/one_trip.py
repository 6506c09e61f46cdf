"""aiosqlite with one trip to its thread for a statement; SQLAlchemy's adapter makes four: cursor, run, rows, close.

Each trip wakes two threads, which costs more than most of our statements. Nothing else of the two is changed.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection, AsyncAdapt_aiosqlite_cursor

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class Answer:
    """What is left of a cursor when its rows were fetched; by the names of the DB-API."""

    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None
    rows: Sequence[Any] = ()

    def close(self) -> None:
        """It was closed in its thread."""


class OneTripCursor(AsyncAdapt_aiosqlite_cursor):
    """A cursor that is made when something is executed, and closed before the answer comes back."""

    __slots__ = ()
    _awaitable_cursor_close = False

    def _make_new_cursor(self, connection: Any) -> Any:  # noqa: ARG002 -- the adapter's signature
        return Answer()

    def _aenter_cursor(self, cursor: Any) -> Any:
        return cursor

    async def _execute_async(self, operation: Any, parameters: Any) -> Any:
        return await self._trip(_execute, operation, () if parameters is None else parameters)

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> Any:
        return await self._trip(_execute_many, operation, seq_of_parameters)

    async def _trip(self, run: Callable[..., Answer], *arguments: Any) -> None:
        adapted: Any = self._adapt_connection
        driver: Any = self._connection
        async with adapted._execute_mutex:  # noqa: SLF001 -- as the adapter's own cursor does
            begin, adapted.pending = adapted.pending, ""
            self._cursor: Any = await driver._execute(run, driver._conn, begin, *arguments)  # noqa: SLF001 -- as its own methods
            self._rows = deque(self._cursor.rows)


class OneTripConnection(AsyncAdapt_aiosqlite_connection):
    """A connection with such cursors. ``pending`` is a BEGIN that goes with the first statement after it."""

    __slots__ = ("pending",)
    _cursor_cls = OneTripCursor

    def __init__(self, dbapi: Any, connection: Any) -> None:
        super().__init__(dbapi, connection)
        self.pending = ""

    def rollback(self) -> None:
        """Nothing to roll back where nothing was begun."""
        if self.pending:
            self.pending = ""
        else:
            super().rollback()

    def commit(self) -> None:
        """Nothing to commit where nothing was begun."""
        if self.pending:
            self.pending = ""
        else:
            super().commit()


def adapted(dbapi: Any, connection: Any) -> OneTripConnection:
    """The same open connection of the adapter's, with one trip for a statement."""
    return OneTripConnection(dbapi, connection._connection)  # noqa: SLF001 -- the adapter offers no other way


def _execute(connection: sqlite3.Connection, begin: str, operation: str, parameters: Any) -> Answer:
    if begin:
        connection.execute(begin)
    cursor = connection.execute(operation, parameters)
    return _answer(cursor)


def _execute_many(connection: sqlite3.Connection, begin: str, operation: str, parameters: Any) -> Answer:
    if begin:
        connection.execute(begin)
    return _answer(connection.executemany(operation, parameters))


def _answer(cursor: sqlite3.Cursor) -> Answer:
    rows = cursor.fetchall() if cursor.description else ()
    answer = Answer(cursor.description, cursor.rowcount, cursor.lastrowid, rows)
    cursor.close()
    return answer
