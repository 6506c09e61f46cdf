"""Units of work commit all of a change or none of it, and say so if it is unknown whether a commit happened."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from bot.errors import AmbiguousCommit, StoreBusy, StoreUnavailable
from store.ages import AgesReading
from store.audit.digests import DigestReading, DigestWriting
from store.audit.events import EventReading, EventWriting
from store.audit.pages import PageReading
from store.audit.tallies import TallyReading
from store.catalog_cache import CatalogCache
from store.deploys.approvals import ApprovalReading, ApprovalWriting
from store.deploys.claims import Keeping
from store.deploys.judging import JudgingReading, JudgingWriting
from store.deploys.locks import LockReading, LockWriting
from store.deploys.plans import PlanReading, PlanWriting
from store.deploys.requests import RequestReading, RequestWriting
from store.deploys.rollouts import RolloutReading, RolloutWriting
from store.deploys.runs import RunReading
from store.deploys.subjects import SubjectReading, SubjectWriting
from store.outbox.intents import OutboxReading, OutboxWriting
from store.sql.failures import failure, translate_connect_errors, translate_errors
from store.sql.turn import Turn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncTransaction

    from store.sql.connect import Engines


class SqlReading(
    JudgingReading,
    LockReading,
    SubjectReading,
    PlanReading,
    ApprovalReading,
    RolloutReading,
    RunReading,
    OutboxReading,
    EventReading,
    PageReading,
    TallyReading,
    DigestReading,
    RequestReading,
    AgesReading,
):
    """Implements ``bot.ports.Reading`` with SQL."""


class SqlTransaction(
    Keeping,
    JudgingWriting,
    LockWriting,
    SubjectWriting,
    PlanWriting,
    ApprovalWriting,
    RolloutWriting,
    RunReading,
    OutboxWriting,
    EventWriting,
    PageReading,
    TallyReading,
    DigestWriting,
    RequestWriting,
    AgesReading,
):
    """Implements ``bot.ports.Transaction`` with SQL."""


PATIENCE = 1.0
"""Seconds that a writer waits for its turn; together with the engine's own wait this stays within Slack's 3 s."""


class UnitsOfWork:
    """Opens transactions; one writer at a time if the engine has only one write lock."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._turn = Turn() if engines.one_writer else None
        self.parsed = CatalogCache()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[SqlReading]:
        """A unit of work that reads a snapshot and takes no lock."""
        async with self.connect_to_read() as connection:
            yield SqlReading(connection, self.parsed)

    @asynccontextmanager
    async def connect_to_read(self) -> AsyncIterator[AsyncConnection]:
        """A connection that only reads, from a snapshot."""
        async with _connect(self._engines.reading) as connection:
            with translate_errors():
                yield connection

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[SqlTransaction]:
        """A unit of work that writes: it commits when the block ends, and rolls back if the block raises."""
        async with self.connect_to_write() as connection:
            transaction = SqlTransaction(connection, self.parsed)
            yield transaction
            await transaction.flush()

    @asynccontextmanager
    async def connect_to_write(self, *, can_wait: bool = False) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction that commits when the block ends, and rolls back if the block raises.

        ``can_wait``: of the writers that wait for their turn, others go before it.
        """
        committed = False
        try:
            async with self._in_turn(can_wait=can_wait), _connect(self._engines.writing) as connection:
                with translate_errors():
                    transaction = await connection.begin()
                    yield connection
                await _commit(transaction)
                committed = True
        except asyncio.CancelledError:
            if committed:
                raise AmbiguousCommit("cancelled right after the commit, which happened") from None
            raise

    @asynccontextmanager
    async def _in_turn(self, *, can_wait: bool) -> AsyncIterator[None]:
        """Wait for the turn to write on SQLite; raises ``StoreBusy`` if other writers take too long."""
        if self._turn is None:
            yield
            return
        try:
            async with asyncio.timeout(PATIENCE):
                await self._turn.acquire(can_wait=can_wait)
        except TimeoutError:
            raise StoreBusy("the database is busy with other changes, nothing was written; try again") from None
        try:
            yield
        finally:
            self._turn.release()

    async def close(self) -> None:
        """Close all connections."""
        await self._engines.writing.dispose()


@asynccontextmanager
async def _connect(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    # a connection whose opening is cancelled after the driver has it would never be closed
    opening = asyncio.create_task(_opened(engine))
    cancelled = await _outlast(opening)
    with translate_connect_errors():
        connection = opening.result()
    try:
        if cancelled:
            raise asyncio.CancelledError
        yield connection
    finally:
        # even if we are cancelled, the next user of this connection must not find an open transaction
        if await _outlast(asyncio.create_task(connection.close())):
            raise asyncio.CancelledError


async def _opened(engine: AsyncEngine) -> AsyncConnection:
    return await engine.connect()


async def _commit(transaction: AsyncTransaction) -> None:
    """Commit, and finish even if the caller is cancelled meanwhile. A connection whose commit failed is not used again.

    Raises ``AmbiguousCommit`` if the connection was lost or the caller was cancelled: then check what happened.
    """
    commit = asyncio.create_task(transaction.commit())
    cancelled = await _outlast(commit)
    if commit.cancelled() or commit.exception() is not None:
        # SQLite leaves such a transaction open, and SQLAlchemy hands its connection on without a rollback
        await _outlast(asyncio.create_task(transaction.connection.invalidate()))
    if commit.cancelled():
        raise AmbiguousCommit("the process stopped during the commit; it is unknown whether it happened")
    error = commit.exception()
    if error is not None:
        said = failure(error)
        if isinstance(said, StoreUnavailable):
            raise AmbiguousCommit(f"the connection was lost during the commit: {said}") from error
        raise said from error
    if cancelled:
        raise AmbiguousCommit("cancelled during the commit, which happened nevertheless")


async def _outlast(task: asyncio.Task[Any]) -> bool:
    """Wait until a task is done, through every cancellation; returns whether the caller was cancelled meanwhile."""
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    return cancelled
