"""Locks without a row: on a service in an environment, and on the active catalog.

They are PostgreSQL's advisory locks and end with the transaction. Without them, at READ COMMITTED, two transactions
could both find no deploy and both add one, or decide by a catalog that is replaced before they commit. SQLite has one
writer at a time and needs none.
"""

from __future__ import annotations

from sqlalchemy import func, select

from store.sql.dialects import SQLITE
from store.sql.session import Session

_PLACE, _CATALOG = "place", "catalog"


class Locking(Session):
    """Takes locks. Always lock the catalog first, then the service, then deploys: any other order may deadlock."""

    async def lock_catalog(self, *, exclusive: bool = False) -> None:
        """Keep the active catalog from changing; ``exclusive`` to replace it, after all transactions that use it."""
        take = func.pg_advisory_xact_lock if exclusive else func.pg_advisory_xact_lock_shared
        if self._dialect.name != SQLITE:
            await self._run(select(take(func.hashtextextended(_CATALOG, 0))))

    async def lock_place(self, service: str, environment: str) -> None:
        """Let in one request at a time for a service in an environment; a hash collision costs only a short wait."""
        if self._dialect.name != SQLITE:
            # no name contains this separator, so two pairs never make the same text
            key = f"{_PLACE}\x1f{service}\x1f{environment}"
            await self._run(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))
