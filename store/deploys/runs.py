"""What became of a release in an environment: reads for the promotion rule, each of no more than the rule needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import case, false, func, literal, or_, select, tuple_

from bot.domain.deploy.deploy import Deploy, Status
from bot.domain.deploy.promotion import Run, when
from store.deploys.deploys import OPEN
from store.sql.dialects import Instant
from store.sql.session import Session
from store.tables import deploys, plans, rollouts

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Select

_OURS = (rollouts.c.deploy_id == deploys.c.id) & (rollouts.c.number == 1)
_PLANNED = (plans.c.deploy_id == deploys.c.id) & (plans.c.number == deploys.c.plan)
_HEALTHY = func.coalesce(plans.c.healthy & plans.c.unchanged, false())
# what changed nothing has no rollout: the version that it found running is its plan's base
_UNCHANGED = deploys.c.status == Status.UNCHANGED
_PROOFS = {
    Status.SUCCEEDED: (deploys.c.status == Status.SUCCEEDED) & (deploys.c.resolution == "") & (deploys.c.release != ""),
    Status.UNCHANGED: _UNCHANGED & _HEALTHY,
}
"""What ``Run.passed`` says, by the status of the deploy."""
_NEWEST = (deploys.c.changed_at.desc(), deploys.c.id.desc())


_NEWEST_LANDED = (deploys.c.landed_at.desc(), deploys.c.id.desc())


def _landings(service: str, environment: str) -> Select[Any]:
    there = (deploys.c.service == service, deploys.c.environment == environment)
    return select(deploys).where(*there, deploys.c.landed_at.is_not(None))


def _runs(service: str, environment: str) -> Select[Any]:
    return (
        select(
            deploys.c.id.label("deploy_id"),
            deploys.c.release,
            deploys.c.version,
            deploys.c.status,
            deploys.c.landed_at,
            deploys.c.changed_at,
            _HEALTHY.label("healthy"),
            (deploys.c.resolution != "").label("resolved"),
            case((_UNCHANGED, plans.c.base_version), else_=rollouts.c.job_version).label("job_version"),
            case((_UNCHANGED, plans.c.base_index), else_=rollouts.c.job_modify_index).label("job_modify_index"),
            deploys.c.deviation,
            deploys.c.rollback,
        )
        .select_from(deploys.outerjoin(rollouts, _OURS).outerjoin(plans, _PLANNED))
        .where(deploys.c.service == service, deploys.c.environment == environment)
    )


def _next_landings(proofs: Iterable[Run]) -> Select[Any]:
    """The deploys, of any release, that Nomad registered next after each of these."""
    proof, later = deploys.alias("proof"), deploys.alias("later")
    found = (
        select(later.c.id)
        .where(
            later.c.service == proof.c.service,
            later.c.environment == proof.c.environment,
            # a late landing of its own is no other deploy
            later.c.id != proof.c.id,
            tuple_(later.c.landed_at, later.c.id) > tuple_(proof.c.changed_at, proof.c.id),
        )
        .order_by(later.c.landed_at, later.c.id)
        .limit(1)
        .correlate(proof)
        .scalar_subquery()
    )
    return select(found).select_from(proof).where(proof.c.id.in_([run.deploy_id for run in proofs]))


class RunReading(Session):
    """Reads of what became of deploys."""

    async def runs(
        self, service: str, environment: str, release: str, since: datetime | None = None
    ) -> tuple[Run, ...]:
        """What became of the release there, and what landed next after each of its proofs, in order of numbers."""
        mine = _runs(service, environment).where(deploys.c.release == release)
        lately = mine
        if since is not None:
            lately = mine.where(or_(deploys.c.changed_at >= since, deploys.c.status.in_(OPEN)))
        found = list(await self._all(Run, lately))
        if since is not None:
            before = mine.where(deploys.c.changed_at < since, or_(*_PROOFS.values()))
            found += await self._all(Run, before.order_by(*_NEWEST).limit(1))
        proofs = [run for run in found if run.passed]
        if proofs:
            landed = _runs(service, environment).where(deploys.c.id.in_(_next_landings(proofs)))
            found += await self._all(Run, landed)
        return tuple({run.deploy_id: run for run in sorted(found, key=lambda run: run.deploy_id)}.values())

    async def last_passed(self, service: str, environment: str, *, other_than: str = "") -> Run | None:
        """The newest proof that a release, or one ``other_than`` this, works there; None if there is none."""
        place = _runs(service, environment).where(deploys.c.release != other_than)
        newest = []
        # one index lookup for each status
        for status, proof in _PROOFS.items():
            passed = place.where(deploys.c.status == status, proof)
            newest.append(await self._one(Run, passed.order_by(*_NEWEST).limit(1)))
        return max((run for run in newest if run is not None), key=when, default=None)

    async def next_landing(self, deploy: Deploy) -> datetime | None:
        """When Nomad registered a deploy that was requested later in its place; None if it registered none."""
        later = select(func.min(deploys.c.landed_at)).where(
            deploys.c.service == deploy.service,
            deploys.c.environment == deploy.environment,
            deploys.c.landed_at.is_not(None),
            deploys.c.id > deploy.id,
        )
        found: datetime | None = (await self._run(later)).scalar_one()
        return found

    async def last_landed(self, service: str, environment: str, *, other_than: str = "") -> Run | None:
        """The deploy that Nomad registered last, or the last of a version ``other_than`` this; None if none."""
        landed = _runs(service, environment).where(deploys.c.version != other_than, deploys.c.landed_at.is_not(None))
        return await self._one(Run, landed.order_by(deploys.c.landed_at.desc(), deploys.c.id.desc()).limit(1))

    async def last_landing(self, service: str, environment: str) -> Deploy | None:
        """The deploy that Nomad registered last there; None if it registered none."""
        return await self._one(Deploy, _landings(service, environment).order_by(*_NEWEST_LANDED).limit(1))

    async def first_landing(self, service: str, environment: str) -> Deploy | None:
        """The deploy that Nomad registered first there; None if it registered none."""
        oldest = _landings(service, environment).order_by(deploys.c.landed_at, deploys.c.id)
        return await self._one(Deploy, oldest.limit(1))

    async def success_before(self, deploy: Deploy) -> Deploy | None:
        """The deploy that landed last before this one, in its place, and has succeeded; None if there is none."""
        before = _landings(deploy.service, deploy.environment).where(
            deploys.c.status == Status.SUCCEEDED,
            tuple_(deploys.c.landed_at, deploys.c.id) < tuple_(literal(deploy.landed_at, Instant), deploy.id),
        )
        return await self._one(Deploy, before.order_by(*_NEWEST_LANDED).limit(1))

    async def first_landed(self, service: str, environment: str, version: str) -> Run | None:
        """The deploy of that version that Nomad registered first; None if it registered none."""
        landed = _runs(service, environment).where(deploys.c.version == version, deploys.c.landed_at.is_not(None))
        return await self._one(Run, landed.order_by(deploys.c.landed_at, deploys.c.id).limit(1))
