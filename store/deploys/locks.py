"""Locks that people place: the table, its reads and changes. The locks of the database are in ``store.locks``."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime  # noqa: TC003 -- SQLModel reads the annotations
from typing import TYPE_CHECKING, Final

from sqlalchemy import Table, bindparam, case, literal, select
from sqlalchemy import Text as Plain
from sqlalchemy import text as sql

from bot.domain.actor import Actor  # noqa: TC001 -- as above
from bot.domain.deploy.deploy import Status
from bot.domain.locks import Lock
from bot.ports.claims import JUDGING
from store.sql.columns import Who
from store.sql.conditions import CURRENT, IS_OPEN, where
from store.sql.dialects import Instant
from store.sql.fields import NUMBERED, always, may_be, number, of_deploy
from store.sql.mapping import columns_of
from store.sql.session import Session
from store.tables import Row, deploys

if TYPE_CHECKING:
    from bot.domain.locks import LockScope


class LockRow(Row, table=True):
    """A lock; an ended one stays."""

    __tablename__ = "locks"
    __table_args__ = (where("one_lock_each", "environment", "service", condition=CURRENT, unique=True), NUMBERED)

    id: int | None = number()
    service: str = always(Plain)
    environment: str = always(Plain)
    reason: str = always(Plain)
    holder: Actor = always(Who)
    placed_at: datetime = always(Instant)
    until: datetime | None = may_be(Instant)
    rollback: int | None = of_deploy(nullable=True)
    ended_at: datetime | None = may_be(Instant)
    ended_by: Actor | None = may_be(Who)
    ended_because: str = always(Plain)


_LOCKS: Final[Table] = Row.metadata.tables["locks"]
_UNDECIDED: Final = tuple(status for status in Status if status.undecided)
# made once, because every claim of a ready deploy needs them
_ALL = select(_LOCKS).where(sql(CURRENT)).order_by(_LOCKS.c.placed_at, _LOCKS.c.id)
_THERE = _ALL.where(
    _LOCKS.c.environment.in_(["", bindparam("environment")]), _LOCKS.c.service.in_(["", bindparam("service")])
)


class LockReading(Session):
    """Reads of locks."""

    async def locks(self) -> tuple[Lock, ...]:
        """The locks that nobody has ended, oldest first."""
        return await self._all(Lock, _ALL)

    async def locks_on(self, service: str, environment: str) -> tuple[Lock, ...]:
        """Those that close the service there, oldest first."""
        return await self._all(Lock, _THERE, {"service": service, "environment": environment})


class LockWriting(LockReading):
    """Writes locks, and wakes what they hold."""

    async def add_lock(self, lock: Lock) -> Lock:
        """The new lock with its number; ``StoreBusy`` if exactly the same is locked already."""
        row = columns_of(lock, without=("id",))
        number: int = (await self._run(_LOCKS.insert().values(row).returning(_LOCKS.c.id))).scalar_one()
        return replace(lock, id=number)

    async def save_lock(self, lock: Lock) -> None:
        """Store all fields of the lock."""
        await self._run(_LOCKS.update().where(_LOCKS.c.id == lock.id).values(columns_of(lock, without=("id",))))

    async def judge_under(self, scope: LockScope, at: datetime) -> None:
        """Mark every undecided deploy in the scope to be judged anew, and make the ready ones due."""
        within = [
            column == name
            for column, name in ((deploys.c.service, scope.service), (deploys.c.environment, scope.environment))
            if name
        ]
        found = select(deploys.c.id).where(sql(IS_OPEN), deploys.c.status.in_(_UNDECIDED), *within)
        # waits for whoever holds one, in the order in which others lock several: one that is being held just now by
        # the lock that ends here must not miss this
        locked = found.order_by(deploys.c.requested_at, deploys.c.id).with_for_update()
        due = case((deploys.c.status == Status.READY, literal(at, Instant())), else_=deploys.c.due_at)
        await self._run(deploys.update().where(deploys.c.id.in_(locked)).values(unjudged=True, due_at=due))
        self._due += [(JUDGING, at, 0), (Status.READY, at, 0)]
