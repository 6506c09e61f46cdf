"""The scheduler: which verb runs how often; the only place that knows APScheduler."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.errors import NomatronError
from bot.operations import expire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.ports import Ports

log = logging.getLogger(__name__)

REPLAY_WINDOW = timedelta(minutes=15)
"""How long a request's signature is kept: Slack's 300 s both ways, and a margin."""


async def _forget(ports: Ports) -> None:
    await ports.store.forget_requests(ports.clock.now() - REPLAY_WINDOW)


async def _expire(ports: Ports) -> None:
    if await expire.step(ports):
        ports.bell.ring()


_TICKS: tuple[tuple[Callable[[Ports], Awaitable[None]], int], ...] = ((_expire, 5), (_forget, 60))
"""What runs, and the seconds between two runs."""


def scheduled(ports: Ports) -> AsyncIOScheduler:
    """A scheduler with every tick on it, not yet started."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    for tick, seconds in _TICKS:
        scheduler.add_job(_guarded, "interval", seconds=seconds, args=[ports, tick], coalesce=True, max_instances=1)
    return scheduler


async def _guarded(ports: Ports, tick: Callable[[Ports], Awaitable[None]]) -> None:
    try:
        await tick(ports)
    except NomatronError as error:
        log.warning("a tick failed", extra={"tick": tick.__name__, "code": error.code, "error": str(error)})
