"""What a decision is about, a deploy, together with the catalog in force, in one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from bot.domain.deploy.deploy import Deploy
from store.catalogs import NEWEST, CatalogReading, CatalogWriting
from store.deploys.deploys import DeployReading, DeployWriting
from store.sql.mapping import record_of
from store.tables import deploys

if TYPE_CHECKING:
    from bot.ports.claims import Claim
    from bot.ports.store import ActiveCatalog

_SUBJECT = select(deploys, NEWEST.scalar_subquery().label("in_force")).where(deploys.c.id == bindparam("number"))
_LOCKED = _SUBJECT.with_for_update(of=deploys)


class SubjectReading(CatalogReading, DeployReading):
    """Reads the subject of a decision."""

    async def subject(self, deploy_id: int) -> tuple[Deploy, ActiveCatalog] | None:
        """The deploy and the catalog in force; ``CatalogMissing`` if none was ever applied."""
        row = await self._row(_SUBJECT, {"number": deploy_id})
        return None if row is None else (record_of(Deploy, row), await self._in_force(row["in_force"] or ""))


class SubjectWriting(SubjectReading, CatalogWriting, DeployWriting):
    """Locks the subject of a decision."""

    async def lock_subject(self, deploy_id: int, claim: Claim | None = None) -> tuple[Deploy, str] | None:
        """Hold the catalog in force, then the deploy; the deploy, and the catalog's fingerprint.

        Raises ``StaleFence`` if another worker has taken over the claim.
        """
        # in a statement of its own: the next one sees what was committed until the lock was there
        await self._lock_active_catalog(exclusive=False)
        row = await self._row(_LOCKED, {"number": deploy_id})
        if row is None:
            return None
        self._held_catalog = row["in_force"] or ""
        return self._hold_deploy(row, claim), self._held_catalog
