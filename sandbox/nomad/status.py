"""The status of jobs (pending, running or dead), and whether allocations have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.nomad.records import Json

ENDED_ON_CLIENT = frozenset({"complete", "failed", "lost"})
ENDED_DEPLOYMENTS = frozenset({"failed", "successful", "cancelled"})
ACTIVE_DEPLOYMENTS = frozenset({"running", "paused"})


def ended_on_client(allocation: Json) -> bool:
    """Whether all tasks of the allocation have ended."""
    return allocation["ClientStatus"] in ENDED_ON_CLIENT


def is_stopping(allocation: Json) -> bool:
    """Whether the scheduler has decided to stop the allocation."""
    return allocation["DesiredStatus"] in {"stop", "evict"}


def terminal(allocation: Json) -> bool:
    """Whether the allocation has ended or is about to end."""
    return is_stopping(allocation) or ended_on_client(allocation)


def health_of(allocation: Json) -> bool | None:
    """The allocation's health in its deployment; None if it is not known yet."""
    known = allocation["DeploymentStatus"]
    return known["Healthy"] if known else None


def is_canary(allocation: Json) -> bool:
    """Whether the allocation was placed as a canary."""
    return bool(allocation["DeploymentStatus"] and allocation["DeploymentStatus"]["Canary"])


def starts_nothing(job: Json) -> bool:
    """Whether a register of the job starts nothing: periodic and parameterized jobs only create children."""
    return bool(job.get("Periodic")) or (bool(job.get("ParameterizedJob")) and not job.get("Dispatched"))


def job_status(job: Json, allocations: Iterable[Json], evaluations: Iterable[Json]) -> str:
    """The job's Status, from its allocations and its evaluations."""
    if job["Stop"] and (job["Type"] == "system" or starts_nothing(job)):
        return "dead"
    if job["Type"] == "system" or starts_nothing(job):
        return "running"
    # stopping allocations do not count, so a stopped job is dead before its processes are
    if any(not terminal(allocation) for allocation in allocations):
        return "running"
    statuses = {evaluation["Status"] for evaluation in evaluations}
    if "pending" in statuses:
        return "pending"
    # a blocked evaluation counts as running, as a real agent shows
    return "running" if "blocked" in statuses else "dead"
