"""The worker: runs each operation of the engine in its own loops, which poll, and which the bell wakes early."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from bot.errors import NomatronError
from bot.operations.outbox import deliver
from bot.operations.worker import dispatch, follow, offer, recheck, register
from bot.operations.worker import plan as plan_deploy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.ports import Ports

    Step = Callable[[Ports], Awaitable[bool]]

log = logging.getLogger(__name__)

POLL = 1.0
"""Seconds between two polls of an operation's first loop; its other loops, for bursts of work, poll less often."""
_SPARE_POLL = 5.0
_LONGEST_BACK_OFF = 30.0
GRACE = 21.0
"""Seconds that a running step has to finish after SIGTERM: Nomad's write time-out and a margin."""

VERBS: tuple[tuple[Step, int], ...] = (
    (plan_deploy.step, 2),
    (dispatch.step, 1),
    (register.step, 4),
    (follow.step, 2),
    (recheck.step, 1),
    (offer.step, 1),
    (deliver.step, 8),
)


class LocalBell:
    """Wakes all waiting loops of this process; implements ``bot.ports.Bell``."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()
        self._rung = 0

    @property
    def rung(self) -> int:
        """How often the bell has rung. A loop passes it to ``wait``, so that it misses no ring between two polls."""
        return self._rung

    def ring(self) -> None:
        """Wake all waiting loops."""
        self._rung += 1
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, seen: int, seconds: float) -> None:
        """Wait for the next ring, for at most ``seconds``; return at once if it has rung since ``seen``."""
        if self._rung != seen:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        try:
            await asyncio.wait([waiter], timeout=seconds)
        finally:
            self._waiting.discard(waiter)


class Worker:
    """Runs the loops of the engine until it is stopped."""

    def __init__(self, ports: Ports, bell: LocalBell, verbs: tuple[tuple[Step, int], ...] = VERBS) -> None:
        """Make a worker, not yet at work; ``verbs`` are its steps, each with the number of its loops."""
        self._ports = ports
        self._bell = bell
        self._verbs = verbs
        self._stopping = False
        self._loops: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start the loops."""
        for step, width in self._verbs:
            for index in range(width):
                pause = POLL if index == 0 else _SPARE_POLL
                self._loops.append(asyncio.create_task(self._loop(step, pause), name=f"{step.__module__}-{index}"))

    async def stop(self, seconds: float | None = None) -> None:
        """Claim nothing more, and wait for running steps, for at most ``seconds`` (default ``GRACE``)."""
        self._stopping = True
        self._bell.ring()
        if not self._loops:
            return
        _, late = await asyncio.wait(self._loops, timeout=GRACE if seconds is None else seconds)
        for task in late:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*late, return_exceptions=True)

    async def _loop(self, step: Step, pause: float) -> None:
        back_off = 0.0
        while not self._stopping:
            seen = self._bell.rung
            try:
                worked = await step(self._ports)
                back_off = 0.0
            except NomatronError as error:
                back_off = _longer(back_off)
                log.warning("a step failed", extra={"step": step.__module__, "code": error.code, "error": str(error)})
            except Exception:
                # the edge of the process: one deploy that fails must not end the loop that serves all others
                back_off = _longer(back_off)
                log.exception("a step crashed", extra={"step": step.__module__})
            if back_off:
                await self._rest(back_off)
            elif not worked:
                await self._bell.wait(seen, pause)

    async def _rest(self, seconds: float) -> None:
        """Wait after a failure; only ``stop`` ends the wait early."""
        ends = asyncio.get_running_loop().time() + seconds
        while not self._stopping and (left := ends - asyncio.get_running_loop().time()) > 0:
            await self._bell.wait(self._bell.rung, left)


def _longer(back_off: float) -> float:
    return min(_LONGEST_BACK_OFF, back_off * 2 or 1.0)
