"""The nodes of the simulated cluster, and the search for a node with room for an allocation."""

from __future__ import annotations

import fnmatch
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.nomad.records import new_id
from sandbox.nomad.scheduler.constraints import constraints_of, label, refusing
from sandbox.nomad.status import terminal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.nomad.records import Json

DATACENTER, NODE_POOL = "dc1", "default"
# enough nodes to see a wave spread, few enough to fill by hand
NODE_COUNT = 3
CPU_MHZ, MEMORY_MB, DISK_MB = 16_000, 16_384, 200_000
# the nodes claim to have Consul and Vault, so that jobs may need them; their behaviour is not simulated
ATTRIBUTES = {
    "kernel.name": "linux",
    "kernel.version": "6.1.0",
    "kernel.arch": "x86_64",
    "cpu.arch": "amd64",
    "cpu.numcores": "8",
    "os.name": "debian",
    "os.version": "12",
    "driver.docker": "1",
    "driver.docker.version": "27.3.1",
    "driver.exec": "1",
    "driver.raw_exec": "1",
    "driver.java": "1",
    "nomad.version": "2.0.6-sim",
    "consul.version": "1.20.1",
    "vault.version": "1.18.1",
    "platform.aws.placement.availability-zone": "sandbox-1a",
}


def node(number: int) -> Json:
    """A node as the scheduler sees it."""
    name, node_id = f"node-{number}", new_id()
    facts = {"unique.name": name, "unique.id": node_id, "class": "", "pool": NODE_POOL, "region": "global"}
    return {
        "ID": node_id,
        "Name": name,
        "Datacenter": DATACENTER,
        "NodePool": NODE_POOL,
        "Attributes": {**ATTRIBUTES, "unique.hostname": name},
        "Meta": {},
        "Facts": facts,
        "Room": {"cpu": CPU_MHZ, "memory": MEMORY_MB, "disk": DISK_MB},
    }


def need_of(group: Json) -> dict[str, int]:
    """The resources that one allocation of a group needs: CPU in MHz, memory and disk in MB."""
    resources = [task["Resources"] or {} for task in group["Tasks"] or []]
    disk = (group["EphemeralDisk"] or {}).get("SizeMB") or 0
    return {
        "cpu": sum(int(one.get("CPU") or 0) for one in resources),
        "memory": sum(int(one.get("MemoryMB") or 0) for one in resources),
        "disk": int(disk),
    }


def need_of_allocation(allocation: Json) -> dict[str, int]:
    """The resources that an allocation uses on its node."""
    tasks, shared = allocation["AllocatedResources"]["Tasks"].values(), allocation["AllocatedResources"]["Shared"]
    return {
        "cpu": sum(int(one["Cpu"]["CpuShares"]) for one in tasks),
        "memory": sum(int(one["Memory"]["MemoryMB"]) for one in tasks),
        "disk": int(shared["DiskMB"]),
    }


@dataclass
class Nodes:
    """The cluster's nodes, all of the same size."""

    all: list[Json] = field(default_factory=lambda: [node(number) for number in range(1, NODE_COUNT + 1)])

    def set_memory(self, memory_mb: int) -> None:
        """Set the memory of every node in MB."""
        for one in self.all:
            one["Room"]["memory"] = memory_mb

    def name_of(self, node_id: str) -> str:
        """A node's name."""
        return next((str(one["Name"]) for one in self.all if one["ID"] == node_id), "")


class Room:
    """The free resources of the nodes while one decision is made."""

    def __init__(self, nodes: Nodes, allocations: Iterable[Json]) -> None:
        self._nodes = nodes.all
        self._left: dict[str, Counter[str]] = {one["ID"]: Counter(one["Room"]) for one in nodes.all}
        self._jobs: Counter[tuple[str, str]] = Counter()
        for allocation in allocations:
            if not terminal(allocation):
                self.take(allocation["NodeID"], need_of_allocation(allocation), allocation["JobID"])

    def take(self, node_id: str, need: dict[str, int], job_id: str) -> None:
        """Reserve resources on a node."""
        if node_id in self._left:
            self._left[node_id].subtract(need)
            self._jobs[node_id, job_id] += 1

    def free(self, allocation: Json) -> None:
        """Free the resources of an allocation that is about to stop."""
        node_id = allocation["NodeID"]
        if node_id in self._left and not terminal(allocation):
            self._left[node_id].update(need_of_allocation(allocation))
            self._jobs[node_id, allocation["JobID"]] -= 1

    def allowed(self, job: Json, group: Json) -> list[Json]:
        """The nodes that the job's datacenters, its node pool and the constraints allow."""
        constraints = constraints_of(job, group)
        return [one for one in self.reachable(job) if refusing(one, constraints) is None]

    def reachable(self, job: Json) -> list[Json]:
        """The nodes in the job's datacenters and node pool."""
        return [
            one
            for one in self._nodes
            if job["NodePool"] in {one["NodePool"], "all"}
            and any(fnmatch.fnmatchcase(one["Datacenter"], wanted) for wanted in job["Datacenters"] or ["*"])
        ]

    def find(self, job: Json, group: Json, node_id: str = "") -> Json | None:
        """A node with room, or None; prefers nodes with few allocations of the job. `node_id` allows only that node."""
        need = need_of(group)
        # spread a job over the nodes, because bin packing would fill one node first and look odd on the page
        fitting = [
            one for one in self.allowed(job, group) if not self._exhausted(one, need) and node_id in {"", one["ID"]}
        ]
        return min(fitting, key=lambda one: (self._jobs[one["ID"], job["ID"]], one["Name"]), default=None)

    def _exhausted(self, one: Json, need: dict[str, int]) -> str | None:
        left = self._left[one["ID"]]
        return next((dimension for dimension, amount in need.items() if amount > left[dimension]), None)

    def ruling_out(self, job: Json, group: Json) -> Json:
        """Nomad's AllocMetric of a system job's group that the constraints keep off every node."""
        return {**self.metric(job, group), "NodePool": "", "NodesAvailable": None, "NodesInPool": 0}

    def metric(self, job: Json, group: Json, node_id: str = "") -> Json:
        """Nomad's AllocMetric for an allocation: the nodes considered, and why none fits; `node_id` allows only one."""
        # datacenter and pool select the nodes to consider; only constraints count as filters
        reachable, need = self.reachable(job), need_of(group)
        tried = [one for one in reachable if node_id in {"", one["ID"]}]
        constraints = constraints_of(job, group)
        filtered = Counter(label(bad) for one in tried if (bad := refusing(one, constraints)))
        allowed = [one for one in tried if refusing(one, constraints) is None]
        exhausted = Counter(dimension for one in allowed if (dimension := self._exhausted(one, need)))
        pool = [one for one in self._nodes if job["NodePool"] in {one["NodePool"], "all"}]
        return {
            "AllocationTime": 40_000,
            "ClassExhausted": None,
            "ClassFiltered": None,
            "CoalescedFailures": 0,
            "ConstraintFiltered": dict(filtered) or None,
            "DimensionExhausted": dict(exhausted) or None,
            "NodePool": job["NodePool"],
            "NodesAvailable": dict(Counter(one["Datacenter"] for one in reachable)),
            "NodesEvaluated": len(tried),
            "NodesExhausted": sum(exhausted.values()),
            "NodesFiltered": sum(filtered.values()),
            "NodesInPool": len(pool),
            "QuotaExhausted": None,
            "ResourcesExhausted": None,
            "ScoreMetaData": None,
            "Scores": None,
        }
