"""The store: ``bot.ports.Store`` over SQL, on either engine."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

from store.deploys.claims import Claims
from store.deploys.requests import RequestWriting
from store.outbox.parcels import Parcels
from store.sql.failures import Taken
from store.unit_of_work import UnitsOfWork

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime, timedelta

    from bot.domain.deploy.deploy import Status
    from bot.ports.store import Claim, Parcel
    from store.sql.connect import Engines
    from store.unit_of_work import SqlReading, SqlTransaction

# workers that race for one Slack message differ by milliseconds; the next poll is a second away
TRIES = 3


class SqlStore:
    """What Nomatron remembers. Close it, or use it as ``async with``."""

    def __init__(self, engines: Engines) -> None:
        self.engines = engines
        self._units = UnitsOfWork(engines)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._units.close()

    def begin(self) -> AbstractAsyncContextManager[SqlTransaction]:
        """A writing unit of work."""
        return self._units.begin()

    def read(self) -> AbstractAsyncContextManager[SqlReading]:
        """A reading unit of work that takes no lock."""
        return self._units.read()

    async def claim(self, status: Status, *, owner: str, lease: timedelta, now: datetime) -> Claim | None:
        """Take the oldest deploy in ``status`` that is due at ``now`` and free."""
        # a dozen idle loops must not queue for the one write lock to find nothing
        async with self._units.looking() as connection:
            if not await Claims(connection, self._units.parsed).due(status, now):
                return None
        async with self._claims() as claims:
            return await claims.take(status, owner, lease, now)

    async def renew(self, claim: Claim, lease: timedelta) -> Claim:
        """Hold it longer; ``StaleFence`` where somebody else took it."""
        async with self._claims() as claims:
            return await claims.renew(claim, lease)

    async def release(self, claim: Claim, put_off: datetime | None = None) -> None:
        """Let it go, due at ``put_off`` where that is given; nothing happens where it was taken over."""
        async with self._claims() as claims:
            await claims.release(claim, put_off)

    async def take_over(self) -> None:
        """Being alone on this database: end every lease at once."""
        async with self._claims() as claims:
            await claims.end_all()

    async def claim_parcel(self, *, owner: str, lease: timedelta, now: datetime) -> Parcel | None:
        """Take the next outgoing intent; None where nothing is due, or others are quicker."""
        async with self._units.looking() as connection:
            if not await Parcels(connection, self._units.parsed).due(now):
                return None
        for _ in range(TRIES):
            try:
                async with self._parcels() as parcels:
                    return await parcels.take(owner, lease, now)
            except Taken:
                continue
        return None

    async def renew_parcel(self, parcel: Parcel, lease: timedelta) -> None:
        """Hold it longer; ``StaleFence`` where somebody else took it."""
        async with self._parcels() as parcels:
            await parcels.renew(parcel, lease)

    async def parcel_done(self, parcel: Parcel) -> None:
        """It was sent, or will never be."""
        async with self._parcels() as parcels:
            await parcels.done(parcel)

    async def parcel_later(self, parcel: Parcel, at: datetime) -> None:
        """Try again at ``at``."""
        async with self._parcels() as parcels:
            await parcels.later(parcel, at)

    async def forget_requests(self, before: datetime) -> None:
        """Drop signature hashes that are older than the replay window."""
        async with self._units.writing() as connection:
            await RequestWriting(connection, self._units.parsed).forget_requests(before)

    @asynccontextmanager
    async def _claims(self) -> AsyncIterator[Claims]:
        async with self._units.writing() as connection:
            yield Claims(connection, self._units.parsed)

    @asynccontextmanager
    async def _parcels(self) -> AsyncIterator[Parcels]:
        async with self._units.writing() as connection:
            yield Parcels(connection, self._units.parsed)
