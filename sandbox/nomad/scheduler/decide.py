"""Decides about a job: a verdict for each group, and a node for each new allocation.

Writes nothing: evaluations apply a decision, plans only show it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from sandbox.nomad.scheduler.groups import GroupReconciler
from sandbox.nomad.scheduler.nodes import Room, need_of
from sandbox.nomad.scheduler.placing import new_allocation
from sandbox.nomad.scheduler.reschedule import Timing
from sandbox.nomad.scheduler.situation import NOT_NEEDED, Placement, Situation, Verdict
from sandbox.nomad.scheduler.system import has_settled, system_verdict
from sandbox.nomad.status import ACTIVE_DEPLOYMENTS, terminal

if TYPE_CHECKING:
    from sandbox.nomad.records import JobKey, Json
    from sandbox.nomad.scheduler.nodes import Nodes
    from sandbox.nomad.state import State

SUPERSEDED = "Cancelled due to newer version of job"
STOPPED = "Cancelled because job is stopped"


class Placed(NamedTuple):
    """A new allocation, and the allocation that it replaces, if any."""

    allocation: Json
    canary: bool
    replaces: Json | None


@dataclass
class Decision:
    """The result of an evaluation."""

    job: Json | None
    deployment: Json | None
    cancel: tuple[Json, str] | None = None
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    placed: list[Placed] = field(default_factory=list)
    stop: list[tuple[Json, str]] = field(default_factory=list)
    in_place: list[Json] = field(default_factory=list)
    failed: dict[str, Json] = field(default_factory=dict)
    queued: dict[str, int] = field(default_factory=dict)

    @property
    def counters(self) -> Json:
        """The DesiredTGUpdates."""
        return {name: verdict.counters for name, verdict in self.verdicts.items()}

    @property
    def complete(self) -> bool:
        """Whether the running deployment has nothing left to do."""
        running = self.deployment is not None and self.deployment["Status"] == "running"
        # a system job's deployment does not wait for the nodes that lack room
        lacks = self.failed and not self.is_system
        return running and not lacks and all(verdict.complete for verdict in self.verdicts.values())

    @property
    def is_system(self) -> bool:
        """Whether it is about a system job."""
        return self.job is not None and self.job["Type"] == "system"

    @property
    def starts_complete(self) -> bool:
        """Whether its new deployment has nothing to do: one of a system job that no node can run."""
        states = [one.deployment_state for one in self.verdicts.values() if one.wants_deployment]
        return self.is_system and bool(states) and not any(state and state["DesiredTotal"] for state in states)

    @property
    def unplaced(self) -> Json:
        """The FailedTGAllocs: what lacks room, and what the constraints keep off every node."""
        ruled_out = {name: one.ruled_out for name, one in self.verdicts.items() if one.ruled_out}
        return {**ruled_out, **self.failed}

    @property
    def later(self) -> list[tuple[Json, int]]:
        """Failed allocations that may be rescheduled only later, each with that time."""
        return [one for verdict in self.verdicts.values() for one in verdict.later]

    @property
    def wants_deployment(self) -> bool:
        """Whether the decision needs a new deployment."""
        return any(verdict.wants_deployment for verdict in self.verdicts.values())

    @property
    def changes(self) -> bool:
        """Whether the decision changes anything."""
        written = self.placed or self.stop or self.in_place or self.cancel or self.later
        return bool(written) or self.complete or self.wants_deployment


def decide(state: State, nodes: Nodes, key: JobKey, job: Json | None, evaluation: Json) -> Decision:
    """The decision about `job`, which may differ from the stored job; None means a purged job."""
    timing = Timing(state.clock.now_ns(), state.clock.to_wall_ns)
    allocations = state.allocations_of(key)
    latest = state.latest_deployment(key)
    if job is None or job["Stop"]:
        return stopping(job, allocations, latest)
    current, cancel = present_deployment(job, latest)
    decision = Decision(job, current, cancel)
    stop_removed_groups(decision, allocations)
    room = Room(nodes, state.allocations.values())
    past = {one["ID"]: one for one in state.deployments_of(key)}
    for group in job["TaskGroups"] or []:
        ours = [one for one in allocations if one["TaskGroup"] == group["Name"]]
        situation = Situation(job, group, ours, current, past, evaluation["ID"], timing)
        decision.verdicts[group["Name"]] = verdict_on(situation, room)
    Placer(decision, room, evaluation, timing).run()
    return decision


def verdict_on(situation: Situation, room: Room) -> Verdict:
    """The verdict on one group, by the type of its job."""
    if situation.job["Type"] in {"system", "sysbatch"}:
        allowed = [one["ID"] for one in room.allowed(situation.job, situation.group)]
        in_reach = bool(room.reachable(situation.job))
        verdict = system_verdict(situation, allowed, in_reach=in_reach)
        if in_reach and not allowed:
            verdict.ruled_out = room.ruling_out(situation.job, situation.group)
        return verdict
    return GroupReconciler(situation).run()


def present_deployment(job: Json, latest: Json | None) -> tuple[Json | None, tuple[Json, str] | None]:
    """This version's deployment, unless it has ended; and the deployment of an older version to cancel, with why."""
    if latest is None:
        return None, None
    same = latest["JobVersion"] == job["Version"] and latest["JobCreateIndex"] == job["CreateIndex"]
    if not same:
        # versions decide, not specifications: a revert to the same text supersedes, too
        active = latest["Status"] in ACTIVE_DEPLOYMENTS
        return None, (latest, SUPERSEDED) if active else None
    # a failed deployment still counts for its version, so that nothing more is placed
    return (latest if latest["Status"] in {*ACTIVE_DEPLOYMENTS, "failed"} else None), None


