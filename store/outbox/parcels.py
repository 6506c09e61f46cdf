"""Parcels: what workers take out of the outbox, one for each Slack message at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import case, select
from sqlalchemy import text as sql

from bot.domain.deploy.message import Delivery, Outgoing
from bot.errors import StaleFence
from bot.ports.store import Parcel
from store.sql.dialects import clock, insert
from store.sql.mapping import record_of
from store.sql.session import Session
from store.tables import HELD, PENDING_CARD, REPLY, deploys, messages, outbox

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy import ColumnElement, RowMapping, Select

# what touches a deploy's own message; the tables' partial index names the same two
_OF_MESSAGE = (Delivery.CARD, Delivery.THREAD)
_FREE = {"worker": None, "held_until": None}


class Parcels(Session):
    """Taking parcels, and giving them back; a parcel that somebody else took over is theirs."""

    async def due(self, now: datetime) -> bool:
        """Whether ``take`` would find anything to do; takes no lock."""
        expired = select(outbox.c.id).where(outbox.c.held_until <= clock(self._dialect))
        found: bool = (await self._run(select(expired.exists() | _free(now).exists()))).scalar_one()
        return found

    async def take(self, owner: str, lease: timedelta, now: datetime) -> Parcel | None:
        """The next parcel that is due; ``Taken`` where another worker took one for the same message meanwhile."""
        await self._end_expired()
        held = outbox.c.id == _next(now).scalar_subquery()
        taken = outbox.update().where(held).values(
            worker=owner,
            held_until=clock(self._dialect, lease),
            fence=outbox.c.fence + 1,
            tries=outbox.c.tries + 1,
        )  # fmt: skip
        row = await self._row(taken.returning(outbox))
        return None if row is None else _parcel(row)

    async def _end_expired(self) -> None:
        """Let go of what dead workers held, so that the index of held ones tells the truth."""
        gone = outbox.c.held_until <= clock(self._dialect)
        expired = select(outbox.c.id, outbox.c.fence, outbox.c.due_at, outbox.c.kind).where(gone)
        for row in (await self._run(expired.with_for_update(skip_locked=True))).mappings().all():
            await self._put_back(row["id"], row["fence"], row["due_at"], row["kind"])

    async def renew(self, parcel: Parcel, lease: timedelta) -> None:
        """Held until a lease from now; ``StaleFence`` where somebody else took it."""
        mine = (outbox.c.id == parcel.id, outbox.c.fence == parcel.fence, outbox.c.held_until.is_not(None))
        renewed = outbox.update().where(*mine).values(held_until=clock(self._dialect, lease))
        if (await self._run(renewed)).rowcount == 0:
            raise StaleFence(f"parcel {parcel.id} was taken over: this worker stops")

    async def done(self, parcel: Parcel) -> None:
        """It is out of the outbox."""
        await self._run(outbox.delete().where(outbox.c.id == parcel.id, outbox.c.fence == parcel.fence))

    async def later(self, parcel: Parcel, at: datetime) -> None:
        """It is pending again, due at ``at``."""
        await self._put_back(parcel.id, parcel.fence, at, parcel.outgoing.kind)

    async def _put_back(self, number: int, fence: int, at: datetime, kind: Delivery) -> None:
        mine = (outbox.c.id == number, outbox.c.fence == fence)
        if kind is not Delivery.CARD:
            await self._run(outbox.update().where(*mine).values(due_at=at, **_FREE))
            return
        # a new row locks its deploy for the foreign key: in the order of every change, the deploy before its card,
        # or PostgreSQL would find two waiting for each other
        of_deploy = select(deploys.c.id).join(outbox, outbox.c.deploy_id == deploys.c.id).where(*mine)
        await self._run(of_deploy.with_for_update(read=True, key_share=True, of=deploys))
        row = await self._row(outbox.delete().where(*mine).returning(outbox))
        if row is not None:
            await self._merge_card({**row, **_FREE, "due_at": at})

    async def _merge_card(self, values: dict[str, Any]) -> None:
        """Pending once more, or one with the card that was asked for meanwhile, which then waits as long."""
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


def _next(now: datetime) -> Any:
    cards_first = case((outbox.c.kind == Delivery.CARD, 0), else_=1)
    return (
        _free(now)
        .order_by(outbox.c.urgent.desc(), cards_first, outbox.c.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=outbox)
    )


def _free(now: datetime) -> Select[tuple[int]]:
    """What may be taken: due, its message in nobody's hands, and a reply neither before its message nor its elders."""
    held = outbox.alias("held")
    # the inner table's columns, being named without a table; as text, so that the partial index is used
    busy = select(held.c.id).where(held.c.deploy_id == outbox.c.deploy_id, sql(HELD))
    posted = select(messages.c.deploy_id).where(messages.c.deploy_id == outbox.c.deploy_id, messages.c.ts != "")
    free = outbox.c.held_until.is_(None) & (outbox.c.due_at <= now)
    alone: ColumnElement[bool] = outbox.c.kind.not_in(_OF_MESSAGE) | ~busy.exists()
    card = outbox.alias("card")
    coming = select(card.c.id).where(card.c.deploy_id == outbox.c.deploy_id, sql(PENDING_CARD))
    # where no message stands and none is coming any more, waiting would have no end
    anchored: ColumnElement[bool] = (outbox.c.kind != Delivery.THREAD) | posted.exists() | ~coming.exists()
    elder = outbox.alias("elder")
    before = select(elder.c.id).where(elder.c.deploy_id == outbox.c.deploy_id, elder.c.id < outbox.c.id, sql(REPLY))
    in_order: ColumnElement[bool] = (outbox.c.kind != Delivery.THREAD) | ~before.exists()
    return select(outbox.c.id).where(free, alone, anchored, in_order)


def _parcel(row: RowMapping) -> Parcel:
    return Parcel(
        id=row["id"],
        outgoing=record_of(Outgoing, row),
        owner=row["worker"],
        fence=row["fence"],
        created_at=row["created_at"],
        tries=row["tries"] - 1,
    )
