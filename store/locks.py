"""Locks that no row stands for: a service in an environment that somebody requests a deploy for, and the catalog.

PostgreSQL's advisory locks, held until the transaction ends: at READ COMMITTED two transactions could otherwise both
find no deploy and both add one, or decide by a catalog that is replaced before they commit. SQLite has one writer at a
time. Everybody takes them in this order, so that nobody waits in a circle: the catalog, a service, then deploys.
"""

from __future__ import annotations

from sqlalchemy import func, select

from store.sql.dialects import SQLITE
from store.sql.session import Session

_SERVICE, _CATALOG = "place", "catalog"


class Locking(Session):
    """Advisory locks, which end with the transaction."""

    async def _lock_active_catalog(self, *, exclusive: bool) -> None:
        """Hold the catalog in force as it is; ``exclusive`` to replace it, when all that decide by it have ended."""
        take = func.pg_advisory_xact_lock if exclusive else func.pg_advisory_xact_lock_shared
        if self._dialect != SQLITE:
            await self._run(select(take(func.hashtextextended(_CATALOG, 0))))

    async def lock_service(self, service: str, environment: str) -> None:
        """One request at a time for a service in an environment; two with the same hash wait for each other in vain."""
        if self._dialect != SQLITE:
            # a separator that is in no name, so that two pairs never make the same text
            key = f"{_SERVICE}\x1f{service}\x1f{environment}"
            await self._run(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))
