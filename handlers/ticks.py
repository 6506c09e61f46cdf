"""The scheduler: runs the periodic operations; the only module that uses APScheduler."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.errors import NomatronError
from bot.operations import retention
from bot.operations.digest import schedule as digest
from bot.operations.locks import expire as lock_expiry
from bot.operations.worker import expire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.ports import Ports

log = logging.getLogger(__name__)

REPLAY_WINDOW = timedelta(minutes=15)
"""How long we remember the signature of a Slack request: longer than the 300 s for which we would accept it."""


async def _forget(ports: Ports) -> None:
    await ports.store.forget_requests(ports.clock.now() - REPLAY_WINDOW)


async def _expire(ports: Ports) -> None:
    await expire.step(ports)


async def _end_locks(ports: Ports) -> None:
    await lock_expiry.step(ports)


async def _digests(ports: Ports) -> None:
    await digest.tick(ports)


async def _retain(ports: Ports) -> None:
    await retention.step(ports)


_TICKS: tuple[tuple[Callable[[Ports], Awaitable[None]], int], ...] = (
    (_expire, 5),
    (_end_locks, 5),
    (_forget, 60),
    (_retain, 60),
)
"""The operations, and the seconds between two runs of each."""
_LONGEST = timedelta(minutes=1)
"""The longest time between two runs of any tick."""
_SECOND = 20
"""The second of each minute at which digests are checked: after ``bot.domain.digest.schedule.SETTLED_AFTER``."""


class Scheduler(AsyncIOScheduler):  # type: ignore[misc] # APScheduler has no types
    """APScheduler that survives a wall clock that is set back.

    Without this, APScheduler would run nothing until the clock reaches the old time again. It wakes up by the
    monotonic clock, so it notices.
    """

    def _process_jobs(self) -> float | None:
        for job in self.get_jobs():
            now = datetime.now(UTC)
            if job.next_run_time - now > _LONGEST:
                job.modify(next_run_time=now)
        wait: float | None = super()._process_jobs()
        return wait


def build_scheduler(ports: Ports) -> Scheduler:
    """A scheduler with all ticks, not yet started."""
    scheduler = Scheduler(timezone="UTC")
    for tick, seconds in _TICKS:
        scheduler.add_job(_run, "interval", seconds=seconds, args=[ports, tick], coalesce=True, max_instances=1)
    _add_digests(scheduler, ports)
    return scheduler


def _add_digests(scheduler: Scheduler, ports: Ports) -> None:
    """Check for due digests every minute, and once at the start for those that fell due before it.

    A late run is never skipped: the database knows which digests are missing, whatever this scheduler missed.
    """
    at = {"second": _SECOND, "next_run_time": datetime.now(UTC)}
    scheduler.add_job(
        _run, "cron", args=[ports, _digests], coalesce=True, max_instances=1, misfire_grace_time=None, **at
    )


async def _run(ports: Ports, tick: Callable[[Ports], Awaitable[None]]) -> None:
    try:
        await tick(ports)
    except NomatronError as error:
        log.warning("a tick failed", extra={"tick": tick.__name__, "code": error.code, "error": str(error)})
