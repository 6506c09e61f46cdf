"""The watcher: one event stream for each cluster of the active catalog, handed on as nudges."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.errors import NomatronError
from bot.operations.worker.nudge import nudge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.domain.catalog.environment import Cluster
    from bot.ports import Ports
    from bot.ports.nomad import JobMoved

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between looks at the active catalog, over which moves are gathered, and after a failure.

    A rollout's batch of events is one nudge.
    """

    look: float = 1.0
    gather: float = 0.2
    after_failure: float = 5.0


class Watcher:
    """Keeps the streams in step with the active catalog until it is stopped."""

    def __init__(self, ports: Ports, pace: Pace | None = None) -> None:
        self._ports = ports
        self._pace = pace or Pace()
        self._streams: dict[tuple[Cluster, frozenset[str]], asyncio.Task[None]] = {}
        self._main: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch."""
        self._main = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Close every stream."""
        tasks = [*self._streams.values(), *([self._main] if self._main else [])]
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            looked = False
            with _edge("a look at the catalog"):
                self._follow(await self._wanted())
                looked = True
            await asyncio.sleep(self._pace.look if looked else self._pace.after_failure)

    def _follow(self, wanted: set[tuple[Cluster, frozenset[str]]]) -> None:
        """One stream for each that is wanted, none for any other."""
        self._ports.nomads.keep({cluster for cluster, _ in wanted})
        for gone in self._streams.keys() - wanted:
            self._streams.pop(gone).cancel()
        for new in wanted - self._streams.keys():
            self._streams[new] = asyncio.create_task(self._watch(*new))

    async def _wanted(self) -> set[tuple[Cluster, frozenset[str]]]:
        async with self._ports.store.read() as reading:
            catalog = (await reading.active_catalog()).catalog
        return {
            (cluster, frozenset(each.namespace for each in catalog.environments.values() if each.cluster == name))
            for name, cluster in catalog.clusters.items()
        }

    async def _watch(self, cluster: Cluster, namespaces: frozenset[str]) -> None:
        while True:
            gathered: set[JobMoved] = set()
            nudging = asyncio.create_task(self._nudge(cluster, gathered))
            try:
                with _edge("a stream", cluster.name):
                    async for move in self._ports.nomads.of(cluster).moves(namespaces):
                        gathered.add(move)
            finally:
                nudging.cancel()
            await asyncio.sleep(self._pace.after_failure)

    async def _nudge(self, cluster: Cluster, gathered: set[JobMoved]) -> None:
        while True:
            await asyncio.sleep(self._pace.gather)
            if gathered:
                moves = tuple(gathered)
                gathered.clear()
                with _edge("a nudge", cluster.name):
                    await nudge(self._ports, cluster.name, moves)


@contextlib.contextmanager
def _edge(what: str, cluster: str = "") -> Iterator[None]:
    """The edge of the process: whatever happens in one round is in the log, and the loop around it goes on.

    A cluster that sends something odd must not go unwatched from then on, and the polls are the truth anyway.
    """
    try:
        yield
    except NomatronError as error:
        log.warning("%s failed", what, extra={"cluster": cluster, "code": error.code, "error": str(error)})
    except Exception:
        log.exception("%s broke", what, extra={"cluster": cluster})
