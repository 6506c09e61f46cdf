"""Claims say which worker has a deploy: a lease by the database's clock, and a fence that only grows."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from bot.errors import StaleFence
from bot.ports.store import A_MOMENT, Claim
from store.sql.dialects import clock
from store.sql.session import Session
from store.tables import deploys, outbox

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime, timedelta

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.sql import Executable

    from bot.domain.deploy.deploy import Status
    from bot.ports.store import Wanted


class Claims(Session):
    """Takes, renews and releases claims."""

    async def due(self, wanted: Wanted, now: datetime) -> tuple[bool, datetime]:
        """Whether ``take`` would find a deploy, and the database's time; takes no lock."""
        due = _due(self._dialect, _sorted(wanted.statuses), lanes=bool(wanted.full))
        (row,) = await self._rows(due, {**_free_at(wanted, now), **_latest(wanted, now)})
        return bool(row[0]), row[1]

    async def take(self, wanted: Wanted, owner: str, lease: timedelta, now: datetime) -> Claim | None:
        """Claim the deploy that is due first, of those that are free; None if there is none."""
        statuses = _sorted(wanted.statuses)
        await self._run(_brought_back(statuses), {"now": now, **_latest(wanted, now)})
        taken = _taken(self._dialect, statuses, lease, lanes=bool(wanted.full))
        row = await self._row(taken, {**_free_at(wanted, now), "owner": owner})
        if row is None:
            return None
        return Claim(row["id"], row["status"], owner, row["fence"], row["held_until"], row["taken_at"], row["lane"])

    async def renew(self, claim: Claim, lease: timedelta) -> Claim:
        """Extend the claim to a lease from now; raises ``StaleFence`` if another worker has taken it over."""
        mine = (deploys.c.id == claim.deploy_id, deploys.c.fence == claim.fence)
        renewed = deploys.update().where(*mine).values(held_until=clock(self._dialect, lease))
        until: datetime | None = (await self._run(renewed.returning(deploys.c.held_until))).scalar()
        if until is None:
            raise StaleFence(f"D-{claim.deploy_id} was taken over: this worker stops")
        return replace(claim, until=until)

    async def release(self, claim: Claim, put_off: datetime | None) -> tuple[Status, datetime] | None:
        """Free the deploy, due at ``put_off`` if given; does nothing if another worker has taken it over.

        Its state and when it is due in it; None if it is not due, or is another worker's.
        """
        due = {} if put_off is None else {"due_at": put_off}
        row = await self._row(
            _RELEASED, {"number": claim.deploy_id, "of_claim": claim.fence, "held_until": None, **due}
        )
        return None if row is None or row["due_at"] is None else (row["status"], row["due_at"])

    async def end_all(self) -> None:
        """End all leases now: deploys are free at once, parcels at the next poll of the outbox."""
        held = deploys.c.held_until.is_not(None)
        await self._run(deploys.update().where(held).values(held_until=None))
        expired = outbox.c.held_until.is_not(None)
        await self._run(outbox.update().where(expired).values(held_until=clock(self._dialect)))


_RELEASED = (
    deploys.update()
    .where(deploys.c.id == bindparam("number"), deploys.c.fence == bindparam("of_claim"))
    .returning(deploys.c.status, deploys.c.due_at)
)

# each made once, because idle loops ask all day


@cache
def _due(dialect: str, statuses: tuple[str, ...], *, lanes: bool) -> Executable:
    """Whether a deploy is free or astray, and the database's time."""
    astray = select(deploys.c.id).where(_astray(statuses))
    return select(_free(dialect, statuses, lanes=lanes).exists() | astray.exists(), clock(dialect))


@cache
def _brought_back(statuses: tuple[str, ...]) -> Executable:
    """Those due now that are due further ahead than their rule puts anything off: a clock was set back."""
    return deploys.update().where(_astray(statuses)).values(due_at=bindparam("now"))


@cache
def _taken(dialect: str, statuses: tuple[str, ...], lease: timedelta, *, lanes: bool) -> Executable:
    first = _free(dialect, statuses, lanes=lanes).order_by(deploys.c.due_at, deploys.c.id).limit(1)
    first = first.with_for_update(skip_locked=True)
    taken = deploys.update().where(deploys.c.id == first.scalar_subquery()).values(
        worker=bindparam("owner"), taken_at=clock(dialect), held_until=clock(dialect, lease),
        fence=deploys.c.fence + 1,
    )  # fmt: skip
    of_claim = ("id", "status", "fence", "held_until", "taken_at", "lane")
    return taken.returning(*(deploys.c[name] for name in of_claim))


def _free(dialect: str, statuses: tuple[str, ...], *, lanes: bool) -> Select[tuple[int]]:
    free = deploys.c.held_until.is_(None) | (deploys.c.held_until <= clock(dialect))
    found = select(deploys.c.id).where(deploys.c.status.in_(statuses), deploys.c.due_at <= bindparam("now"), free)
    return found.where(deploys.c.lane.not_in(bindparam("full", expanding=True))) if lanes else found


def _astray(statuses: tuple[str, ...]) -> ColumnElement[bool]:
    return deploys.c.status.in_(statuses) & (deploys.c.due_at > bindparam("latest"))


def _free_at(wanted: Wanted, now: datetime) -> dict[str, Any]:
    return {"now": now, "full": list(_sorted(wanted.full))} if wanted.full else {"now": now}


def _latest(wanted: Wanted, now: datetime) -> dict[str, datetime]:
    return {"latest": now + wanted.within + A_MOMENT}


def _sorted(names: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(names))
