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
    from datetime import datetime, timedelta

    from sqlalchemy import Select

    from bot.domain.deploy.deploy import Status


class Claims(Session):
    """Takes, renews and releases claims."""

    async def due(self, status: Status, now: datetime) -> bool:
        """Whether ``take`` would find a deploy; takes no lock."""
        found: bool = (await self._run(select(self._free(status, now).exists()))).scalar_one()
        return found

    async def take(self, status: Status, owner: str, lease: timedelta, now: datetime) -> Claim | None:
        """Claim the oldest deploy in ``status`` that is due and free; None if there is none."""
        until = clock(self._dialect, lease)
        oldest = self._free(status, now).order_by(deploys.c.requested_at, deploys.c.id).limit(1)
        oldest = oldest.with_for_update(skip_locked=True)
        taken = deploys.update().where(deploys.c.id == oldest.scalar_subquery()).values(
            worker=owner, taken_at=clock(self._dialect), held_until=until, fence=deploys.c.fence + 1
        )  # fmt: skip
        row = await self._row(
            taken.returning(deploys.c.id, deploys.c.fence, deploys.c.held_until, deploys.c.taken_at),
        )
        if row is None:
            return None
        return Claim(row["id"], status, owner, row["fence"], row["held_until"], row["taken_at"])

    def _free(self, status: Status, now: datetime) -> Select[tuple[int]]:
        free = deploys.c.held_until.is_(None) | (deploys.c.held_until <= clock(self._dialect))
        return select(deploys.c.id).where(deploys.c.status == status, deploys.c.due_at <= now, free)

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
