"""Plans and the releases they are plans of: both are written once."""

from __future__ import annotations

from sqlalchemy import select

from bot.domain.catalog.release import Release
from bot.domain.deploy.plan import Plan
from store.deploys.deploys import OPEN
from store.sql.dialects import insert
from store.sql.mapping import columns_of
from store.sql.session import Session
from store.tables import deploys, plans, releases


class PlanReading(Session):
    """Reads of plans and releases."""

    async def plan(self, deploy_id: int, number: int) -> Plan | None:
        """One plan of a deploy."""
        return await self._one(Plan, select(plans).where(plans.c.deploy_id == deploy_id, plans.c.number == number))

    async def release(self, fingerprint: str) -> Release | None:
        """A stored release."""
        return await self._one(Release, select(releases).where(releases.c.fingerprint == fingerprint))

    async def release_of(self, service: str, version: str, template_name: str) -> Release | None:
        """The first stored release of that version by that template that a plan was made of, or is about to be."""
        used = (
            deploys.c.service == releases.c.service,
            deploys.c.release == releases.c.fingerprint,
            (deploys.c.plan > 0) | deploys.c.status.in_(OPEN),
        )
        same = (
            releases.c.service == service,
            releases.c.version == version,
            releases.c.template_name == template_name,
            select(deploys.c.id).where(*used).exists(),
        )
        return await self._one(Release, select(releases).where(*same).order_by(releases.c.id).limit(1))


class PlanWriting(PlanReading):
    """New plans and releases."""

    async def add_release(self, release: Release) -> None:
        """Keep a release; one that is already kept is left as it is."""
        values = {**columns_of(release), "fingerprint": release.fingerprint}
        kept = insert(self._dialect, releases).values(values).on_conflict_do_nothing(index_elements=["fingerprint"])
        await self._run(kept)

    async def add_plan(self, plan: Plan) -> None:
        """Keep a plan under its number."""
        await self._run(plans.insert().values(columns_of(plan)))
