"""Locks that no row stands for: a place that a deploy is asked for, and which catalog is in force.

PostgreSQL's advisory locks, held until the transaction ends: at READ COMMITTED two transactions could else both find
no deploy and both add one, or decide by a catalog that is replaced before they commit. SQLite has one writer at a time.
"""

from __future__ import annotations

from sqlalchemy import func, select

from store.sql.dialects import SQLITE
from store.sql.session import Session

_PLACE, _CATALOG = "place", "catalog"


class Locking(Session):
    """Taken in this order, so that nobody waits in a circle: the catalog, then a place, then deploys."""

    async def lock_catalog(self, *, exclusive: bool = False) -> None:
        """Hold the catalog in force as it is; ``exclusive`` to replace it, when all that decide by it have ended."""
        take = func.pg_advisory_xact_lock if exclusive else func.pg_advisory_xact_lock_shared
        if self._dialect.name != SQLITE:
            await self._run(select(take(func.hashtextextended(_CATALOG, 0))))

    async def lock_place(self, service: str, environment: str) -> None:
        """One request at a time for a service in an environment; equal hashes of two places only wait in vain."""
        if self._dialect.name != SQLITE:
            # a separator that is in no name, so that two places never make the same text
            key = f"{_PLACE}\x1f{service}\x1f{environment}"
            await self._run(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))
