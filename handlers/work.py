"""The worker: runs each operation of the engine in a loop of its own, which the bell wakes.

One poll of the database rings it for what no operation of this process has made due.

Work that calls Nomad is claimed in lanes, one for each cluster: of each kind only so much is under way in a lane at
once, and a cluster that hangs occupies nothing but its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from bot.errors import NomatronError
from bot.operations.outbox import deliver
from bot.operations.worker import dispatch, follow, judge, offer, recheck, register
from bot.operations.worker import plan as plan_deploy
from bot.ports.claims import JUDGING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Iterator, Mapping

    from bot.ports import Ports
    from bot.ports.claims import Wanted

    Step = Callable[[Ports], Awaitable[bool]]

log = logging.getLogger(__name__)

POLL = 1.0
"""Seconds between two polls of the database: for other processes' work, and for what time makes due."""
_LONGEST_BACK_OFF = 30.0
GRACE = 21.0
"""Seconds that a running step has to finish after SIGTERM: Nomad's write time-out and a margin."""

MOST = 64
"""How much of one kind of work is under way at once over all lanes."""
REST = 1.0
"""Seconds for which a place in a lane stays taken after its work failed."""


class Lane(Protocol):
    """Work that is claimed in lanes; a claim knows its ``lane``."""

    @property
    def name(self) -> str:
        """The module of the work, for the log."""

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of work for which the bell rings."""

    @property
    def wanted(self) -> Wanted | None:
        """The deploys that it asks for; None if it is about messages."""

    async def claim(self, ports: Ports, full: frozenset[str], under_way: Collection[Any], /) -> Any:
        """Claim some of it in any lane that is not ``full``, and not ``under_way`` here; None if there is none."""

    async def carry_out(self, ports: Ports, claim: Any) -> None:
        """Do what was claimed."""


LANES: tuple[tuple[Lane, int], ...] = (
    (plan_deploy.WORK, 2),
    (dispatch.WORK, 4),
    (register.WORK, 4),
    (follow.WORK, 2),
    (recheck.WORK, 1),
    (offer.WORK, 1),
    (deliver.WORK, 8),
)
"""Work on deploys and messages, each with how much of it is under way in one lane at once."""
VERBS: tuple[tuple[Step, str], ...] = ((judge.step, JUDGING),)
"""Steps that call no Nomad, each with the kind of work for which the bell rings."""


class LocalBell:
    """Wakes the loops of this process that wait for a kind of work; implements ``bot.ports.Bell``."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], frozenset[str]] = {}
        self._rung: Counter[str] = Counter()
        self._ended = False

    def rung(self, kinds: frozenset[str]) -> int:
        """How often it has rung for these. A loop passes it to ``wait``, so that it misses no ring meanwhile."""
        return sum(self._rung[kind] for kind in kinds)

    def ring(self, work: Collection[str]) -> None:
        """Wake the loops that wait for one of these kinds of work."""
        self._rung.update(work)
        self._wake(waiter for waiter, kinds in self._waiting.items() if not kinds.isdisjoint(work))

    def end(self) -> None:
        """Wake every loop, whatever it waits for, now or later."""
        self._ended = True
        self._wake(self._waiting)

    def _wake(self, waiting: Iterable[asyncio.Future[None]]) -> None:
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, kinds: frozenset[str], seen: int, seconds: float | None = None) -> None:
        """Wait for the next ring for these, for at most ``seconds``; return at once if it has rung since ``seen``."""
        if self._ended or self.rung(kinds) != seen:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiting[waiter] = kinds
        try:
            await asyncio.wait([waiter], timeout=seconds)
        finally:
            del self._waiting[waiter]


