"""Counts and durations of a scope's audit events, computed in the database from the columns beside the bodies."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Text as Plain
from sqlalchemy import bindparam, distinct, func, or_, select, type_coerce

from bot.domain.actor import human_behind
from bot.domain.audit.events import EventType
from bot.domain.digest.report import Sign, Tally
from bot.ports.audit import Stored
from store.sql.scopes import of_types, values_of
from store.sql.session import Session
from store.tables import audit_events

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime, timedelta

    from sqlalchemy import FromClause, ScalarSelect, Select

    from bot.domain.digest.schedule import Scope

# the statements are cached: building one often takes longer than running it
_E: Final = audit_events.c
_SIGN: Final = (_E.deploy, _E.service, _E.environment, _E.actor, _E.at)
_APPROVED: Final = (EventType.DEPLOY_APPROVED,)


class TallyReading(Session):
    """Reads the events of one scope, in numbers or in full."""

    async def tally(self, scope: Scope) -> Tally:
        """The scope's number of events of each type, and how long its deploys took."""
        everywhere, values = scope.environments is None, values_of(scope)
        types: dict[EventType, int] = dict(await self._rows(_counts_by_type(everywhere=everywhere), values))
        return Tally(
            events=sum(types.values()),
            types=types,
            reverted=(await self._run(_reverting(everywhere=everywhere), values)).scalar_one(),
            to_approve=await self._durations(_to_approve(everywhere=everywhere), values),
            to_succeed=await self._durations(_to_succeed(everywhere=everywhere), values),
        )

    async def deploys_with(
        self, scope: Scope, types: Collection[EventType], after: EventType | None = None
    ) -> tuple[int, ...]:
        """The deploys with an event of these types in the scope, each once, in the order of their first such event.

        With ``after``, only deploys that had an event of that type before it.
        """
        found = _deploys_with(frozenset(types), after, everywhere=scope.environments is None)
        return tuple(deploy for (deploy,) in await self._rows(found, values_of(scope)))

    async def events_of(self, scope: Scope, types: Collection[EventType]) -> tuple[Stored, ...]:
        """The scope's events of these types, oldest first."""
        found = _events_of(frozenset(types), everywhere=scope.environments is None)
        return tuple(Stored(index, body) for index, body in await self._rows(found, values_of(scope)))

    async def approvals_in(self, scope: Scope) -> tuple[Sign, ...]:
        """The scope's approvals, oldest first: who approved which deploy, and when."""
        rows = await self._rows(_approvals(everywhere=scope.environments is None), values_of(scope))
        return tuple(Sign(*row) for row in rows)

    async def own_approvals_in(self, scope: Scope) -> tuple[Sign, ...]:
        """The scope's approvals of the approver's own request, including requests that a pipeline made for them."""
        rows = await self._rows(_own_approvals(everywhere=scope.environments is None), values_of(scope))
        return tuple(Sign(*row[:-1]) for row in rows if human_behind(row[3]) == human_behind(row[-1]))

    async def _durations(self, statement: Select[datetime, datetime], values: dict[str, Any]) -> tuple[timedelta, ...]:
        pairs = await self._rows(statement, values)
        return tuple(until - since for until, since in pairs if until and since)


@cache
def _counts_by_type(*, everywhere: bool) -> Select[EventType, int]:
    of_all = of_types(_E, EventType, everywhere=everywhere)
    return select(_E.type, func.count()).where(*of_all).group_by(_E.type)


@cache
def _deploys_with(types: frozenset[EventType], after: EventType | None, *, everywhere: bool) -> Select[int]:
    found = select(_E.deploy).where(*of_types(_E, types, everywhere=everywhere), _E.deploy.is_not(None))
    if after is not None:
        found = found.where(_newest(after, audit_events).is_not(None))
    return found.group_by(_E.deploy).order_by(func.min(_E.index))


@cache
def _events_of(types: frozenset[EventType], *, everywhere: bool) -> Select[int, bytes]:
    return select(_E.index, _E.body).where(*of_types(_E, types, everywhere=everywhere)).order_by(_E.index)


@cache
def _approvals(*, everywhere: bool) -> Select[Any]:
    return select(*_SIGN).where(*of_types(_E, _APPROVED, everywhere=everywhere)).order_by(_E.index)


@cache
def _own_approvals(*, everywhere: bool) -> Select[Any]:
    asked = audit_events.alias("asked").c
    theirs = or_(asked.actor == _E.actor, type_coerce(asked.actor, Plain).startswith("ci:"))
    requested = (asked.deploy == _E.deploy, asked.type == EventType.DEPLOY_REQUESTED, theirs)
    approved = of_types(_E, _APPROVED, everywhere=everywhere)
    return select(*_SIGN, asked.actor).where(*approved, *requested).order_by(_E.index)


@cache
def _reverting(*, everywhere: bool) -> Select[int]:
    """The number of deploys that failed in the scope and that Nomad was reverting when the scope ended."""
    revert = audit_events.alias("revert").c
    of_deploy = (revert.deploy == _E.deploy, revert.type == EventType.DEPLOY_REVERTED, revert.at < bindparam("ends"))
    # ORDER BY and LIMIT are for SQLite, which would otherwise read all reverts of all time for each failed deploy
    by_its_end = select(revert.index).where(*of_deploy).order_by(revert.index).limit(1)
    failed = of_types(_E, (EventType.DEPLOY_FAILED,), everywhere=everywhere)
    return select(func.count(distinct(_E.deploy))).where(*failed, by_its_end.scalar_subquery().is_not(None))


@cache
def _to_approve(*, everywhere: bool) -> Select[datetime, datetime]:
    """For each deploy dispatched in the scope: when it was requested, and its newest approval before that dispatch."""
    sent = of_types(_E, (EventType.DEPLOY_DISPATCHING,), everywhere=everywhere)
    newest = select(_E.deploy, func.max(_E.index).label("index")).where(*sent, _E.deploy.is_not(None))
    dispatched = newest.group_by(_E.deploy).cte("dispatched")
    return select(
        _newest(EventType.DEPLOY_APPROVED, dispatched).label("approved"),
        _newest(EventType.DEPLOY_REQUESTED, dispatched).label("requested"),
    ).select_from(dispatched)


@cache
def _to_succeed(*, everywhere: bool) -> Select[datetime, datetime]:
    """For each deploy that succeeded in the scope: its newest dispatch, and when it succeeded."""
    succeeded = of_types(_E, (EventType.DEPLOY_SUCCEEDED,), everywhere=everywhere)
    return select(_E.at, _newest(EventType.DEPLOY_DISPATCHING, audit_events).label("dispatched")).where(*succeeded)


def _newest(kind: EventType, events: FromClause) -> ScalarSelect[datetime]:
    """The time of the deploy's last event of that type before each of ``events``.

    Leaves out events at or after the end of the span: if the clock was set back, those may have been recorded earlier.
    """
    earlier = audit_events.alias().c
    of_deploy = (earlier.deploy == events.c.deploy, earlier.type == kind, earlier.index < events.c.index)
    found = select(earlier.at).where(*of_deploy, earlier.at < bindparam("ends")).order_by(earlier.index.desc()).limit(1)
    return found.correlate(events).scalar_subquery()
