"""Queries, locks and changes of deploys."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text as Plain
from sqlalchemy import bindparam, column, func, select, union_all, values
from sqlalchemy import text as sql

from bot.domain.deploy.deploy import Deploy, Status
from bot.errors import StaleFence
from store.sql.conditions import IS_OPEN
from store.sql.mapping import columns_of, record_of
from store.sql.session import Session
from store.tables import deploys

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import CTE, FromClause, RowMapping, Select

    from bot.domain.actor import Actor
    from bot.domain.digest.schedule import Scope
    from bot.ports.claims import Claim

_BEFORE_OTHERS = frozenset({Status.PLANNING, Status.READY, Status.DISPATCHING, Status.ROLLING})
"""The statuses in which other deploys may wait for this one."""
OPEN = tuple(status for status in Status if status.open)
# made once, because every decision and every step of a worker needs them
_NUMBERED = select(deploys).where(deploys.c.id == bindparam("number"))
_LOCKED = _NUMBERED.with_for_update()
_SAVED = deploys.update().where(deploys.c.id == bindparam("number"))
_ALL_OPEN = select(deploys).where(sql(IS_OPEN)).order_by(deploys.c.requested_at, deploys.c.id)
_THERE = (deploys.c.service == bindparam("service")) & (deploys.c.environment == bindparam("environment"))
_OPEN_THERE = _ALL_OPEN.where(_THERE)
_BEHIND = (
    select(deploys)
    .where(_THERE, deploys.c.status == Status.READY)
    .where(deploys.c.id != bindparam("number"), deploys.c.due_at > bindparam("after"))
    # skip a deploy that a worker has: the worker checks it anyway, and to wait here could be a deadlock
    .with_for_update(skip_locked=True)
)


def _within(found: Select[Any], service: str | None, environment: str | None) -> Select[Any]:
    if service is not None:
        found = found.where(deploys.c.service == service)
    if environment is not None:
        found = found.where(deploys.c.environment == environment)
    return found


def asked_for(places: Collection[tuple[str, str]]) -> CTE:
    """The (service, environment) pairs as a table; one for all parts of a statement."""
    return values(column("service", Plain), column("environment", Plain), name="asked").data(list(places)).cte("asked")


def newest_succeeded(asked: CTE, before: int = 0) -> Select[Any]:
    """The deploys that succeeded last in each place that is ``asked_for``, or so many ``before`` the last."""
    each = deploys.alias("each")
    succeeded = select(each.c.id).where(each.c.status == Status.SUCCEEDED).order_by(each.c.changed_at.desc())
    return _newest(asked, each, succeeded.offset(before))


def newest_landed(asked: CTE) -> Select[Any]:
    """The deploys that Nomad registered last in each place that is ``asked_for``."""
    each = deploys.alias("each")
    landed = select(each.c.id).where(each.c.landed_at.is_not(None)).order_by(each.c.landed_at.desc())
    return _newest(asked, each, landed)


def _newest(asked: CTE, each: FromClause, found: Select[Any]) -> Select[Any]:
    # one index lookup for each pair, because the history may be long
    there = found.where(each.c.service == asked.c.service, each.c.environment == asked.c.environment)
    newest = there.order_by(each.c.id.desc()).limit(1).correlate(asked).scalar_subquery()
    return select(newest).select_from(asked)


def _stands(deploy: Deploy) -> tuple[Status, tuple[str, ...]]:
    """The fields of a deploy on which the turn of other deploys depends."""
    return deploy.status, tuple(reason.code for reason in deploy.blocked)


class DeployReading(Session):
    """Reads of deploys."""

    async def deploy(self, deploy_id: int) -> Deploy | None:
        """One deploy."""
        return await self._one(Deploy, _NUMBERED, {"number": deploy_id})

    async def open_deploys(self, service: str | None = None, environment: str | None = None) -> tuple[Deploy, ...]:
        """The open deploys, oldest request first, then by number."""
        if service is None or environment is None:
            return await self._all(Deploy, _within(_ALL_OPEN, service, environment))
        return await self._all(Deploy, _OPEN_THERE, {"service": service, "environment": environment})

    async def open_places(self) -> tuple[tuple[str, str], ...]:
        """The (service, environment) pairs that have an open deploy."""
        places = select(deploys.c.service, deploys.c.environment).where(sql(IS_OPEN)).distinct()
        return tuple((service, environment) for service, environment in await self._rows(places))

    async def requested_by(self, requester: Actor, since: datetime, until: datetime) -> tuple[int, int]:
        """How many deploys of the requester are open, and how many were requested in that time."""
        lately = (deploys.c.requested_at > since) & (deploys.c.requested_at <= until)
        counts = [
            select(func.count()).select_from(deploys).where(deploys.c.requester == requester, condition)
            for condition in (sql(IS_OPEN), lately)
        ]
        still_open, of_late = [(await self._run(each)).scalar_one() for each in counts]
        return still_open, of_late

    async def last_succeeded(self, service: str, environment: str) -> Deploy | None:
        """The deploy that succeeded last; it never changes again, so ``changed_at`` says when it succeeded."""
        found = _within(select(deploys), service, environment).where(deploys.c.status == Status.SUCCEEDED)
        return await self._one(Deploy, found.order_by(deploys.c.changed_at.desc(), deploys.c.id.desc()).limit(1))

    async def last_succeeded_of(self, places: Collection[tuple[str, str]]) -> tuple[Deploy, ...]:
        """The deploy that succeeded last in each of many (service, environment), for those that have one."""
        if not places:
            return ()
        return await self._all(Deploy, select(deploys).where(deploys.c.id.in_(newest_succeeded(asked_for(places)))))

    async def maybe_open(self, scope: Scope) -> tuple[int, ...]:
        """The deploys that may have been open at the end of the scope's span: open now, or changed since."""
        asked = select(deploys.c.id).where(deploys.c.requested_at < scope.span.ends)
        if scope.environments is not None:
            asked = asked.where(deploys.c.environment.in_(sorted(scope.environments)))
        still = asked.where(sql(IS_OPEN))
        since = asked.where(deploys.c.changed_at >= scope.span.ends)
        # sorted here, because SQLite would read the whole table to return them in order
        return tuple(sorted(set((await self._run(union_all(still, since))).scalars())))


