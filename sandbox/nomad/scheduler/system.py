"""System and sysbatch jobs: one allocation of each group on every node that fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.nomad.scheduler.situation import NOT_NEEDED, Placement, Situation, Verdict, fresh_state, name_of
from sandbox.nomad.scheduler.updates import DESTRUCTIVE, IN_PLACE, update_kind
from sandbox.nomad.status import health_of, is_stopping, terminal

if TYPE_CHECKING:
    from sandbox.nomad.records import Json


def system_verdict(situation: Situation, node_ids: list[str], *, in_reach: bool) -> Verdict:
    """The verdict on a system or sysbatch group on these nodes, with updates on `max_parallel` nodes at a time.

    `in_reach`: whether the job's datacenters and node pool have a node at all.
    """
    verdict = Verdict()
    by_node = {one["NodeID"]: one for one in situation.allocations if counts(one, situation.job)}
    destructive = allocations_to_replace(situation, by_node, node_ids, verdict)
    limit = wave(situation, list(by_node.values()), len(destructive))
    verdict.replace = destructive[:limit]
    # nodes without an allocation get one at once: waves are only for replacements
    held = situation.held
    missing = [] if held else [node for node in node_ids if node not in by_node]
    name = name_of(situation.job, situation.group, 0)
    verdict.place = [Placement(situation.group, name, node_id=node) for node in missing]
    # Nomad counts every node of a system job as a placement, and counts replacements regardless of waves
    verdict.counters["Place"] = len(node_ids) if situation.job["Type"] == "system" else len(missing)
    verdict.counters["DestructiveUpdate"] = len(destructive)
    conclude(situation, verdict, len(destructive) + len(verdict.in_place) + len(missing), in_reach=in_reach)
    return verdict


def counts(allocation: Json, job: Json) -> bool:
    """Whether an allocation counts for its node; a finished sysbatch allocation counts for its own specification."""
    if is_stopping(allocation):
        return False
    # a failed allocation counts, too: system jobs are not rescheduled elsewhere
    ours = allocation["Job"]["JobModifyIndex"] == job["JobModifyIndex"]
    return ours or not terminal(allocation)


def allocations_to_replace(
    situation: Situation, by_node: dict[str, Json], node_ids: list[str], verdict: Verdict
) -> list[Json]:
    """The allocations to replace; puts those to stop, change in place and ignore into the verdict."""
    destructive: list[Json] = []
    for node, allocation in by_node.items():
        kind = update_kind(allocation, situation.job)
        if node not in node_ids:
            verdict.stop.append((allocation, NOT_NEEDED))
            verdict.counters["Stop"] += 1
        elif kind == DESTRUCTIVE:
            destructive.append(allocation)
        elif kind == IN_PLACE:
            verdict.in_place.append(allocation)
            verdict.counters["InPlaceUpdate"] += 1
        else:
            verdict.counters["Ignore"] += 1
    return destructive


def wave(situation: Situation, running: list[Json], wanted: int) -> int:
    """How many allocations may be replaced now."""
    if situation.waves is None:
        return wanted
    if situation.held:
        return 0
    ours = (situation.deployment or {}).get("ID")
    undecided = [one for one in running if ours and one["DeploymentID"] == ours and not health_of(one)]
    return max(int(situation.waves["MaxParallel"]) - len(undecided), 0)


def conclude(situation: Situation, verdict: Verdict, total: int, *, in_reach: bool) -> None:
    """Fill in the deployment's part of the verdict. Does not simulate canaries of system jobs."""
    # one deployment for each version, also if no node fits: that one has succeeded at once
    had_one = any(had_deployment(past, situation.job) for past in situation.past_deployments.values())
    wants_one = situation.waves is not None and in_reach and not had_one
    state = situation.state or {**fresh_state(situation.waves), "DesiredTotal": total}
    verdict.deployment_state = state
    verdict.wants_deployment = situation.deployment is None and wants_one
    verdict.complete = has_settled(verdict)


def has_settled(verdict: Verdict) -> bool:
    """Whether nothing changes and all are healthy; a node that lacks room holds up no system job's deployment."""
    changing = verdict.replace or verdict.in_place or len(verdict.place) > verdict.missed
    state = verdict.deployment_state or {}
    return not changing and bool(state["HealthyAllocs"] >= state["DesiredTotal"])


def had_deployment(past: Json, job: Json) -> bool:
    """Whether a deployment was this version's."""
    return bool(past["JobVersion"] == job["Version"] and past["JobCreateIndex"] == job["CreateIndex"])
