"""The base of all query classes: a connection in a transaction, and helpers to read rows and records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from store.sql.dialects import upsert
from store.sql.mapping import record_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping, Table
    from sqlalchemy.engine import CursorResult
    from sqlalchemy.ext.asyncio import AsyncConnection
    from sqlalchemy.sql import Executable

    from bot.domain.deploy.deploy import Deploy
    from store.catalog_cache import CatalogCache

Record = TypeVar("Record")


class Session:
    """A connection for one unit of work."""

    def __init__(self, connection: AsyncConnection, parsed: CatalogCache) -> None:
        self._connection = connection
        self._parsed = parsed
        self._locked: dict[int, Deploy] = {}
        # the deploys that a worker keeps, and the work that became due, with its deploy if it is that of one
        self._kept: set[int] = set()
        self._due: list[tuple[str, datetime, int]] = []
        # the catalog in force, once nobody else can replace it
        self._held_catalog = ""
        self._unwritten: dict[Executable, list[dict[str, Any]]] = {}

    def left(self, now: datetime) -> frozenset[str]:
        """The work that became due, but for that on deploys that a worker keeps."""
        return frozenset(work for work, at, deploy in self._due if at <= now and deploy not in self._kept)

    @property
    def _dialect(self) -> str:
        return self._connection.dialect.name

    async def _run(self, statement: Executable, values: Any = None) -> CursorResult[Any]:
        return await self._connection.execute(statement, values)

    def _write_later(self, statement: Executable, row: dict[str, Any]) -> None:
        """Keep a row back until ``flush``: all rows of a transaction for one statement go to the database at once."""
        self._unwritten.setdefault(statement, []).append(row)

    async def flush(self) -> None:
        """Write what was kept back, in its order. Before the commit, and before anything reads what it may change."""
        unwritten, self._unwritten = self._unwritten, {}
        for statement, rows in unwritten.items():
            await self._run(statement, rows)

    async def _upsert(self, table: Table, row: dict[str, Any], key: tuple[str, ...]) -> None:
        """Insert the row, or update its columns in the row that has the same ``key``."""
        await self._run(upsert(self._dialect, table, tuple(row), key), row)

    async def _rows(self, statement: Executable, values: Any = None) -> Sequence[Any]:
        """The result as plain tuples, for many rows or for rows that are no records."""
        return (await self._run(statement, values)).all()

    async def _row(self, statement: Executable, values: Any = None) -> RowMapping | None:
        return (await self._run(statement, values)).mappings().first()

    async def _one(self, kind: type[Record], statement: Executable, values: Any = None) -> Record | None:
        row = await self._row(statement, values)
        return None if row is None else record_of(kind, row)

    async def _all(self, kind: type[Record], statement: Executable, values: Any = None) -> tuple[Record, ...]:
        rows = (await self._run(statement, values)).mappings().all()
        return tuple(record_of(kind, row) for row in rows)
