"""What Nomad calls a job: pending, running or dead; and which allocations and evaluations are over."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.nomad.records import Json

ENDED_ON_CLIENT = frozenset({"complete", "failed", "lost"})
ENDED_DEPLOYMENTS = frozenset({"failed", "successful", "cancelled"})
ACTIVE_DEPLOYMENTS = frozenset({"running", "paused"})


def ended_on_client(allocation: Json) -> bool:
    """Whether nothing of it runs any more."""
    return allocation["ClientStatus"] in ENDED_ON_CLIENT


def is_stopping(allocation: Json) -> bool:
    """Whether the scheduler no longer wants it."""
    return allocation["DesiredStatus"] in {"stop", "evict"}


def terminal(allocation: Json) -> bool:
    """Whether it is over, or is about to be."""
    return is_stopping(allocation) or ended_on_client(allocation)


def health_of(allocation: Json) -> bool | None:
    """What its deployment knows of it: healthy, unhealthy, or nothing yet."""
    known = allocation["DeploymentStatus"]
    return known["Healthy"] if known else None


def is_canary(allocation: Json) -> bool:
    """Whether it was placed as a canary."""
    return bool(allocation["DeploymentStatus"] and allocation["DeploymentStatus"]["Canary"])


def starts_nothing(job: Json) -> bool:
    """Whether registering the job runs nothing: periodic and parameterized jobs only make children."""
    return bool(job.get("Periodic")) or (bool(job.get("ParameterizedJob")) and not job.get("Dispatched"))


def job_status(job: Json, allocations: Iterable[Json], evaluations: Iterable[Json]) -> str:
    """The job's Status, from what runs and what the scheduler still has to do."""
    if job["Stop"] and (job["Type"] == "system" or starts_nothing(job)):
        return "dead"
    if job["Type"] == "system" or starts_nothing(job):
        return "running"
    # what is told to stop no longer counts, so a stopped job is dead before its processes are
    if any(not terminal(allocation) for allocation in allocations):
        return "running"
    statuses = {evaluation["Status"] for evaluation in evaluations}
    if "pending" in statuses:
        return "pending"
    # one that waits for room counts as running: seen on an agent, whatever one may think of it
    return "running" if "blocked" in statuses else "dead"
