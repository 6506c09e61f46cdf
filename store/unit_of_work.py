"""Units of work: all of a change or none of it, and an honest word where nobody can know."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bot.errors import AmbiguousCommit, StoreBusy, StoreUnavailable
from store.ages import AgesReading
from store.audit.digests import DigestReading, DigestWriting
from store.audit.events import EventReading, EventWriting
from store.audit.pages import PageReading
from store.audit.tallies import TallyReading
from store.catalog_cache import CatalogCache
from store.catalogs import CatalogReading, CatalogWriting
from store.deploys.approvals import ApprovalReading, ApprovalWriting
from store.deploys.deploys import DeployReading, DeployWriting
from store.deploys.plans import PlanReading, PlanWriting
from store.deploys.requests import RequestReading, RequestWriting
from store.deploys.rollouts import RolloutReading, RolloutWriting
from store.outbox.intents import OutboxReading, OutboxWriting
from store.sql.failures import connecting, failure, translated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncTransaction

    from store.sql.connect import Engines


class SqlReading(
    CatalogReading,
    DeployReading,
    PlanReading,
    ApprovalReading,
    RolloutReading,
    OutboxReading,
    EventReading,
    PageReading,
    TallyReading,
    DigestReading,
    RequestReading,
    AgesReading,
):
    """``bot.ports.Reading`` over SQL."""


class SqlTransaction(
    CatalogWriting,
    DeployWriting,
    PlanWriting,
    ApprovalWriting,
    RolloutWriting,
    OutboxWriting,
    EventWriting,
    PageReading,
    TallyReading,
    DigestWriting,
    RequestWriting,
    AgesReading,
):
    """``bot.ports.Transaction`` over SQL."""


PATIENCE = 1.0
"""Seconds that a writer waits for its turn: with the engine's own wait, still within Slack's 3 s."""


class UnitsOfWork:
    """Opens transactions; one writer at a time where the engine has one write lock."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._turn = asyncio.Lock() if engines.one_writer else None
        self.parsed = CatalogCache()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[SqlReading]:
        """A reading unit of work of one moment; it takes no lock."""
        async with self.looking() as connection:
            yield SqlReading(connection, self.parsed)

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[AsyncConnection]:
        """A connection that only reads, of one moment."""
        async with _connected(self._engines.reading) as connection:
            with translated():
                yield connection

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[SqlTransaction]:
        """A writing unit of work: returning commits, raising rolls back."""
        async with self.writing() as connection:
            yield SqlTransaction(connection, self.parsed)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction that commits at the end; closing it otherwise rolls back."""
        committed = False
        try:
            async with self._in_turn(), _connected(self._engines.writing) as connection:
                with translated():
                    transaction = await connection.begin()
                    yield connection
                await _commit(transaction)
                committed = True
        except asyncio.CancelledError:
            if committed:
                raise AmbiguousCommit("cancelled right after the commit, which happened") from None
            raise

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        """The turn to write, on SQLite; ``StoreBusy`` where others keep it for longer than a person can wait."""
        if self._turn is None:
            yield
            return
        try:
            async with asyncio.timeout(PATIENCE):
                await self._turn.acquire()
        except TimeoutError:
            raise StoreBusy("the database is busy, nothing was written; try again (others are writing)") from None
        try:
            yield
        finally:
            self._turn.release()

    async def close(self) -> None:
        """Close every connection."""
        await self._engines.writing.dispose()


@asynccontextmanager
async def _connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    with connecting():
        connection = await engine.connect()
    try:
        yield connection
    finally:
        # whoever is cancelled, the next user of this connection must not find a transaction open in it
        if await _outlast(asyncio.create_task(connection.close())):
            raise asyncio.CancelledError


async def _commit(transaction: AsyncTransaction) -> None:
    """Commit to the end, whatever is cancelled meanwhile.

    ``AmbiguousCommit`` where the connection was lost in it, or where the caller was cancelled: both have to look.
    """
    commit = asyncio.create_task(transaction.commit())
    cancelled = await _outlast(commit)
    if commit.cancelled():
        raise AmbiguousCommit("the process ended during the commit; whether it happened is not known")
    error = commit.exception()
    if error is not None:
        said = failure(error)
        if isinstance(said, StoreUnavailable):
            raise AmbiguousCommit(f"the connection was lost during the commit: {said}") from error
        raise said from error
    if cancelled:
        raise AmbiguousCommit("cancelled during the commit, which happened all the same")


async def _outlast(task: asyncio.Task[None]) -> bool:
    """Wait until a task is over, through every cancellation; whether the caller was cancelled meanwhile."""
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    return cancelled
