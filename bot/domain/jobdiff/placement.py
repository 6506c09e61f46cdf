"""Why an allocation could not be placed, in words, from Nomad's AllocMetric (docs/nomad.md, "Failed placements")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.domain.deploy.plan import Job

_NEEDS = {"memory": ("MemoryMB", "MB memory"), "cpu": ("CPU", "MHz cpu"), "cores": ("Cores", "cpu cores")}
_CACHED = "computed class ineligible"


def unplaced(group: str, metric: Mapping[str, Any], job: Job | None) -> str:
    """``web: 2 cannot be placed: needs 6000 MB memory; 2 of 2 nodes exhausted``.

    ``job`` is the specification that should be placed; without it the sentence names no amounts.
    """
    count = int(metric.get("CoalescedFailures") or 0) + 1
    reasons = list(_reasons(group, metric, job))
    return f"{group}: {count} cannot be placed: {'; '.join(reasons) or 'Nomad gives no reason'}"


def _reasons(group: str, metric: Mapping[str, Any], job: Job | None) -> Iterator[str]:
    evaluated = int(metric.get("NodesEvaluated") or 0)
    exhausted = int(metric.get("NodesExhausted") or 0)
    if not evaluated:
        yield _no_node(metric)
    for dimension in sorted(metric.get("DimensionExhausted") or {}):
        yield _need(group, dimension, job)
    if exhausted:
        yield f"{exhausted} of {evaluated} {_nodes(evaluated)} exhausted"
    for constraint, nodes in sorted((metric.get("ConstraintFiltered") or {}).items()):
        said = "its constraints rule out" if constraint == _CACHED else f"constraint {constraint} rules out"
        yield f"{said} {nodes} of {evaluated} {_nodes(evaluated)}"
    for node_class, nodes in sorted((metric.get("ClassFiltered") or {}).items()):
        yield f"node class {node_class} rules out {nodes} of {evaluated} {_nodes(evaluated)}"
    for quota in metric.get("QuotaExhausted") or ():
        yield f"quota {quota} is used up"


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