class DeployWriting(DeployReading):
    """Writes deploys."""

    async def lock_deploy(self, deploy_id: int, claim: Claim | None = None) -> Deploy | None:
        """Lock the deploy until this transaction ends, and return it; None if there is no such deploy.

        Raises ``StaleFence`` if another worker has taken over the claim.
        """
        row = await self._row(_LOCKED, {"number": deploy_id})
        return None if row is None else self._hold_deploy(row, claim)

    def _hold_deploy(self, row: RowMapping, claim: Claim | None = None) -> Deploy:
        """The deploy of a locked row; raises ``StaleFence`` if another worker has taken over the claim."""
        if claim is not None and row["fence"] != claim.fence:
            raise StaleFence(f"D-{row['id']} was taken over by {row['worker']}: nothing was written")
        deploy = record_of(Deploy, row)
        if claim is not None:
            self._kept.add(deploy.id)
        self._locked[deploy.id] = deploy
        return deploy

    async def add_deploy(self, deploy: Deploy) -> Deploy:
        """The new deploy with the next number; its own ``id`` counts for nothing."""
        row = columns_of(deploy, without=("id",))
        number: int = (await self._run(deploys.insert().values(row).returning(deploys.c.id))).scalar_one()
        self._locked[number] = replace(deploy, id=number)
        self._note_due(self._locked[number])
        return self._locked[number]

    async def save_deploy(self, deploy: Deploy) -> None:
        """Update all fields of the deploy, which must be locked in this transaction.

        Raises ``StoreBusy`` if another deploy of its service and environment is dispatching.
        """
        if deploy.id not in self._locked:
            raise RuntimeError(f"{deploy.number} must be locked in the transaction that saves it")
        row = columns_of(deploy, without=("id",))
        await self._run(_SAVED, {**row, "number": deploy.id})
        before, self._locked[deploy.id] = self._locked[deploy.id], deploy
        self._note_due(deploy)
        if before.status in _BEFORE_OTHERS and _stands(before) != _stands(deploy):
            await self._wake_behind(deploy)

    async def _wake_behind(self, deploy: Deploy) -> None:
        """Make the deploys that wait for their turn behind this one due now; decides nothing about them."""
        which = {"service": deploy.service, "environment": deploy.environment}
        for other in await self._all(Deploy, _BEHIND, {**which, "number": deploy.id, "after": deploy.changed_at}):
            if other.waits_its_turn:
                await self._run(deploys.update().where(deploys.c.id == other.id).values(due_at=deploy.changed_at))
                self._note_due(replace(other, due_at=deploy.changed_at))

    def _note_due(self, deploy: Deploy) -> None:
        if deploy.due_at is not None:
            self._due.append((deploy.status, deploy.due_at, deploy.id))