class Worker:
    """Runs the loops of the engine until it is stopped."""

    def __init__(
        self,
        ports: Ports,
        bell: LocalBell,
        verbs: tuple[tuple[Step, str], ...] = VERBS,
        lanes: tuple[tuple[Lane, int], ...] = LANES,
    ) -> None:
        """Make a worker, not yet at work, for these steps and lanes."""
        self._ports = ports
        self._bell = bell
        self._verbs = verbs
        self._lanes = lanes
        self._stopping = False
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Start the loops."""
        self._begin(self._poll(), "poll")
        for step, kind in self._verbs:
            self._begin(self._loop(step, frozenset({kind})), step.__module__)
        for work, width in self._lanes:
            self._begin(self._claim(work, width), work.name)

    async def stop(self, seconds: float | None = None) -> None:
        """Claim nothing more, and wait for running steps, for at most ``seconds`` (default ``GRACE``)."""
        self._stopping = True
        self._bell.end()
        if not self._tasks:
            return
        await asyncio.wait(self._tasks, timeout=GRACE if seconds is None else seconds)
        late = tuple(self._tasks)
        for task in late:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*late, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _poll(self) -> None:
        """Ring for what is due."""
        wanted = [work.wanted for work, _ in self._lanes if work.wanted is not None]
        back_off = 0.0
        while not self._stopping:
            with _edge("poll") as outcome:
                self._bell.ring(await self._ports.store.due(wanted, self._ports.clock.now()))
            back_off = _longer(back_off) if outcome.failed else 0.0
            await self._rest(back_off or POLL)

    async def _loop(self, step: Step, kinds: frozenset[str]) -> None:
        back_off = 0.0
        while not self._stopping:
            seen = self._bell.rung(kinds)
            with _edge(step.__module__) as outcome:
                worked = await step(self._ports)
            back_off = _longer(back_off) if outcome.failed else 0.0
            if back_off:
                await self._rest(back_off)
            elif not worked:
                await self._bell.wait(kinds, seen)

    async def _claim(self, work: Lane, width: int) -> None:
        """Claim work in the lanes that have room, and carry each claim out in a task of its own."""
        under_way: dict[asyncio.Task[None], Any] = {}
        back_off = 0.0
        while not self._stopping:
            seen, claim = self._bell.rung(work.kinds), None
            full = _full(under_way, width)
            with _edge(work.name) as outcome:
                if len(under_way) < MOST:
                    claim = await work.claim(self._ports, full, under_way.values())
            back_off = _longer(back_off) if outcome.failed else 0.0
            if back_off:
                await self._rest(back_off)
            elif claim is not None:
                task = self._begin(self._carry_out(work, claim), work.name)
                under_way[task] = claim
                task.add_done_callback(under_way.pop)
            elif full == _full(under_way, width):
                # otherwise some work ended while the claim was tried without its lane
                await self._news(work.kinds, seen, under_way)
        if under_way:
            await asyncio.wait(under_way)

    async def _carry_out(self, work: Lane, claim: Any) -> None:
        with _edge(work.name) as outcome:
            await work.carry_out(self._ports, claim)
        if outcome.failed:
            await self._rest(REST)

    async def _news(self, kinds: frozenset[str], seen: int, under_way: Collection[asyncio.Task[None]]) -> None:
        """Wait until the bell rings, or some work ends and makes room."""
        ringing = asyncio.create_task(self._bell.wait(kinds, seen))
        try:
            await asyncio.wait([ringing, *under_way], return_when=asyncio.FIRST_COMPLETED)
        finally:
            ringing.cancel()

    async def _rest(self, seconds: float) -> None:
        """Wait after a failure; only ``stop`` ends the wait early."""
        ends = asyncio.get_running_loop().time() + seconds
        while not self._stopping and (left := ends - asyncio.get_running_loop().time()) > 0:
            await self._bell.wait(frozenset(), 0, left)


@dataclass
class _Outcome:
    failed: bool = False


@contextlib.contextmanager
def _edge(step: str) -> Iterator[_Outcome]:
    """The edge of the process: log a failure, so that one deploy that fails does not end what serves all others."""
    outcome = _Outcome()
    try:
        yield outcome
    except NomatronError as error:
        outcome.failed = True
        log.warning("a step failed", extra={"step": step, "code": error.code, "error": str(error)})
    except Exception:
        outcome.failed = True
        log.exception("a step crashed", extra={"step": step})


def _full(under_way: Mapping[asyncio.Task[None], Any], width: int) -> frozenset[str]:
    """The lanes that have no room for more of this work."""
    counts = Counter(claim.lane for claim in under_way.values())
    return frozenset(lane for lane, count in counts.items() if count >= width)


def _longer(back_off: float) -> float:
    return min(_LONGEST_BACK_OFF, back_off * 2 or 1.0)
