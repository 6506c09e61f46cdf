"""A lease that is kept as long as the work goes on, so that slow work is not taken for dead."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from bot.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import timedelta

HEARTBEATS = 3
"""How often within a lease it is renewed (``docs/engine.md``, Claims)."""


@asynccontextmanager
async def beating(name: str, lease: timedelta, renew: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    """Renew the lease as long as the block runs; ``name`` is the heart's, for whoever looks at the tasks."""
    heart = asyncio.create_task(_beat(lease, renew), name=name)
    try:
        yield
    finally:
        heart.cancel()
        await asyncio.gather(heart, return_exceptions=True)


async def _beat(lease: timedelta, renew: Callable[[], Awaitable[object]]) -> None:
    while True:
        await asyncio.sleep(lease.total_seconds() / HEARTBEATS)
        # whoever lost it learns so at the next write; a database that is busy now is asked again at the next beat
        with suppress(StoreError):
            await renew()
