"""Plans and releases. A release never changes; a plan only if nothing but scaled counts moved."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from bot.domain.catalog.release import Release
from bot.domain.deploy.approval import PlanMark
from bot.domain.deploy.plan import Plan
from store.sql.dialects import insert
from store.sql.mapping import columns_of
from store.sql.session import Session
from store.tables import plans, releases

# made once, because the worker reads them at nearly every step
_OF_DEPLOY = plans.c.deploy_id == bindparam("deploy")
_NUMBERED = select(plans).where(_OF_DEPLOY, plans.c.number == bindparam("number"))
_MARKS = select(plans.c.number, plans.c.fingerprint, plans.c.moved).where(_OF_DEPLOY).order_by(plans.c.number)
_RELEASE = select(releases).where(releases.c.fingerprint == bindparam("release"))


class PlanReading(Session):
    """Reads of plans and releases."""

    async def plan(self, deploy_id: int, number: int) -> Plan | None:
        """The plan of a deploy with that number; None if there is none."""
        return await self._one(Plan, _NUMBERED, {"deploy": deploy_id, "number": number})

    async def plan_marks(self, deploy_id: int) -> tuple[PlanMark, ...]:
        """The marks of all plans of the deploy, in the order of their numbers; their jobs are not read."""
        rows = await self._rows(_MARKS, {"deploy": deploy_id})
        return tuple(PlanMark(number, fingerprint, bool(moved)) for number, fingerprint, moved in rows)

    async def release(self, fingerprint: str) -> Release | None:
        """The release with that fingerprint; None if there is none."""
        return await self._one(Release, _RELEASE, {"release": fingerprint})

    async def revisions(self, service: str, version: str, template_name: str) -> tuple[Release, ...]:
        """The releases of that version with that template, in the order of their first requests."""
        same = (
            releases.c.service == service,
            releases.c.version == version,
            releases.c.template_name == template_name,
        )
        return await self._all(Release, select(releases).where(*same).order_by(releases.c.id))


class PlanWriting(PlanReading):
    """Writes plans and releases."""

    async def add_release(self, release: Release) -> None:
        """Insert a release; does nothing if it is stored already."""
        values = {**columns_of(release), "fingerprint": release.fingerprint}
        kept = insert(self._dialect, releases).values(values).on_conflict_do_nothing(index_elements=["fingerprint"])
        await self._run(kept)

    async def add_plan(self, plan: Plan) -> None:
        """Insert a plan under its number."""
        await self._run(plans.insert().values(**columns_of(plan), kept_from=plan.at))

    async def save_plan(self, plan: Plan) -> None:
        """Update all columns of a plan, found by its deploy and number."""
        same = (plans.c.deploy_id == plan.deploy_id, plans.c.number == plan.number)
        await self._run(plans.update().where(*same).values(columns_of(plan, without=("deploy_id", "number"))))
