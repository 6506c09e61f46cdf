"""Parcels: messages that workers take from the outbox, at most one at a time for each Slack message."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text as Plain
from sqlalchemy import bindparam, case, false, func, or_, select, type_coerce
from sqlalchemy import text as sql

from bot.domain.deploy.message import Delivery, Outgoing, Setback, Way
from bot.errors import StaleFence
from bot.ports.claims import CLOCK_TOLERANCE, Parcel
from store.sql.conditions import HELD, PENDING_CARD, REPLY
from store.sql.dialects import Instant, clock, insert, is_over
from store.sql.mapping import record_of
from store.sql.session import Session
from store.tables import deploys, messages, outbox

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime, timedelta

    from sqlalchemy import BindParameter, ColumnElement, RowMapping, Select
    from sqlalchemy.sql import Executable

    Resting = Collection[tuple[Way, str]]
    Shape = frozenset[tuple[Way, bool]]

# the kinds that change a deploy's own message; the partial index in `tables` names the same two
_OF_MESSAGE = (Delivery.CARD, Delivery.THREAD)
_LANE_WIDTH = 2
"""How many messages of a channel are on their way at once: a second one goes on while a dead worker holds the first."""
_NOW = bindparam("this_instant", type_=Instant)
_AHEAD = bindparam("ahead", type_=Instant)
_PLAN = '%"plan":'
"""How a note's JSON names the plan whose file it brings; in a text each of these quotes would follow a backslash."""
_FREE = {"worker": None, "held_until": None}


class Parcels(Session):
    """Takes parcels, and puts them back; does nothing to a parcel that another worker has taken over."""

    async def due(self, now: datetime, resting: Resting = ()) -> bool:
        """Whether ``take`` would find a parcel; takes no lock."""
        found: bool = (
            await self._run(_due(self._dialect, _shape(resting)), {**at_instant(now), **_channels(resting)})
        ).scalar_one()
        return found

    async def take(self, owner: str, lease: timedelta, now: datetime, resting: Resting = ()) -> Parcel | None:
        """Take the next parcel that is due, but none that Slack's limits keep back; None if there is none.

        Raises ``Taken`` if another worker took one for the same message meanwhile.
        """
        await self._end_expired()
        await self._run(_UNASTRAY, at_instant(now))
        values = {_NOW.key: now, "owner": owner, **_channels(resting)}
        row = await self._row(_taken(self._dialect, lease, _shape(resting)), values)
        return None if row is None else _parcel(row)

    async def _end_expired(self) -> None:
        """Free the parcels of dead workers, so that the index has only parcels with a live worker."""
        for row in (await self._run(_expired(self._dialect))).mappings().all():
            await self._put_back(row["id"], row["fence"], row["kind"])

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

    async def later(
        self, parcel: Parcel, now: datetime, wait: timedelta, setback: Setback, *, begun: bool | None
    ) -> None:
        """Put the parcel back into the outbox, due after ``wait``; ``begun`` as known now, None to leave it."""
        changes: dict[str, Any] = {
            "due_at": now + wait,
            "put_at": now,
            "tries": parcel.tries + (setback is not Setback.LIMIT),
            "crashes": parcel.crashes + (setback is Setback.CRASH),
        }
        # a card's own row says whether its post has begun
        if begun is not None and parcel.outgoing.kind is not Delivery.CARD:
            changes["begun"] = begun
        await self._put_back(parcel.id, parcel.fence, parcel.outgoing.kind, **changes)

    async def _put_back(self, number: int, fence: int, kind: Delivery, **changes: Any) -> None:
        mine = (outbox.c.id == number, outbox.c.fence == fence)
        if kind is not Delivery.CARD:
            await self._run(outbox.update().where(*mine).values(**_FREE, **changes))
            return
        # a new row locks its deploy for the foreign key; lock the deploy before its card, as every change does, or
        # PostgreSQL would find a deadlock
        of_deploy = select(deploys.c.id).join(outbox, outbox.c.deploy_id == deploys.c.id).where(*mine)
        await self._run(of_deploy.with_for_update(read=True, key_share=True, of=deploys))
        row = await self._row(outbox.delete().where(*mine).returning(outbox))
        if row is not None:
            await self._merge_card({**row, **_FREE, **changes})

    async def _merge_card(self, values: dict[str, Any]) -> None:
        """Make the card pending again, or merge it with a card added meanwhile, which then waits as long."""
        statement = insert(self._dialect, outbox).values(values)
        later = statement.excluded.due_at > outbox.c.due_at
        merged = statement.on_conflict_do_update(
            index_elements=["deploy_id"],
            index_where=sql(PENDING_CARD),
            set_={
                "due_at": case((later, statement.excluded.due_at), else_=outbox.c.due_at),
                "put_at": case((later, statement.excluded.put_at), else_=outbox.c.put_at),
                "created_at": statement.excluded.created_at,
                "urgent": outbox.c.urgent | statement.excluded.urgent,
                "tries": statement.excluded.tries,
                "crashes": statement.excluded.crashes,
            },
        )
        await self._run(merged)


