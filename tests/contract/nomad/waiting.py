"""Waiting for what Nomad does in its own time.

Deadlines are generous and there is no upper bound on purpose: a test says what
happens, not how fast. A simulator may run its clock far ahead of ours.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

from tests.contract.nomad import jobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.nomad.client import Nomad

Json = dict[str, Any]
T = TypeVar("T")

PATIENCE_S = 120.0
PAUSE_S = 0.02

TERMINAL = {"successful", "failed", "cancelled"}


def eventually(probe: Callable[[], T], wanted: Callable[[T], object], what: str, within: float = PATIENCE_S) -> T:
    """The first answer of `probe` that is `wanted`."""
    deadline = time.monotonic() + within
    while True:
        seen = probe()
        if wanted(seen):
            return seen
        assert time.monotonic() < deadline, f"waited {within:.0f} s for {what}; last saw {seen!r}"
        time.sleep(PAUSE_S)


def register_job(nomad: Nomad, job: Json, **extra: Any) -> Json:
    """Register `job` and answer the version that this made; of a no-op, the version that is there.

    By its index: Nomad may have reverted a bad version before we look.
    """
    index = nomad.register(job, **extra).ok()["JobModifyIndex"]
    versions = nomad.versions(job["ID"]).ok()["Versions"]
    return next((one for one in versions if one["JobModifyIndex"] == index), versions[0])


def finished_evaluation(nomad: Nomad, eval_id: str) -> Json:
    """The evaluation, once the scheduler is done with it."""
    return eventually(
        lambda: nomad.evaluation(eval_id).ok(),
        lambda evaluation: evaluation["Status"] != "pending",
        f"evaluation {eval_id} to be processed",
    )


def deployment_of(nomad: Nomad, job: Json) -> Json:
    """The deployment of exactly this registration of the job."""

    def ours() -> Json | None:
        every = nomad.deployments_of(job["ID"]).ok()
        same = [one for one in every if one["JobSpecModifyIndex"] == job["JobModifyIndex"]]
        return same[0] if same else None

    found = eventually(ours, bool, f"a deployment of {job['ID']} version {job['Version']}")
    assert found is not None
    return found


def deployment_when(nomad: Nomad, deployment_id: str, wanted: Callable[[Json], object], what: str) -> Json:
    return eventually(lambda: nomad.deployment(deployment_id).ok(), wanted, what)


def final_deployment(nomad: Nomad, deployment_id: str) -> Json:
    """The deployment, once it is over."""
    return deployment_when(nomad, deployment_id, lambda one: one["Status"] in TERMINAL, f"{deployment_id} to end")


def deploy_job(nomad: Nomad, job: Json) -> Json:
    """Register `job`, see its deployment succeed, and answer the job as it then is."""
    now = register_job(nomad, job)
    end = final_deployment(nomad, deployment_of(nomad, now)["ID"])
    assert end["Status"] == "successful", end["StatusDescription"]
    return eventually(lambda: nomad.job(job["ID"]).ok(), lambda one: one["Stable"], "the job to be stable")


def allocations_when(nomad: Nomad, job_id: str, wanted: Callable[[list[Json]], object], what: str) -> list[Json]:
    return eventually(lambda: nomad.allocations(job_id).ok(), wanted, what)


def running_allocations(nomad: Nomad, job_id: str, count: int) -> list[Json]:
    """The job's running allocations, once there are `count` of them."""

    def alive() -> list[Json]:
        every = nomad.allocations(job_id).ok()
        return [one for one in every if one["ClientStatus"] == "running" and one["DesiredStatus"] == "run"]

    return eventually(alive, lambda some: len(some) == count, f"{count} running allocations")


def counters(deployment: Json) -> Json:
    return deployment["TaskGroups"][jobs.GROUP]


def wait_for_canary(nomad: Nomad, job: Json) -> Json:
    """The deployment of `job`, once its canary is placed."""
    return deployment_when(
        nomad, deployment_of(nomad, job)["ID"], lambda one: counters(one)["PlacedCanaries"], "a canary"
    )


def wait_for_healthy_canary(nomad: Nomad, job: Json) -> Json:
    return deployment_when(
        nomad, wait_for_canary(nomad, job)["ID"], lambda one: counters(one)["HealthyAllocs"] == 1, "a healthy canary"
    )


def undecided_canary(nomad: Nomad, job_id: str, **update: object) -> Json:
    """Run version 0, then register a version 1 whose canary stays undecided."""
    deploy_job(nomad, jobs.service(job_id, count=2, update={"MaxParallel": 2}))
    change = jobs.undecided_service(job_id, count=2, env={"A": "1"}, update={"Canary": 1, **update})
    return wait_for_canary(nomad, register_job(nomad, change))


def healthy_canary(nomad: Nomad, job_id: str) -> Json:
    """Run version 0, then register a version 1 whose canary gets healthy."""
    deploy_job(nomad, jobs.service(job_id, count=2, update={"MaxParallel": 2}))
    change = jobs.service(job_id, count=2, env={"A": "1"}, update={"Canary": 1})
    return wait_for_healthy_canary(nomad, register_job(nomad, change))


def of_version(allocations: list[Json], version: int) -> list[Json]:
    return [one for one in allocations if one["JobVersion"] == version]
