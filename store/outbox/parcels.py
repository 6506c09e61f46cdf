"""Parcels: messages that workers take from the outbox, at most one at a time for each Slack message."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, case, func, select
from sqlalchemy import text as sql

from bot.domain.deploy.message import Delivery, Outgoing
from bot.errors import StaleFence
from bot.ports.store import Parcel
from store.sql.conditions import HELD, PENDING_CARD, REPLY
from store.sql.dialects import clock, insert
from store.sql.mapping import record_of
from store.sql.session import Session
from store.tables import deploys, messages, outbox

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy import ColumnElement, RowMapping, Select
    from sqlalchemy.sql import Executable

# the kinds that change a deploy's own message; the partial index in `tables` names the same two
_OF_MESSAGE = (Delivery.CARD, Delivery.THREAD)
_LANE_WIDTH = 2
"""How many messages of a channel are on their way at once: a second one goes on while a dead worker holds the first."""
_FREE = {"worker": None, "held_until": None}


class Parcels(Session):
    """Takes parcels, and puts them back; does nothing to a parcel that another worker has taken over."""

    async def due(self, now: datetime) -> bool:
        """Whether ``take`` would find a parcel; takes no lock."""
        found: bool = (await self._run(_due(self._dialect), {"now": now})).scalar_one()
        return found

    async def take(self, owner: str, lease: timedelta, now: datetime) -> Parcel | None:
        """Take the next parcel that is due; None if there is none.

        Raises ``Taken`` if another worker took one for the same message meanwhile.
        """
        await self._end_expired()
        row = await self._row(_taken(self._dialect, lease), {"now": now, "owner": owner})
        return None if row is None else _parcel(row)

    async def _end_expired(self) -> None:
        """Free the parcels of dead workers, so that the index has only parcels with a live worker."""
        for row in (await self._run(_expired(self._dialect))).mappings().all():
            await self._put_back(row["id"], row["fence"], row["due_at"], row["kind"])

    async def renew(self, parcel: Parcel, lease: timedelta) -> None:
        """Extend the hold to a lease from now; raises ``StaleFence`` if another worker has taken it over."""
        mine = (outbox.c.id == parcel.id, outbox.c.fence == parcel.fence, outbox.c.held_until.is_not(None))
        renewed = outbox.update().where(*mine).values(held_until=clock(self._dialect, lease))
        if (await self._run(renewed)).rowcount == 0:
            raise StaleFence(f"parcel {parcel.id} was taken over: this worker stops")

    async def begin(self, parcel: Parcel) -> None:
        """Note that the parcel may reach Slack; raises ``StaleFence`` if another worker has taken it over."""
        mine = (outbox.c.id == parcel.id, outbox.c.fence == parcel.fence, outbox.c.held_until.is_not(None))
        if (await self._run(outbox.update().where(*mine).values(begun=True))).rowcount == 0:
            raise StaleFence(f"parcel {parcel.id} was taken over: nothing may be posted")

    async def done(self, parcel: Parcel) -> None:
        """Remove the parcel from the outbox."""
        await self._run(outbox.delete().where(outbox.c.id == parcel.id, outbox.c.fence == parcel.fence))

    async def later(self, parcel: Parcel, at: datetime, *, begun: bool | None = None) -> None:
        """Put the parcel back into the outbox, due at ``at``; ``begun`` as known now, None to leave it."""
        await self._put_back(parcel.id, parcel.fence, at, parcel.outgoing.kind, begun=begun)

    async def _put_back(
        self, number: int, fence: int, at: datetime, kind: Delivery, *, begun: bool | None = None
    ) -> None:
        mine = (outbox.c.id == number, outbox.c.fence == fence)
        if kind is not Delivery.CARD:
            known = {} if begun is None else {"begun": begun}
            await self._run(outbox.update().where(*mine).values(due_at=at, **_FREE, **known))
            return
        # a new row locks its deploy for the foreign key; lock the deploy before its card, as every change does, or
        # PostgreSQL would find a deadlock
        of_deploy = select(deploys.c.id).join(outbox, outbox.c.deploy_id == deploys.c.id).where(*mine)
        await self._run(of_deploy.with_for_update(read=True, key_share=True, of=deploys))
        row = await self._row(outbox.delete().where(*mine).returning(outbox))
        if row is not None:
            await self._merge_card({**row, **_FREE, "due_at": at})

    async def _merge_card(self, values: dict[str, Any]) -> None:
        """Make the card pending again, or merge it with a card added meanwhile, which then waits as long."""
        statement = insert(self._dialect, outbox).values(values)
        later = statement.excluded.due_at > outbox.c.due_at
        merged = statement.on_conflict_do_update(
            index_elements=["deploy_id"],
            index_where=sql(PENDING_CARD),
            set_={
                "due_at": case((later, statement.excluded.due_at), else_=outbox.c.due_at),
                "created_at": statement.excluded.created_at,
                "urgent": outbox.c.urgent | statement.excluded.urgent,
                "tries": statement.excluded.tries,
            },
        )
        await self._run(merged)


# each made once, because idle loops ask all day


@cache
def _due(dialect: str) -> Select[tuple[bool]]:
    expired = select(outbox.c.id).where(outbox.c.held_until <= clock(dialect))
    return select(expired.exists() | _free().exists())


@cache
def _taken(dialect: str, lease: timedelta) -> Executable:
    taken = outbox.update().where(outbox.c.id == _next().scalar_subquery()).values(
        worker=bindparam("owner"),
        held_until=clock(dialect, lease),
        fence=outbox.c.fence + 1,
        tries=outbox.c.tries + 1,
    )  # fmt: skip
    return taken.returning(outbox)


@cache
def _expired(dialect: str) -> Executable:
    gone = outbox.c.held_until <= clock(dialect)
    expired = select(outbox.c.id, outbox.c.fence, outbox.c.due_at, outbox.c.kind).where(gone)
    return expired.with_for_update(skip_locked=True)


def _next() -> Any:
    shown = select(messages.c.deploy_id).where(messages.c.deploy_id == outbox.c.deploy_id, messages.c.ts != "")
    is_card = outbox.c.kind == Delivery.CARD
    # the first that a channel hears of a deploy, then what it sees of it, then chatter
    rank = case((is_card & ~shown.exists(), 0), (is_card, 1), else_=2)
    return (
        _free()
        .order_by(outbox.c.urgent.desc(), rank, outbox.c.turn, outbox.c.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=outbox)
    )


def _free() -> Select[tuple[int]]:
    """The parcels that may be taken: due, no worker has their message, and a reply only after everything before it."""
    held = outbox.alias("held")
    # text without table names means the inner table, and literal text lets the engines use the partial index
    busy = select(held.c.id).where(held.c.deploy_id == outbox.c.deploy_id, sql(HELD))
    posted = select(messages.c.deploy_id).where(messages.c.deploy_id == outbox.c.deploy_id, messages.c.ts != "")
    free = outbox.c.held_until.is_(None) & (outbox.c.due_at <= bindparam("now"))
    alone: ColumnElement[bool] = outbox.c.kind.not_in(_OF_MESSAGE) | ~busy.exists()
    card = outbox.alias("card")
    coming = select(card.c.id).where(card.c.deploy_id == outbox.c.deploy_id, sql(PENDING_CARD))
    # if there is no message and none will come, the reply must not wait forever
    anchored: ColumnElement[bool] = (outbox.c.kind != Delivery.THREAD) | posted.exists() | ~coming.exists()
    elder = outbox.alias("elder")
    before = select(elder.c.id).where(elder.c.deploy_id == outbox.c.deploy_id, elder.c.id < outbox.c.id, sql(REPLY))
    in_order: ColumnElement[bool] = (outbox.c.kind != Delivery.THREAD) | ~before.exists()
    sending = outbox.alias("sending")
    of_lane = select(func.count()).where(sending.c.lane == outbox.c.lane, sending.c.held_until.is_not(None))
    room: ColumnElement[bool] = (outbox.c.lane == "") | (of_lane.scalar_subquery() < _LANE_WIDTH)
    return select(outbox.c.id).where(free, alone, anchored, in_order, room)


def _parcel(row: RowMapping) -> Parcel:
    return Parcel(
        id=row["id"],
        outgoing=record_of(Outgoing, row),
        owner=row["worker"],
        fence=row["fence"],
        created_at=row["created_at"],
        tries=row["tries"] - 1,
        begun=row["begun"],
    )
