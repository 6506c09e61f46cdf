"""Attempts to register a job with Nomad, and the rollouts that follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from bot.domain.deploy.base import Made
from bot.domain.deploy.dispatch import Attempt
from bot.domain.deploy.matrix import Recorded
from bot.domain.deploy.rollout import Rollout
from store.deploys.deploys import asked_for, newest_landed, newest_succeeded
from store.sql.mapping import columns_of
from store.sql.session import Session
from store.tables import attempts, deploys, rollouts

if TYPE_CHECKING:
    from collections.abc import Collection

_ATTEMPT = ("deploy_id", "plan", "number")
_ROLLOUT = ("deploy_id", "number")


class RolloutReading(Session):
    """Reads of attempts and rollouts."""

    async def attempts(self, deploy_id: int, plan: int | None = None) -> tuple[Attempt, ...]:
        """The attempts of the plan, or of every plan of the deploy, oldest first."""
        found = select(attempts).where(attempts.c.deploy_id == deploy_id)
        found = found if plan is None else found.where(attempts.c.plan == plan)
        return await self._all(Attempt, found.order_by(attempts.c.plan, attempts.c.number))

    async def rollouts(self, deploy_id: int) -> tuple[Rollout, ...]:
        """The deploy's rollouts: its own first, then Nomad's reverts."""
        found = select(rollouts).where(rollouts.c.deploy_id == deploy_id)
        return await self._all(Rollout, found.order_by(rollouts.c.number))

    async def versions_made(self, service: str, environment: str, since: int, limit: int = 100) -> tuple[Made, ...]:
        """The job versions with an index from ``since`` on, those of the newest deploys first."""
        before = rollouts.alias("before")
        reverted = (before.c.deploy_id == rollouts.c.deploy_id) & (before.c.number == rollouts.c.number - 1)
        found = (
            select(
                deploys.c.id.label("deploy_id"),
                deploys.c.version,
                deploys.c.revision,
                deploys.c.plan,
                deploys.c.catalog,
                rollouts.c.kind,
                rollouts.c.job_version,
                rollouts.c.job_modify_index,
                before.c.reverted_to.label("restores"),
            )
            .select_from(deploys.join(rollouts, rollouts.c.deploy_id == deploys.c.id).outerjoin(before, reverted))
            .where(
                deploys.c.service == service,
                deploys.c.environment == environment,
                rollouts.c.job_version.is_not(None),
                rollouts.c.job_modify_index >= since,
            )
            .order_by(deploys.c.id.desc(), rollouts.c.number.desc())
            .limit(limit)
        )
        return await self._all(Made, found)

    async def recorded(self, places: Collection[tuple[str, str]]) -> tuple[Recorded, ...]:
        """The rollouts of the deploys that succeeded last, and that landed last, in each place."""
        if not places:
            return ()
        asked = asked_for(places)
        newest = [deploys.c.id.in_(of(asked)) for of in (newest_succeeded, newest_landed)]
        found = (
            select(
                deploys.c.service,
                deploys.c.environment,
                deploys.c.id.label("deploy_id"),
                deploys.c.version,
                deploys.c.revision,
                rollouts.c.kind,
                rollouts.c.job_version,
                rollouts.c.job_modify_index,
                rollouts.c.groups,
            )
            .select_from(deploys.join(rollouts, rollouts.c.deploy_id == deploys.c.id))
            .where(or_(*newest), rollouts.c.job_version.is_not(None), rollouts.c.job_modify_index.is_not(None))
            .order_by(deploys.c.id, rollouts.c.number)
        )
        return await self._all(Recorded, found)


class RolloutWriting(RolloutReading):
    """Writes attempts and rollouts."""

    async def add_attempt(self, attempt: Attempt) -> None:
        """Insert an attempt before it is sent to Nomad."""
        await self._run(attempts.insert().values(columns_of(attempt)))

    async def answer_attempt(self, attempt: Attempt) -> None:
        """Update an attempt with Nomad's answer, or with the fact that another worker has taken over."""
        same = [attempts.c[name] == getattr(attempt, name) for name in _ATTEMPT]
        await self._run(attempts.update().where(*same).values(columns_of(attempt, without=_ATTEMPT)))

    async def save_rollout(self, rollout: Rollout) -> None:
        """Insert or update a rollout by (deploy, number)."""
        await self._upsert(rollouts, columns_of(rollout), _ROLLOUT)
