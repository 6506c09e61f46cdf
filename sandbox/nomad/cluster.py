"""The simulated cluster: state, nodes, scheduler, watcher and clients, which all react to every batch of changes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sandbox.nomad.broker import EventBroker
from sandbox.nomad.client.runner import AllocationRunner
from sandbox.nomad.records import Json, find_group, key_of
from sandbox.nomad.rollout.watcher import DeploymentWatcher
from sandbox.nomad.scheduler.evaluations import Scheduler
from sandbox.nomad.scheduler.nodes import MEMORY_MB, Nodes
from sandbox.nomad.state import State
from sandbox.nomad.switches import Switches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.clock import Clock
    from sandbox.nomad.state import Batch
    from sandbox.nomad.switches import Failing


class Cluster:
    """Everything behind the HTTP API."""

    def __init__(self, clock: Clock, namespaces: Iterable[str]) -> None:
        self.clock = clock
        self.state = State(clock)
        self.nodes = Nodes()
        self.switches = Switches(memory_mb=MEMORY_MB)
        self.broker = EventBroker()
        self.changed = asyncio.Event()
        self._runner = AllocationRunner(self.state, self.switches)
        self._scheduler = Scheduler(self.state, self.nodes)
        self._watcher = DeploymentWatcher(self.state)
        for name in namespaces:
            self.put_namespace(name, "Default shared namespace" if name == "default" else "")
        self.state.listeners.append(self._committed)

    def put_namespace(self, name: str, description: str) -> None:
        """Create or change a namespace."""
        known = self.state.namespaces.get(name)
        self.state.index += 1
        self.state.tables["namespaces"] = self.state.index
        self.state.namespaces[name] = {
            "Capabilities": None,
            "ConsulConfiguration": None,
            "CreateIndex": known["CreateIndex"] if known else self.state.index,
            "Description": description,
            "Hash": None,
            "Meta": None,
            "ModifyIndex": self.state.index,
            "Name": name,
            "NodePoolConfiguration": None,
            "OptionalExtraClaims": None,
            "Quota": "",
            "RequiredExtraClaims": None,
            "VaultConfiguration": None,
        }

    def _committed(self, batch: Batch) -> None:
        self.broker.publish(batch)
        self.notify_change()
        # not at once, because the code that wrote the batch is still using it
        asyncio.get_running_loop().call_soon(self._react, batch)

    def _react(self, batch: Batch) -> None:
        self._runner.on_commit(batch)
        self._watcher.on_commit(batch)
        self._scheduler.on_commit(batch)

    def notify_change(self) -> None:
        """Wake everyone who waits for a change."""
        # a new event for the next change, so that nobody has to clear the old one
        self.changed.set()
        self.changed = asyncio.Event()

    def set_failing(self, failing: Failing, *, on: bool) -> None:
        """Make tasks exit with code 1 from now on, including running ones; or stop that."""
        self.switches.set_failing(failing, on=on)
        self.notify_change()
        if not on:
            return
        for allocation in list(self.state.allocations.values()):
            group = find_group(allocation["Job"], allocation["TaskGroup"]) or {}
            hit = [task for task in group.get("Tasks") or [] if failing.hits(key_of(allocation), task)]
            if hit:
                self._runner.crash(allocation, hit[0]["Name"])

    def set_memory(self, memory_mb: int) -> None:
        """Change the memory of every node; running allocations stay, blocked evaluations are tried again."""
        self.nodes.set_memory(memory_mb)
        self.switches.memory_mb = memory_mb
        self._scheduler.unblock()
        self.notify_change()

    def set_speed(self, speed: float) -> None:
        """Change the speed of Nomad's durations. Raises ValueError for an invalid speed."""
        self.clock.speed = speed
        self.notify_change()

    def namespace_list(self) -> list[Json]:
        """All namespaces, sorted by name."""
        return [self.state.namespaces[name] for name in sorted(self.state.namespaces)]
