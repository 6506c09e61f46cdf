"""Claims say which worker has a deploy: a lease by the database's clock, and a fence that only grows."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, union_all

from bot.errors import StaleFence
from bot.ports.claims import CLOCK_TOLERANCE, Claim, Due
from store.deploys.deploys import DeployWriting
from store.sql.dialects import clock, is_over
from store.sql.session import Session
from store.tables import deploys, outbox

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime, timedelta

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.sql import Executable

    from bot.domain.deploy.deploy import Deploy, Status
    from bot.ports.claims import Wanted


class Claims(Session):
    """Takes, renews and releases claims."""

    async def due(self, wanted: Wanted, now: datetime) -> tuple[bool, datetime]:
        """Whether ``take`` would find a deploy, and the database's time; takes no lock."""
        due = _due(self._dialect, _sorted(wanted.statuses), lanes=bool(wanted.full))
        (row,) = await self._rows(due, {**_free_at(wanted, now), **latest(wanted, now)})
        return bool(row[0]), row[1]

    async def take(self, wanted: Wanted, owner: str, lease: timedelta, now: datetime) -> Claim | None:
        """Claim the deploy that is due first, of those that are free; None if there is none."""
        statuses = _sorted(wanted.statuses)
        await self._run(_brought_back(statuses), {"now": now, **latest(wanted, now)})
        taken = _taken(self._dialect, statuses, lease, lanes=bool(wanted.full))
        row = await self._row(taken, {**_free_at(wanted, now), "owner": owner})
        if row is None:
            return None
        return Claim(row["id"], row["status"], owner, row["fence"], row["held_until"], row["taken_at"], row["lane"])

    async def find(self, wanted: Wanted, now: datetime) -> Due | None:
        """The deploy that ``take`` would claim; takes no lock."""
        found = _found(self._dialect, _sorted(wanted.statuses), lanes=bool(wanted.full), besides=bool(wanted.besides))
        besides = {"besides": sorted(wanted.besides)} if wanted.besides else {}
        rows = await self._rows(found, {**_free_at(wanted, now), **latest(wanted, now), **besides})
        return Due(*rows[0]) if rows else None

    async def put_off(self, due: Due, at: datetime) -> None:
        """Make the deploy due then, if it is as it was found."""
        still = (deploys.c.id == due.deploy_id, deploys.c.status == due.status, deploys.c.due_at == due.due_at)
        await self._run(deploys.update().where(*still, _unkept(self._dialect)).values(due_at=at))

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


class Keeping(DeployWriting):
    """Claims within a transaction that decides."""

    async def lock_free(self, deploy_id: int) -> Deploy | None:
        """Lock the deploy until this transaction ends, and return it; None if a worker keeps it."""
        row = await self._row(_unkept_one(self._dialect), {"number": deploy_id})
        return None if row is None else self._hold_deploy(row)

    async def keep(self, deploy: Deploy, owner: str, lease: timedelta) -> Claim:
        """Claim a deploy that this transaction has locked, in the state that it has now."""
        kept = _kept(self._dialect, lease)
        ((fence, until, taken_at),) = await self._rows(kept, {"number": deploy.id, "owner": owner})
        self._kept.add(deploy.id)
        return Claim(deploy.id, deploy.status, owner, fence, until, taken_at, deploy.lane)

    async def let_go(self, claim: Claim) -> None:
        """End the lease; does nothing if another worker has taken it over."""
        await self._run(_RELEASED, {"number": claim.deploy_id, "of_claim": claim.fence, "held_until": None})
        self._kept.discard(claim.deploy_id)


_RELEASED = (
    deploys.update()
    .where(deploys.c.id == bindparam("number"), deploys.c.fence == bindparam("of_claim"))
    .returning(deploys.c.status, deploys.c.due_at)
)

# it follows from every comparison with `due_at`, but only this tells PostgreSQL how few rows that are, once it plans
# for any instant: else it would read the whole table at every poll
_IS_DUE_SOME_TIME = deploys.c.due_at.is_not(None)


# each made once, because idle loops ask all day


@cache
def _due(dialect: str, statuses: tuple[str, ...], *, lanes: bool) -> Executable:
    """Whether a deploy is free or astray, and the database's time."""
    return select(is_any_due(dialect, statuses, lanes=lanes), clock(dialect))


