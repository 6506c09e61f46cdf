"""What a new catalog asks for: every undecided deploy judged anew, and every offer; marked in one statement each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import or_, select, tuple_
from sqlalchemy import text as sql

from bot.domain.deploy.deploy import Deploy, Status
from bot.ports.claims import JUDGING
from store.deploys.deploys import DeployReading, DeployWriting, asked_for, newest_succeeded
from store.sql.conditions import IS_OPEN, UNJUDGED
from store.sql.mapping import record_of
from store.tables import deploys

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select

# open besides, because that has an index
_IS_UNDECIDED = sql(IS_OPEN) & deploys.c.status.in_([status for status in Status if status.undecided])


def _in_places(statuses: Collection[Status], places: Collection[tuple[str, str]]) -> Select[tuple[int]]:
    there = tuple_(deploys.c.service, deploys.c.environment).in_(sorted(places))
    return select(deploys.c.id).where(sql(IS_OPEN), deploys.c.status.in_(sorted(statuses)), there)


def _to_move(at: datetime) -> ColumnElement[bool]:
    """Due later, or with a worker, which must see that it became due meanwhile; one that is due keeps its turn."""
    return (deploys.c.due_at > at) | (deploys.c.due_at.is_not(None) & deploys.c.held_until.is_not(None))


class JudgingReading(DeployReading):
    """Reads which deploys wait for a judgement."""

    async def any_unjudged(self) -> bool:
        """Whether a deploy is still to be judged by the catalog in force."""
        found: bool = (await self._run(select(select(deploys.c.id).where(sql(UNJUDGED)).exists()))).scalar_one()
        return found

    async def any_of(self, statuses: Collection[Status], places: Collection[tuple[str, str]]) -> bool:
        """Whether an open deploy in one of these states is in one of these (service, environment)."""
        found: bool = (await self._run(select(_in_places(statuses, places).exists()))).scalar_one()
        return found

    async def overdue(self, now: datetime, latest: Mapping[str, datetime], limit: int = 100) -> tuple[int, ...]:
        """Undecided deploys whose time is over, or would be only after the latest instant for their environment."""
        astray = ((deploys.c.environment == name) & (deploys.c.expires_at > at) for name, at in latest.items())
        over = select(deploys.c.id).where(_IS_UNDECIDED, or_(deploys.c.expires_at <= now, *astray))
        return tuple((await self._run(over.order_by(deploys.c.requested_at, deploys.c.id).limit(limit))).scalars())


class JudgingWriting(JudgingReading, DeployWriting):
    """Marks deploys, and takes the marked ones."""

    async def judge_anew(self, at: datetime) -> None:
        """Mark every undecided deploy, in one statement however many there are."""
        # in the order in which other transactions lock several deploys, or PostgreSQL would find a deadlock
        undecided = select(deploys.c.id).where(_IS_UNDECIDED)
        locked = undecided.order_by(deploys.c.requested_at, deploys.c.id).with_for_update()
        await self._run(deploys.update().where(deploys.c.id.in_(locked)).values(unjudged=True))
        self._due.append((JUDGING, at, 0))

    async def take_unjudged(self, limit: int) -> tuple[Deploy, ...]:
        """Lock the marked deploys that were requested first, and take their mark."""
        first = select(deploys).where(sql(UNJUDGED)).order_by(deploys.c.requested_at, deploys.c.id).limit(limit)
        rows = (await self._run(first.with_for_update())).mappings().all()
        found = tuple(record_of(Deploy, row) for row in rows)
        await self._run(deploys.update().where(deploys.c.id.in_([each.id for each in found])).values(unjudged=False))
        self._locked |= {each.id: each for each in found}
        return found

    async def follow_now(self, statuses: Collection[Status], places: Collection[tuple[str, str]], at: datetime) -> int:
        """Make the open deploys in these states due that are in these (service, environment); returns how many.

        One that a worker keeps is moved, too, so that the worker sees it; one that is due keeps its turn.
        """
        locked = _in_places(statuses, places).where(_to_move(at)).order_by(deploys.c.id).with_for_update()
        moved = deploys.update().where(deploys.c.id.in_(locked)).values(due_at=at)
        found = (await self._run(moved.returning(deploys.c.status))).scalars().all()
        self._due += [(status, at, 0) for status in set(found)]
        return len(found)

    async def follow_anew(self, statuses: Collection[Status], lane: str, at: datetime) -> None:
        """Make the deploys in these states due that are due later, in one lane."""
        these = (deploys.c.status.in_(sorted(statuses)), _to_move(at), deploys.c.lane == lane)
        locked = select(deploys.c.id).where(*these).order_by(deploys.c.id).with_for_update()
        await self._run(deploys.update().where(deploys.c.id.in_(locked)).values(due_at=at))
        self._due += [(status, at, 0) for status in statuses]

    async def offer_anew(self, places: Collection[tuple[str, str]], at: datetime) -> None:
        """Make the deploys due that succeeded last in each (service, environment), and those that did before them."""
        if places:
            asked = asked_for(places)
            these = or_(*(deploys.c.id.in_(newest_succeeded(asked, before)) for before in (0, 1)))
            # in one order, or PostgreSQL would find a deadlock
            locked = select(deploys.c.id).where(these).order_by(deploys.c.id).with_for_update()
            await self._run(deploys.update().where(deploys.c.id.in_(locked)).values(due_at=at))
            self._due.append((Status.SUCCEEDED, at, 0))
