"""Renew a lease while the work goes on, so that nobody takes slow work over."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from bot.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import timedelta

HEARTBEATS = 3
"""How many times a lease is renewed within its length, so that one failed renewal does not lose it."""


@asynccontextmanager
async def renewing(name: str, lease: timedelta, renew: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    """Renew the lease as long as the block runs; ``name`` is the name of the renewing task."""
    heart = asyncio.create_task(_beat(lease, renew), name=name)
    try:
        yield
    finally:
        heart.cancel()
        await asyncio.gather(heart, return_exceptions=True)


async def _beat(lease: timedelta, renew: Callable[[], Awaitable[object]]) -> None:
    while not is_cancelled():
        await asyncio.sleep(lease.total_seconds() / HEARTBEATS)
        # a lost lease shows at the next write, which its fence refuses; a busy database is asked again at the next beat
        with suppress(StoreError):
            await renew()


def is_cancelled() -> bool:
    """Whether this task is to end. A loop has to ask: a cancellation in a commit comes as ``AmbiguousCommit``."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