def is_any_due(
    dialect: str, statuses: tuple[str, ...], suffix: str = "", *, lanes: bool = False
) -> ColumnElement[bool]:
    """Whether a deploy in one of these states is free or astray; ``suffix`` as for ``latest``."""
    astray = select(deploys.c.id).where(_astray(statuses, suffix))
    found: ColumnElement[bool] = _free(dialect, statuses, lanes=lanes).exists() | astray.exists()
    return found


@cache
def _unkept_one(dialect: str) -> Executable:
    return select(deploys).where(deploys.c.id == bindparam("number"), _unkept(dialect)).with_for_update()


@cache
def _kept(dialect: str, lease: timedelta) -> Executable:
    kept = deploys.update().where(deploys.c.id == bindparam("number")).values(_of_owner(dialect, lease))
    return kept.returning(deploys.c.fence, deploys.c.held_until, deploys.c.taken_at)


def _of_owner(dialect: str, lease: timedelta) -> dict[str, Any]:
    """What a claim writes."""
    until = clock(dialect, lease)
    return {
        "worker": bindparam("owner"), "taken_at": clock(dialect), "held_until": until, "fence": deploys.c.fence + 1,
    }  # fmt: skip


@cache
def _brought_back(statuses: tuple[str, ...]) -> Executable:
    """Those due now that are due further ahead than their rule puts anything off: a clock was set back."""
    return deploys.update().where(_astray(statuses)).values(due_at=bindparam("now"))


@cache
def _taken(dialect: str, statuses: tuple[str, ...], lease: timedelta, *, lanes: bool) -> Executable:
    first = _free(dialect, statuses, lanes=lanes).order_by(deploys.c.due_at, deploys.c.id).limit(1)
    first = first.with_for_update(skip_locked=True)
    taken = deploys.update().where(deploys.c.id == first.scalar_subquery()).values(_of_owner(dialect, lease))
    of_claim = ("id", "status", "fence", "held_until", "taken_at", "lane")
    return taken.returning(*(deploys.c[name] for name in of_claim))


@cache
def _found(dialect: str, statuses: tuple[str, ...], *, lanes: bool, besides: bool) -> Executable:
    """The deploy that is due first; else one that is astray, which is due as well."""
    of_it = (deploys.c.id, deploys.c.status, deploys.c.lane, deploys.c.due_at)
    found = []
    which = {"due": deploys.c.due_at <= bindparam("now"), "astray": deploys.c.due_at > bindparam("latest")}
    for name, at in which.items():
        each = select(*of_it).where(deploys.c.status.in_(statuses), _IS_DUE_SOME_TIME, at, _unkept(dialect))
        each = each.where(deploys.c.lane.not_in(bindparam("full", expanding=True))) if lanes else each
        each = each.where(deploys.c.id.not_in(bindparam("besides", expanding=True))) if besides else each
        found.append(select(each.order_by(deploys.c.due_at, deploys.c.id).limit(1).subquery(name)))
    return union_all(*found).limit(1)


def _free(dialect: str, statuses: tuple[str, ...], *, lanes: bool) -> Select[tuple[int]]:
    due = deploys.c.due_at <= bindparam("now")
    found = select(deploys.c.id).where(deploys.c.status.in_(statuses), _IS_DUE_SOME_TIME, due, _unkept(dialect))
    return found.where(deploys.c.lane.not_in(bindparam("full", expanding=True))) if lanes else found


def _unkept(dialect: str) -> ColumnElement[bool]:
    return deploys.c.held_until.is_(None) | is_over(dialect, deploys.c.held_until)


def _astray(statuses: tuple[str, ...], suffix: str = "") -> ColumnElement[bool]:
    return deploys.c.status.in_(statuses) & _IS_DUE_SOME_TIME & (deploys.c.due_at > bindparam(f"latest{suffix}"))


def _free_at(wanted: Wanted, now: datetime) -> dict[str, Any]:
    return {"now": now, "full": list(_sorted(wanted.full))} if wanted.full else {"now": now}


def latest(wanted: Wanted, now: datetime, suffix: str = "") -> dict[str, datetime]:
    """Beyond which instant such a deploy is astray, as the parameter that has this ``suffix``."""
    return {f"latest{suffix}": now + wanted.within + CLOCK_TOLERANCE}


def _sorted(names: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(names))
