"""The scheduler: which verb runs how often; the only place that knows APScheduler."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.errors import NomatronError
from bot.operations.digest import schedule as digest
from bot.operations.worker import expire

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


async def _digests(ports: Ports) -> None:
    if await digest.tick(ports):
        ports.bell.ring()


_TICKS: tuple[tuple[Callable[[Ports], Awaitable[None]], int], ...] = ((_expire, 5), (_forget, 60))
"""What runs, and the seconds between two runs."""
_LONGEST = timedelta(minutes=1)
"""Between two runs of any of them."""
_SECOND = 20
"""Of each minute: past ``bot.domain.digest.schedule.SETTLED_AFTER``."""


class Scheduler(AsyncIOScheduler):  # type: ignore[misc] # APScheduler has no types
    """APScheduler, for a wall clock that may be set back: it alone would run nothing until that time has come again.

    The wake-up itself is by a clock that nobody sets.
    """

    def _process_jobs(self) -> float | None:
        for job in self.get_jobs():
            now = datetime.now(UTC)
            if job.next_run_time - now > _LONGEST:
                job.modify(next_run_time=now)
        wait: float | None = super()._process_jobs()
        return wait


def scheduled(ports: Ports) -> Scheduler:
    """A scheduler with every tick on it, not yet started."""
    scheduler = Scheduler(timezone="UTC")
    for tick, seconds in _TICKS:
        scheduler.add_job(_guarded, "interval", seconds=seconds, args=[ports, tick], coalesce=True, max_instances=1)
    _each_minute(scheduler, ports)
    return scheduler


def _each_minute(scheduler: Scheduler, ports: Ports) -> None:
    """Digests: as soon as one is settled, and once at the start for what fell due meanwhile.

    However late a run is, it is made: what is due is what the database does not have, not what this scheduler missed.
    """
    at = {"second": _SECOND, "next_run_time": datetime.now(UTC)}
    scheduler.add_job(
        _guarded, "cron", args=[ports, _digests], coalesce=True, max_instances=1, misfire_grace_time=None, **at
    )


async def _guarded(ports: Ports, tick: Callable[[Ports], Awaitable[None]]) -> None:
    try:
        await tick(ports)
    except NomatronError as error:
        log.warning("a tick failed", extra={"tick": tick.__name__, "code": error.code, "error": str(error)})
