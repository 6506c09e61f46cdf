"""Implements ``bot.ports.Store`` with SQL, on SQLite and PostgreSQL."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

from bot.domain.deploy.message import Setback
from store.database_clock import DatabaseClock
from store.deploys.claims import Claims
from store.deploys.requests import RequestWriting
from store.deploys.retention import Retention
from store.outbox.parcels import Parcels
from store.polling import Polling
from store.sql.failures import Taken
from store.unit_of_work import UnitsOfWork

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime, timedelta

    from bot.domain.deploy.deploy import Status
    from bot.domain.deploy.message import Way
    from bot.ports.claims import Claim, Due, Parcel, Wanted
    from store.sql.connect import Engines
    from store.unit_of_work import SqlReading, SqlTransaction

# retry at once: workers race for a Slack message within milliseconds, and the next poll is a second away
TRIES = 3


class SqlStore:
    """Nomatron's database. Close it, or use it with ``async with``."""

    def __init__(self, engines: Engines) -> None:
        self.engines = engines
        self._units = UnitsOfWork(engines)
        self.clock = DatabaseClock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._units.close()

    def begin(self) -> AbstractAsyncContextManager[SqlTransaction]:
        """A unit of work that reads and writes."""
        return self._units.begin()

    def read(self) -> AbstractAsyncContextManager[SqlReading]:
        """A unit of work that only reads and takes no lock."""
        return self._units.read()

    async def due(self, wanted: Sequence[Wanted], now: datetime) -> frozenset[str]:
        """The kinds of work that is due, for the bell: states of the wanted deploys, messages, judging."""
        async with self._units.connect_to_read() as connection:
            return await Polling(connection, self._units.parsed).due(wanted, now)

    async def claim(self, wanted: Wanted, *, owner: str, lease: timedelta, now: datetime) -> Claim | None:
        """Claim the wanted deploy that is due first, at ``now`` or before, and free; None if there is none."""
        # check without a lock first: a dozen idle loops must not queue for SQLite's write lock
        async with self._units.connect_to_read() as connection:
            asked_at = self.clock.host()
            found, at = await Claims(connection, self._units.parsed).due(wanted, now)
            self.clock.follow(at, since=asked_at)
            if not found:
                return None
        async with self._claims() as claims:
            return await claims.take(wanted, owner, lease, now)

    async def find(self, wanted: Wanted, now: datetime) -> Due | None:
        """The wanted deploy that is due first and free; None if there is none."""
        async with self._units.connect_to_read() as connection:
            return await Claims(connection, self._units.parsed).find(wanted, now)

    async def put_off(self, due: Due, at: datetime) -> None:
        """Make the deploy due then, if it is as it was found."""
        async with self._claims() as claims:
            await claims.put_off(due, at)

    async def renew(self, claim: Claim, lease: timedelta) -> Claim:
        """Extend the lease; raises ``StaleFence`` if another worker has taken over."""
        async with self._claims() as claims:
            return await claims.renew(claim, lease)

    async def release(self, claim: Claim, put_off: datetime | None = None) -> tuple[Status, datetime] | None:
        """Release the claim, with the deploy due at ``put_off`` if given; does nothing if it was taken over."""
        async with self._claims() as claims:
            return await claims.release(claim, put_off)

    async def take_over(self) -> None:
        """End all leases at once; only for a process that is alone on this database."""
        async with self._claims() as claims:
            await claims.end_all()

    async def claim_parcel(
        self, *, owner: str, lease: timedelta, now: datetime, resting: Collection[tuple[Way, str]] = ()
    ) -> Parcel | None:
        """Take the next parcel from the outbox; None if nothing is due or other workers were quicker."""
        async with self._units.connect_to_read() as connection:
            if not await Parcels(connection, self._units.parsed).due(now, resting):
                return None
        for _ in range(TRIES):
            try:
                async with self._parcels() as parcels:
                    return await parcels.take(owner, lease, now, resting)
            except Taken:
                continue
        return None

    async def renew_parcel(self, parcel: Parcel, lease: timedelta) -> None:
        """Extend the lease; raises ``StaleFence`` if another worker has taken over."""
        async with self._parcels() as parcels:
            await parcels.renew(parcel, lease)

    async def parcel_done(self, parcel: Parcel) -> None:
        """Remove the parcel from the outbox: it was sent, or never will be."""
        async with self._parcels() as parcels:
            await parcels.done(parcel)

    async def begin_parcel(self, parcel: Parcel) -> None:
        """Note that the parcel may reach Slack from now on; ``StaleFence`` if another worker has taken over."""
        async with self._parcels() as parcels:
            await parcels.begin(parcel)

    async def parcel_later(
        self,
        parcel: Parcel,
        now: datetime,
        wait: timedelta,
        setback: Setback = Setback.OUTAGE,
        *,
        begun: bool | None = None,
    ) -> None:
        """Put the parcel back into the outbox, due after ``wait``; ``begun`` as known now, None to leave it."""
        async with self._parcels() as parcels:
            await parcels.later(parcel, now, wait, setback, begun=begun)

    async def forget_requests(self, before: datetime) -> None:
        """Delete the hashes of Slack requests from before that time."""
        async with self._units.connect_to_write() as connection:
            await RequestWriting(connection, self._units.parsed).forget_requests(before)

    async def empty_plans(self, before: datetime) -> int:
        """Empty the JSON of some plans from before that time that nobody needs any more; returns how many."""
        async with self._units.connect_to_read() as connection:
            if not await Retention(connection, self._units.parsed).due(before):
                return 0
        async with self._units.connect_to_write() as connection:
            return await Retention(connection, self._units.parsed).empty(before)

    @asynccontextmanager
    async def _claims(self) -> AsyncIterator[Claims]:
        async with self._units.connect_to_write() as connection:
            yield Claims(connection, self._units.parsed)

    @asynccontextmanager
    async def _parcels(self) -> AsyncIterator[Parcels]:
        # a crowd of messages must not stand between a click and Nomad
        async with self._units.connect_to_write(can_wait=True) as connection:
            yield Parcels(connection, self._units.parsed)
