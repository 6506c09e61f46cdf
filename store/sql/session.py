"""The base of all query classes: a connection in a transaction, and helpers to read rows and records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from store.sql.mapping import record_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Dialect, RowMapping
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

    @property
    def _dialect(self) -> Dialect:
        return self._connection.dialect

    async def _run(self, statement: Executable, values: Any = None) -> CursorResult[Any]:
        return await self._connection.execute(statement, values)

    async def _rows(self, statement: Executable, values: Any = None) -> Sequence[Any]:
        """The result as plain tuples, for many rows or for rows that are no records."""
        return (await self._run(statement, values)).all()

    async def _row(self, statement: Executable) -> RowMapping | None:
        return (await self._run(statement)).mappings().first()

    async def _one(self, kind: type[Record], statement: Executable) -> Record | None:
        row = await self._row(statement)
        return None if row is None else record_of(kind, row)

    async def _all(self, kind: type[Record], statement: Executable) -> tuple[Record, ...]:
        rows = (await self._run(statement)).mappings().all()
        return tuple(record_of(kind, row) for row in rows)
