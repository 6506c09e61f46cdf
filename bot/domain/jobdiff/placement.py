"""Why an allocation could not be placed, in words, from Nomad's AllocMetric (docs/nomad.md, "Failed placements")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.domain.deploy.plan import Job

_NEEDS = {"memory": ("MemoryMB", "MB memory"), "cpu": ("CPU", "MHz cpu"), "cores": ("Cores", "cpu cores")}
_NO_REASON = "Nomad gives no reason"
EVERY_NODE = frozenset({"system", "sysbatch"})
"""The types of job of which every fitting node runs one allocation of each group."""
_CACHED = "computed class ineligible"


def unplaced(group: str, metric: Mapping[str, Any], job: Job | None) -> str:
    """``web: 2 cannot be placed: needs 6000 MB memory; 2 of 2 nodes exhausted``.

    ``job`` is the specification that should be placed; without it the sentence names no amounts.
    """
    return f"{group}: {why_unplaced(group, metric, job)}"


def why_unplaced(group: str, metric: Mapping[str, Any], job: Job | None) -> str:
    """The sentence without the group; for a job that runs on every node it counts nodes instead of allocations.

    ``1 of 2 nodes cannot run it: needs 350 MB memory``, or ``constraint ${node.class} = gpu rules out 2 of 2 nodes``.
    """
    if (job or {}).get("Type") in EVERY_NODE:
        return _why_not_everywhere(group, metric, job)
    reasons = "; ".join(_reasons(group, metric, job)) or _NO_REASON
    return f"{how_many(metric)} cannot be placed: {reasons}"


def how_many(metric: Mapping[str, Any]) -> int:
    """How many allocations could not be placed; of a job that runs on every node, on how many nodes."""
    return int(metric.get("CoalescedFailures") or 0) + 1


def _why_not_everywhere(group: str, metric: Mapping[str, Any], job: Job | None) -> str:
    # Nomad tries each node by itself: the metric is of the first one that failed, and counts the others
    lack = [_need(group, dimension, job) for dimension in sorted(metric.get("DimensionExhausted") or {})]
    lack += _quotas(metric)
    if not lack:
        return "; ".join(_ruled_out(metric)) or _NO_REASON
    number = how_many(metric)
    total = max(number, sum((metric.get("NodesAvailable") or {}).values()))
    return f"{number} of {total} {_nodes(total)} cannot run it: {'; '.join(lack)}"


def _reasons(group: str, metric: Mapping[str, Any], job: Job | None) -> Iterator[str]:
    evaluated = int(metric.get("NodesEvaluated") or 0)
    exhausted = int(metric.get("NodesExhausted") or 0)
    if not evaluated:
        yield _no_node(metric)
    for dimension in sorted(metric.get("DimensionExhausted") or {}):
        yield _need(group, dimension, job)
    if exhausted:
        yield f"{exhausted} of {evaluated} {_nodes(evaluated)} exhausted"
    yield from _ruled_out(metric)
    yield from _quotas(metric)


def _ruled_out(metric: Mapping[str, Any]) -> Iterator[str]:
    evaluated = int(metric.get("NodesEvaluated") or 0)
    constraints = sorted((metric.get("ConstraintFiltered") or {}).items())
    for constraint, nodes in constraints:
        said = "its constraints rule out" if constraint == _CACHED else f"constraint {constraint} rules out"
        yield f"{said} {nodes} of {evaluated} {_nodes(evaluated)}"
    # Nomad counts the nodes that a constraint rules out by their class, too
    for node_class, nodes in sorted((metric.get("ClassFiltered") or {}).items()) if not constraints else ():
        yield f"node class {node_class} rules out {nodes} of {evaluated} {_nodes(evaluated)}"


def _quotas(metric: Mapping[str, Any]) -> list[str]:
    return [f"quota {quota} is used up" for quota in metric.get("QuotaExhausted") or ()]


def _no_node(metric: Mapping[str, Any]) -> str:
    empty = sorted(name for name, nodes in (metric.get("NodesAvailable") or {}).items() if not nodes)
    pool = metric.get("NodePool")
    where = f" in {', '.join(empty)}" if empty else ""
    return f"no node{where} is ready" + (f" in node pool {pool}" if pool and pool != "default" else "")


def _nodes(count: int) -> str:
    return "node" if count == 1 else "nodes"


def _need(group: str, dimension: str, job: Job | None) -> str:
    wanted = _wanted(group, dimension, job)
    if not wanted:
        return f"{dimension} is exhausted"
    return f"needs {wanted} {_NEEDS[dimension][1] if dimension in _NEEDS else 'MB disk'}"


def _wanted(group: str, dimension: str, job: Job | None) -> int:
    """How much of a resource one allocation of the group requests; 0 if that is not known."""
    spec = next((each for each in (job or {}).get("TaskGroups") or () if each["Name"] == group), None)
    if spec is None:
        return 0
    if dimension == "disk":
        return int((spec.get("EphemeralDisk") or {}).get("SizeMB") or 0)
    if dimension not in _NEEDS:
        return 0
    field = _NEEDS[dimension][0]
    return sum(int((task.get("Resources") or {}).get(field) or 0) for task in spec.get("Tasks") or ())
