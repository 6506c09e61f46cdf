"""Races between workers, on machines of every speed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from bot.errors import StoreBusy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


async def race(*attempts: Callable[[], Awaitable[T]]) -> list[T]:
    """All at once; their results in the order of the attempts."""
    return await asyncio.gather(*(until_not_busy(attempt) for attempt in attempts))


async def until_not_busy(attempt: Callable[[], Awaitable[T]]) -> T:
    """Tried again while others write for longer than a writer waits, as a worker's next step would.

    Where two processes share SQLite's one write lock and the machine is busy, ``StoreBusy`` is the promised answer.
    """
    while True:
        try:
            return await attempt()
        except StoreBusy:
            await asyncio.sleep(0)