# waits for an instant that was reckoned in the future, because a clock was set back since
_ASTRAY = (
    outbox.c.held_until.is_(None) & (outbox.c.due_at > _NOW) & (outbox.c.put_at.is_(None) | (outbox.c.put_at > _AHEAD))
)
_UNASTRAY = outbox.update().where(_ASTRAY).values(due_at=_NOW, put_at=_NOW)


# each made once, because idle loops ask all day
@lru_cache(maxsize=64)
def _due(dialect: str, resting: Shape) -> Select[tuple[bool]]:
    return select(is_any_parcel_due(dialect, resting))


def is_any_parcel_due(dialect: str, resting: Shape = frozenset()) -> ColumnElement[bool]:
    """Whether there is a parcel to take, or one of a dead worker; its parameters are those of ``at_instant``."""
    expired = select(outbox.c.id).where(is_over(dialect, outbox.c.held_until))
    astray = select(outbox.c.id).where(_ASTRAY)
    found: ColumnElement[bool] = expired.exists() | _free(resting).exists() | astray.exists()
    return found


@lru_cache(maxsize=64)
def _taken(dialect: str, lease: timedelta, resting: Shape) -> Executable:
    taken = outbox.update().where(outbox.c.id == _next(resting).scalar_subquery()).values(
        worker=bindparam("owner"),
        held_until=clock(dialect, lease),
        fence=outbox.c.fence + 1,
        tries=outbox.c.tries + 1,
    )  # fmt: skip
    return taken.returning(outbox)


@cache
def _expired(dialect: str) -> Executable:
    gone = is_over(dialect, outbox.c.held_until)
    expired = select(outbox.c.id, outbox.c.fence, outbox.c.kind).where(gone)
    return expired.with_for_update(skip_locked=True)


def at_instant(now: datetime) -> dict[str, datetime]:
    """The parameters of statements about what is due."""
    return {_NOW.key: now, _AHEAD.key: now + CLOCK_TOLERANCE}


def _next(resting: Shape) -> Any:
    shown = select(messages.c.deploy_id).where(messages.c.deploy_id == outbox.c.deploy_id, messages.c.ts != "")
    is_card = outbox.c.kind == Delivery.CARD
    # the first that a channel hears of a deploy, then what it sees of it, then chatter
    rank = case((is_card & ~shown.exists(), 0), (is_card, 1), else_=2)
    return (
        _free(resting)
        .order_by(outbox.c.urgent.desc(), rank, outbox.c.turn, outbox.c.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=outbox)
    )


def _free(resting: Shape) -> Select[tuple[int]]:
    """The parcels that may be taken: due, no worker has their message, and a reply only after everything before it.

    Not those whose way to Slack rests.
    """
    held = outbox.alias("held")
    # text without table names means the inner table, and literal text lets the engines use the partial index
    busy = select(held.c.id).where(held.c.deploy_id == outbox.c.deploy_id, sql(HELD))
    posted = select(messages.c.deploy_id).where(messages.c.deploy_id == outbox.c.deploy_id, messages.c.ts != "")
    free = outbox.c.held_until.is_(None) & (outbox.c.due_at <= _NOW)
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
    return select(outbox.c.id).where(free, alone, anchored, in_order, room, ~_rests(resting))


def _rests(resting: Shape) -> ColumnElement[bool]:
    """The parcels that Slack's limits keep back, as far as the kind and the probable channel tell."""
    posted = select(messages.c.deploy_id).where(messages.c.deploy_id == outbox.c.deploy_id, messages.c.ts != "")
    kind = outbox.c.kind
    update = (kind == Delivery.STRIP) | ((kind == Delivery.CARD) & posted.exists())
    note = type_coerce(outbox.c.note, Plain)
    with_plan = note.like(_PLAN + "_%") & note.not_like(_PLAN + "null%")
    ways: dict[Way, ColumnElement[bool]] = {
        Way.FILE: (kind == Delivery.DIGEST) | ((kind == Delivery.THREAD) & with_plan),
        Way.UPDATE: update,
        Way.TELL: (kind == Delivery.TELL) & (outbox.c.response_url == ""),
        Way.POST: (kind != Delivery.TELL) & ~update,
    }
    there = {
        (way, everywhere): condition if everywhere else condition & outbox.c.lane.in_(_channels_of(way))
        for way, condition in ways.items()
        for everywhere in (True, False)
    }
    return or_(false(), *(condition for key, condition in there.items() if key in resting))


def _channels_of(way: Way) -> BindParameter[Any]:
    return bindparam(f"rests_{way}", expanding=True)


def _shape(resting: Resting) -> Shape:
    """What of it makes another statement: the channels are parameters."""
    return frozenset((way, channel == "") for way, channel in resting)


def _channels(resting: Resting) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for way, channel in sorted(resting):
        if channel:
            found.setdefault(_channels_of(way).key, []).append(channel)
    return found


def _parcel(row: RowMapping) -> Parcel:
    return Parcel(
        id=row["id"],
        outgoing=record_of(Outgoing, row),
        owner=row["worker"],
        fence=row["fence"],
        created_at=row["created_at"],
        tries=row["tries"] - 1,
        crashes=row["crashes"],
        begun=row["begun"],
        channel=row["lane"],
    )
