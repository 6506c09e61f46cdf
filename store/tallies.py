"""What a scope's audit events add up to: counted in the database, from the columns beside the bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import Text as Plain
from sqlalchemy import distinct, func, or_, select, type_coerce

from bot.audit_ports import Stored
from bot.domain.actor import human_behind
from bot.domain.events import EventType
from bot.domain.report import Sign, Tally
from store.dialects import Instant
from store.scopes import of_types
from store.session import Session
from store.tables import audit_events

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime, timedelta

    from sqlalchemy import FromClause, ScalarSelect, Select

    from bot.domain.digest import Scope

_E: Final = audit_events.c
_SIGN: Final = (_E.deploy, _E.service, _E.environment, _E.actor, _E.at)


class TallyReading(Session):
    """Reads of one scope."""

    async def tally(self, scope: Scope) -> Tally:
        """Counts by type, and the durations of the scope's deploys."""
        counted = select(_E.type, func.count()).where(*of_types(_E, scope, EventType)).group_by(_E.type)
        types: dict[EventType, int] = dict(await self._rows(counted))
        return Tally(
            events=sum(types.values()),
            types=types,
            reverted=(await self._run(_reverted(scope))).scalar_one(),
            to_approve=await self._durations(_to_approve(scope)),
            to_succeed=await self._durations(_to_succeed(scope)),
        )

    async def deploys_with(
        self, scope: Scope, types: Collection[EventType], after: EventType | None = None
    ) -> tuple[int, ...]:
        """Deploys with an event of these types in the scope, each once, in the order of their first such event.

        With ``after``, only where an event of that type had come before it.
        """
        found = select(_E.deploy).where(*of_types(_E, scope, types), _E.deploy.is_not(None)).group_by(_E.deploy)
        if after is not None:
            found = found.where(_newest(after, scope, audit_events).is_not(None))
        return tuple(deploy for (deploy,) in await self._plain(found.order_by(func.min(_E.index))))

    async def events_of(self, scope: Scope, types: Collection[EventType]) -> tuple[Stored, ...]:
        """The scope's events of these types, oldest first."""
        found = select(_E.index, _E.body).where(*of_types(_E, scope, types)).order_by(_E.index)
        return tuple(Stored(index, body) for index, body in await self._plain(found))

    async def approvals_in(self, scope: Scope) -> tuple[Sign, ...]:
        """The scope's approvals, oldest first: who approved what and when."""
        found = select(*_SIGN).where(*of_types(_E, scope, {EventType.DEPLOY_APPROVED})).order_by(_E.index)
        return tuple(Sign(*row) for row in await self._rows(found))

    async def own_approvals_in(self, scope: Scope) -> tuple[Sign, ...]:
        """Those of them that approved the approver's own request, also where a pipeline made it for them."""
        asked = audit_events.alias("asked").c
        theirs = or_(asked.actor == _E.actor, type_coerce(asked.actor, Plain).startswith("ci:"))
        found = (
            select(*_SIGN, asked.actor)
            .where(*of_types(_E, scope, {EventType.DEPLOY_APPROVED}), asked.deploy == _E.deploy)
            .where(asked.type == EventType.DEPLOY_REQUESTED, theirs)
            .order_by(_E.index)
        )
        rows = await self._rows(found)
        return tuple(Sign(*row[:-1]) for row in rows if human_behind(row[3]) == human_behind(row[-1]))

    async def _durations(self, statement: Select[datetime, datetime]) -> tuple[timedelta, ...]:
        moment = Instant().result_processor(self._dialect, None)
        pairs = ((moment(until), moment(since)) for until, since in await self._plain(statement))
        return tuple(until - since for until, since in pairs if until and since)


def _reverted(scope: Scope) -> Select[int]:
    """How many of the deploys that failed in the scope Nomad was reverting by its end."""
    revert = audit_events.alias("revert").c
    of_deploy = (revert.deploy == _E.deploy, revert.type == EventType.DEPLOY_REVERTED, revert.at < scope.span.ends)
    # ordered and limited for SQLite alone, which else reads all reverts there ever were for each failed deploy
    by_its_end = select(revert.index).where(*of_deploy).order_by(revert.index).limit(1)
    failed = of_types(_E, scope, {EventType.DEPLOY_FAILED})
    return select(func.count(distinct(_E.deploy))).where(*failed, by_its_end.scalar_subquery().is_not(None))


def _to_approve(scope: Scope) -> Select[datetime, datetime]:
    """For each deploy that was dispatched in the scope: the newest approval before its newest dispatch; its request."""
    dispatched = (
        select(_E.deploy, func.max(_E.index).label("index"))
        .where(*of_types(_E, scope, {EventType.DEPLOY_DISPATCHING}), _E.deploy.is_not(None))
        .group_by(_E.deploy)
        .cte("dispatched")
    )
    return select(
        _newest(EventType.DEPLOY_APPROVED, scope, dispatched).label("approved"),
        _newest(EventType.DEPLOY_REQUESTED, scope, dispatched).label("requested"),
    ).select_from(dispatched)


def _to_succeed(scope: Scope) -> Select[datetime, datetime]:
    """For each deploy that succeeded in the scope: when it did; its newest dispatch."""
    succeeded = of_types(_E, scope, {EventType.DEPLOY_SUCCEEDED})
    return select(_E.at, _newest(EventType.DEPLOY_DISPATCHING, scope, audit_events).label("dispatched")).where(
        *succeeded
    )


def _newest(kind: EventType, scope: Scope, events: FromClause) -> ScalarSelect[datetime]:
    """When the last event of that type was, of the same deploy and before each of ``events``.

    One from the span's end on is left out: after a clock was set back, it may have been recorded before them.
    """
    earlier = audit_events.alias().c
    of_deploy = (earlier.deploy == events.c.deploy, earlier.type == kind, earlier.index < events.c.index)
    found = select(earlier.at).where(*of_deploy, earlier.at < scope.span.ends).order_by(earlier.index.desc()).limit(1)
    return found.correlate(events).scalar_subquery()
