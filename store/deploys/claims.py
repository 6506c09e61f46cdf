"""Claims say which worker has a deploy: a lease by the database's clock, and a fence that only grows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import select

from bot.errors import StaleFence
from bot.ports.store import Claim
from store.sql.dialects import clock
from store.sql.session import Session
from store.tables import deploys, outbox

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime, timedelta

    from sqlalchemy import ColumnElement, Select

    from bot.ports.store import Wanted


class Claims(Session):
    """Takes, renews and releases claims."""

    async def due(self, wanted: Wanted, now: datetime) -> tuple[bool, datetime]:
        """Whether ``take`` would find a deploy, and the database's time; takes no lock."""
        astray = select(deploys.c.id).where(_of(wanted), deploys.c.due_at > now + wanted.within)
        found = self._free(wanted, now).exists() | astray.exists()
        (row,) = await self._rows(select(found, clock(self._dialect)))
        return bool(row[0]), row[1]

    async def take(self, wanted: Wanted, owner: str, lease: timedelta, now: datetime) -> Claim | None:
        """Claim the deploy that is due first, of those that are free; None if there is none."""
        await self._bring_back(wanted, now)
        first = self._free(wanted, now).order_by(deploys.c.due_at, deploys.c.id).limit(1)
        first = first.with_for_update(skip_locked=True)
        taken = deploys.update().where(deploys.c.id == first.scalar_subquery()).values(
            worker=owner, taken_at=clock(self._dialect), held_until=clock(self._dialect, lease),
            fence=deploys.c.fence + 1,
        )  # fmt: skip
        of_claim = ("id", "status", "fence", "held_until", "taken_at", "lane")
        row = await self._row(taken.returning(*(deploys.c[name] for name in of_claim)))
        if row is None:
            return None
        return Claim(row["id"], row["status"], owner, row["fence"], row["held_until"], row["taken_at"], row["lane"])

    async def _bring_back(self, wanted: Wanted, now: datetime) -> None:
        """Make those due now that are due further ahead than their rule puts anything off: a clock was set back."""
        astray = deploys.update().where(_of(wanted), deploys.c.due_at > now + wanted.within)
        await self._run(astray.values(due_at=now))

    def _free(self, wanted: Wanted, now: datetime) -> Select[tuple[int]]:
        free = deploys.c.held_until.is_(None) | (deploys.c.held_until <= clock(self._dialect))
        found = select(deploys.c.id).where(_of(wanted), deploys.c.due_at <= now, free)
        return found.where(deploys.c.lane.not_in(_sorted(wanted.full))) if wanted.full else found

    async def renew(self, claim: Claim, lease: timedelta) -> Claim:
        """Extend the claim to a lease from now; raises ``StaleFence`` if another worker has taken it over."""
        mine = (deploys.c.id == claim.deploy_id, deploys.c.fence == claim.fence)
        renewed = deploys.update().where(*mine).values(held_until=clock(self._dialect, lease))
        until: datetime | None = (await self._run(renewed.returning(deploys.c.held_until))).scalar()
        if until is None:
            raise StaleFence(f"D-{claim.deploy_id} was taken over: this worker stops")
        return replace(claim, until=until)

    async def release(self, claim: Claim, put_off: datetime | None) -> None:
        """Free the deploy, due at ``put_off`` if given; does nothing if another worker has taken it over."""
        mine = (deploys.c.id == claim.deploy_id, deploys.c.fence == claim.fence)
        due = {} if put_off is None else {"due_at": put_off}
        await self._run(deploys.update().where(*mine).values(held_until=None, **due))

    async def end_all(self) -> None:
        """End all leases now: deploys are free at once, parcels at the next poll of the outbox."""
        held = deploys.c.held_until.is_not(None)
        await self._run(deploys.update().where(held).values(held_until=None))
        expired = outbox.c.held_until.is_not(None)
        await self._run(outbox.update().where(expired).values(held_until=clock(self._dialect)))


def _of(wanted: Wanted) -> ColumnElement[bool]:
    return deploys.c.status.in_(_sorted(wanted.statuses))


def _sorted(names: Collection[str]) -> list[str]:
    return sorted(names)