def stopping(job: Json | None, allocations: list[Json], latest: Json | None) -> Decision:
    """The decision about a job that is stopped or gone."""
    active = latest is not None and latest["Status"] in ACTIVE_DEPLOYMENTS
    decision = Decision(job, None, (latest, STOPPED) if active and latest else None)
    stop_all(decision, allocations)
    for group in (job or {}).get("TaskGroups") or []:
        decision.queued.setdefault(group["Name"], 0)
    return decision


def stop_removed_groups(decision: Decision, allocations: list[Json]) -> None:
    """Stop the allocations of groups that the job no longer has."""
    names = {group["Name"] for group in (decision.job or {}).get("TaskGroups") or []}
    stop_all(decision, [one for one in allocations if one["TaskGroup"] not in names])


def stop_all(decision: Decision, allocations: list[Json]) -> None:
    """Stop those of the allocations that have not ended."""
    for allocation in allocations:
        if terminal(allocation):
            continue
        verdict = decision.verdicts.setdefault(allocation["TaskGroup"], Verdict(complete=True))
        verdict.counters["Stop"] += 1
        decision.stop.append((allocation, NOT_NEEDED))


class Placer:
    """Finds nodes for the allocations that the verdicts request, and records those that fit on no node."""

    def __init__(self, decision: Decision, room: Room, evaluation: Json, timing: Timing) -> None:
        self._decision = decision
        self._room = room
        self._evaluation = evaluation
        self._timing = timing

    def run(self) -> None:
        """Place one group after the other; first frees the room of the allocations that stop."""
        for allocation, _ in self._decision.stop:
            self._room.free(allocation)
        for name, verdict in self._decision.verdicts.items():
            self._decision.queued.setdefault(name, 0)
            for allocation, _ in verdict.stop:
                self._room.free(allocation)
            self._place(verdict)
            if self._decision.is_system:
                verdict.complete = has_settled(verdict)

    def _place(self, verdict: Verdict) -> None:
        unplaced: set[str] = set()
        for placement in verdict.place:
            if self._find(placement):
                continue
            verdict.missed += 1
            if placement.previous is not None:
                unplaced.add(placement.previous["ID"])
        for old in verdict.replace:
            self._replace(old)
        # a failed allocation stays if nothing could be placed instead
        self._decision.stop += [one for one in verdict.stop if one[0]["ID"] not in unplaced]
        self._decision.in_place += verdict.in_place

    def _replace(self, old: Json) -> None:
        job = self._decision.job or {}
        group = next(one for one in job["TaskGroups"] if one["Name"] == old["TaskGroup"])
        self._room.free(old)
        # a system job's replacement must be on the same node
        pinned = old["NodeID"] if job["Type"] in {"system", "sysbatch"} else ""
        if not self._find(Placement(group, old["Name"], previous=old, node_id=pinned), replaces=old):
            # without a replacement the old allocation keeps running, and keeps its room
            self._room.take(old["NodeID"], need_of(group), old["JobID"])

    def _find(self, placement: Placement, replaces: Json | None = None) -> bool:
        job, group = self._decision.job or {}, placement.group
        metric = self._room.metric(job, group, placement.node_id)
        node = self._room.find(job, group, placement.node_id)
        if node is None:
            self._miss(group["Name"], metric)
            return False
        self._room.take(node["ID"], need_of(group), job["ID"])
        # do not report full nodes if another node has room
        calm = {**metric, "DimensionExhausted": None, "NodesExhausted": 0}
        allocation = new_allocation(job, placement, node, self._evaluation, calm, self._timing)
        self._decision.placed.append(Placed(allocation, placement.canary, replaces or placement.previous))
        return True

    def _miss(self, group: str, metric: Json) -> None:
        self._decision.queued[group] += 1
        # Nomad explains the first failure of a group, and only counts the others
        known = self._decision.failed.get(group)
        coalesced = known["CoalescedFailures"] + 1 if known else 0
        verdict = self._decision.verdicts[group]
        if self._decision.is_system and verdict.wants_deployment and verdict.deployment_state:
            # such a node counts for no deployment
            verdict.deployment_state["DesiredTotal"] -= 1
        self._decision.failed[group] = {**(known or metric), "CoalescedFailures": coalesced}
