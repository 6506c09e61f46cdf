"""The watcher: reads an event stream per cluster of the active catalog, and nudges the deploys that it names."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.errors import NomatronError
from bot.operations.worker.nudge import nudge, nudge_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bot.domain.catalog.environment import Cluster
    from bot.ports import Ports
    from bot.ports.nomad import JobEvent

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two reads of the active catalog, for which events are collected, and until a try after a failure.

    Events are collected so that a burst of them is one nudge; ``same`` is the time between two nudges for one job.
    """

    look: float = 1.0
    gather: float = 0.1
    same: float = 0.8
    after_failure: float = 5.0


MOST = 10_000
"""How many jobs of a cluster wait for a nudge; with one more, every rollout there is looked at instead."""


class Watcher:
    """Keeps one stream open per cluster of the active catalog, until it is stopped."""

    def __init__(self, ports: Ports, pace: Pace | None = None) -> None:
        self._ports = ports
        self._pace = pace or Pace()
        self._streams: dict[tuple[Cluster, frozenset[str]], asyncio.Task[None]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._listening: dict[Cluster, int] = {}
        self._main: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start watching."""
        self._main = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Close every stream."""
        tasks = [*self._streams.values(), *self._closing, *([self._main] if self._main else [])]
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            succeeded = False
            with _edge("reading the catalog"):
                wanted = await self._wanted_streams()
                self._adjust(wanted)
                await self._look_again(cluster for cluster, _ in wanted)
                succeeded = True
            await asyncio.sleep(self._pace.look if succeeded else self._pace.after_failure)

    def _adjust(self, wanted: set[tuple[Cluster, frozenset[str]]]) -> None:
        """Open the missing streams, and close those that nobody wants any more."""
        self._ports.nomads.keep({cluster for cluster, _ in wanted})
        for gone in self._streams.keys() - wanted:
            closing = self._streams.pop(gone)
            closing.cancel()
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        for new in wanted - self._streams.keys():
            self._streams[new] = asyncio.create_task(self._watch(*new))

    async def _look_again(self, clusters: Iterable[Cluster]) -> None:
        """Have every rollout looked at where the stream broke or was opened since: it may not have told of a change."""
        for cluster in clusters:
            listening = self._ports.nomads.of(cluster).listening()
            if self._listening.get(cluster, 0) != listening:
                await nudge_all(self._ports, cluster.lane)
                self._listening[cluster] = listening

    async def _wanted_streams(self) -> set[tuple[Cluster, frozenset[str]]]:
        async with self._ports.store.read() as reading:
            catalog = (await reading.active_catalog()).catalog
        return {
            (cluster, frozenset(each.namespace for each in catalog.environments.values() if each.cluster == name))
            for name, cluster in catalog.clusters.items()
        }

    async def _watch(self, cluster: Cluster, namespaces: frozenset[str]) -> None:
        while True:
            gathered: set[JobEvent] = set()
            nudging = asyncio.create_task(self._nudge(cluster, gathered))
            try:
                with _edge("the event stream", cluster.name):
                    async for event in self._ports.nomads.of(cluster).job_events(namespaces):
                        if len(gathered) <= MOST:
                            gathered.add(event)
            finally:
                nudging.cancel()
                # it may be writing: whoever stops the watcher closes the database next
                await asyncio.wait({nudging})
            await asyncio.sleep(self._pace.after_failure)

    async def _nudge(self, cluster: Cluster, gathered: set[JobEvent]) -> None:
        clock = asyncio.get_running_loop().time
        nudged_at: dict[JobEvent, float] = {}
        while True:
            await asyncio.sleep(self._pace.gather)
            recent = clock() - self._pace.same
            nudged_at = {event: at for event, at in nudged_at.items() if at > recent}
            events = gathered - nudged_at.keys()
            if not events:
                continue
            too_many = len(gathered) > MOST
            gathered -= events
            nudged = False
            with _edge("a nudge", cluster.name):
                if too_many:
                    await nudge_all(self._ports, cluster.lane)
                else:
                    await nudge(self._ports, cluster.name, events)
                nudged_at |= dict.fromkeys(events, clock())
                nudged = True
            # without a nudge the next look is minutes away
            gathered.update(() if nudged else events)


@contextlib.contextmanager
def _edge(what: str, cluster: str = "") -> Iterator[None]:
    """The edge of the process: log any failure of one round, so that the loop around it continues.

    One strange answer must not stop the watching of a cluster for good; and the workers poll anyway.
    """
    try:
        yield
    except NomatronError as error:
        log.warning("%s failed", what, extra={"cluster": cluster, "code": error.code, "error": str(error)})
    except Exception:
        log.exception("%s crashed", what, extra={"cluster": cluster})
