"""Checks 24, 25, 32 to 35, 37, 38 and 41: what deployments do, how they end, and which jobs have none."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.contract.nomad import jobs
from tests.contract.nomad.jobs import BAD, GROUP, PATIENT_RESCHEDULE
from tests.contract.nomad.waiting import (
    allocations_when,
    counters,
    deploy_job,
    deployment_of,
    deployment_when,
    eventually,
    final_deployment,
    finished_evaluation,
    of_version,
    register_job,
    undecided_canary,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.nomad.client import Json, Nomad


LARGEST_SEARCHED_MB = 2**24


HOG_COUNT = 20


def test_c24_first_deploy_succeeds_and_makes_the_job_stable(nomad: Nomad, job_id: str) -> None:
    answer = nomad.register(jobs.service(job_id, count=2, update={"MaxParallel": 2})).ok()
    before = nomad.job(job_id).ok()
    assert finished_evaluation(nomad, answer["EvalID"])["Status"] == "complete"
    end = final_deployment(nomad, deployment_of(nomad, before)["ID"])
    assert end["Status"] == "successful"
    assert end["StatusDescription"] == "Deployment completed successfully"
    assert (counters(end)["HealthyAllocs"], counters(end)["DesiredTotal"]) == (2, 2)
    after = eventually(lambda: nomad.job(job_id).ok(), lambda one: one["Stable"], "stable")
    assert after["ModifyIndex"] > before["ModifyIndex"]
    assert after["JobModifyIndex"] == before["JobModifyIndex"] == answer["JobModifyIndex"]


@pytest.mark.since("2.0.5")
def test_c24_evaluation_names_the_deployment_it_made(nomad: Nomad, job_id: str) -> None:
    answer = nomad.register(jobs.service(job_id)).ok()
    evaluation = finished_evaluation(nomad, answer["EvalID"])
    deployment = nomad.deployment(evaluation["DeploymentID"]).ok()
    assert deployment["JobSpecModifyIndex"] == answer["JobModifyIndex"]


def test_c25_rolling_update_starts_the_next_when_the_last_is_healthy(nomad: Nomad, job_id: str) -> None:
    deploy_job(nomad, jobs.service(job_id, count=3, update={"MaxParallel": 3}))
    now = register_job(nomad, jobs.service(job_id, count=3, env={"A": "1"}))
    seen: list[Json] = []

    def over(deployment: Json) -> bool:
        seen.append(counters(deployment))
        return deployment["Status"] == "successful"

    deployment_when(nomad, deployment_of(nomad, now)["ID"], over, "the rolling update")
    assert all(one["PlacedAllocs"] - one["HealthyAllocs"] <= 1 for one in seen)
    assert seen[-1]["PlacedAllocs"] == seen[-1]["HealthyAllocs"] == 3


def test_c25_rolling_update_by_the_servers_own_times(nomad: Nomad, job_id: str) -> None:
    deploy_job(nomad, jobs.service(job_id, count=3, update={"MaxParallel": 3}))
    now = register_job(nomad, jobs.service(job_id, count=3, env={"A": "1"}))
    final_deployment(nomad, deployment_of(nomad, now)["ID"])
    every = nomad.allocations(job_id).ok()
    fresh = sorted(of_version(every, 1), key=lambda one: one["CreateIndex"])
    assert len(fresh) == 3
    for last, following in pairwise(fresh):
        healthy_at = nomad.allocation(last["ID"]).ok()["DeploymentStatus"]["ModifyIndex"]
        assert following["CreateIndex"] > healthy_at
    assert {one["DesiredStatus"] for one in of_version(every, 0)} == {"stop"}


@pytest.mark.realtime
def test_c32_task_that_never_gets_healthy_meets_the_progress_deadline(nomad: Nomad, job_id: str) -> None:
    job = register_job(nomad, jobs.service(job_id, BAD, reschedule=PATIENT_RESCHEDULE, update=jobs.IMPATIENT_UPDATE))
    end = final_deployment(nomad, deployment_of(nomad, job)["ID"])
    assert end["Status"] == "failed"
    assert end["StatusDescription"] == "Failed due to progress deadline"
    assert end["ModifyTime"] - end["CreateTime"] >= jobs.IMPATIENT_UPDATE["ProgressDeadline"]


@pytest.mark.since("1.6.0")
def test_c32_task_out_of_attempts_fails_its_deployment_early(nomad: Nomad, job_id: str) -> None:
    job = register_job(nomad, jobs.service(job_id, BAD, update={"ProgressDeadline": 20 * jobs.MINUTE}))
    end = final_deployment(nomad, deployment_of(nomad, job)["ID"])
    assert end["Status"] == "failed"
    assert end["StatusDescription"] == "Failed due to unhealthy allocations"
    assert counters(end)["UnhealthyAllocs"] == 1


def test_c32_failed_allocation_says_why(nomad: Nomad, job_id: str) -> None:
    register_job(nomad, jobs.service(job_id, BAD))
    failed = allocations_when(
        nomad, job_id, lambda every: any(one["ClientStatus"] == "failed" for one in every), "a failed allocation"
    )[0]
    state = nomad.allocation(failed["ID"]).ok()["TaskStates"][jobs.TASK]
    assert (state["State"], state["Failed"]) == ("dead", True)
    ends = [event for event in state["Events"] if event["Type"] == "Terminated"]
    assert ends[-1]["ExitCode"] == 1
    assert ends[-1]["DisplayMessage"].startswith("Exit Code: 1")


def test_c33_newer_version_cancels_the_deployment(nomad: Nomad, job_id: str) -> None:
    deployment = undecided_canary(nomad, job_id)
    newer = jobs.undecided_service(job_id, count=2, env={"A": "2"}, update={"Canary": 1})
    register_job(nomad, newer)
    end = final_deployment(nomad, deployment["ID"])
    assert end["Status"] == "cancelled"
    assert end["StatusDescription"] == "Cancelled due to newer version of job"


def test_c34_stop_cancels_the_deployment(nomad: Nomad, job_id: str) -> None:
    before = register_job(nomad, jobs.undecided_service(job_id))
    deployment = deployment_of(nomad, before)
    assert nomad.stop(job_id).ok()["EvalID"]
    end = final_deployment(nomad, deployment["ID"])
    assert end["Status"] == "cancelled"
    assert end["StatusDescription"] == "Cancelled because job is stopped"
    after = eventually(lambda: nomad.job(job_id).ok(), lambda one: one["Status"] == "dead", "dead")
    assert after["Stop"] is True
    assert after["Version"] == before["Version"] + 1
    assert after["JobModifyIndex"] > before["JobModifyIndex"]


def test_c34_every_stop_is_a_version(nomad: Nomad, job_id: str) -> None:
    register_job(nomad, jobs.service(job_id, count=0))
    nomad.stop(job_id).ok()
    nomad.stop(job_id).ok()
    assert nomad.job(job_id).ok()["Version"] == 2


def test_c34_stop_of_a_missing_job_is_a_200_without_an_evaluation(nomad: Nomad, job_id: str) -> None:
    assert nomad.stop(job_id).ok()["EvalID"] == ""
    assert nomad.stop(job_id, purge=True).ok()["EvalID"] == ""


def test_c35_ended_deployment_refuses_every_verb(nomad: Nomad, job_id: str) -> None:
    job = deploy_job(nomad, jobs.service(job_id))
    ended = deployment_of(nomad, job)["ID"]
    nomad.promote(ended).refused(500, "can't promote terminal deployment")
    nomad.fail(ended).refused(500, "can't fail terminal deployment")
    nomad.pause(ended, pause=True).refused(500, "can't pause terminal deployment")
    nomad.pause(ended, pause=False).refused(500, "can't resume terminal deployment")


def test_c35_unknown_deployment(nomad: Nomad) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    nomad.deployment(unknown).refused(404, "deployment not found")
    for reply in (nomad.promote(unknown), nomad.fail(unknown), nomad.pause(unknown, pause=True)):
        reply.refused(500, "deployment not found")


def largest_memory(nomad: Nomad, job_id: str) -> int:
    """The most memory, in MB, that an allocation can be placed with now."""
    fits, fails = jobs.MEMORY_MB, LARGEST_SEARCHED_MB
    while fails - fits > fails // 100:
        middle = (fits + fails) // 2
        plan = nomad.plan(jobs.service(job_id, memory=middle)).ok()
        fits, fails = (fits, middle) if plan["FailedTGAllocs"] else (middle, fails)
    return fits


def test_c37_deployment_without_capacity_never_ends(nomad: Nomad, job_id: str) -> None:
    job = jobs.service(job_id, memory=jobs.IMPOSSIBLE_MEMORY_MB)
    answer = nomad.register(job).ok()
    evaluation = finished_evaluation(nomad, answer["EvalID"])
    assert evaluation["Status"] == "complete"
    assert evaluation["BlockedEval"]
    assert evaluation["QueuedAllocations"] == {GROUP: 1}
    assert evaluation["FailedTGAllocs"][GROUP]["DimensionExhausted"]["memory"] >= 1
    assert nomad.evaluation(evaluation["BlockedEval"]).ok()["Status"] == "blocked"
    deployment = deployment_of(nomad, nomad.job(job_id).ok())
    assert deployment["Status"] == "running"
    assert counters(deployment)["RequireProgressBy"] is None
    assert counters(deployment)["PlacedAllocs"] == 0


def test_c37_freed_capacity_lets_the_deployment_finish(nomad: Nomad, new_id: Callable[[], str]) -> None:
    hog, waiting = new_id(), new_id()
    memory = largest_memory(nomad, hog) * 6 // 10
    filler = jobs.service(hog, count=HOG_COUNT, memory=memory, update={"MaxParallel": 0})
    finished_evaluation(nomad, nomad.register(filler).ok()["EvalID"])
    answer = nomad.register(jobs.service(waiting, memory=memory)).ok()
    assert finished_evaluation(nomad, answer["EvalID"])["BlockedEval"]
    nomad.stop(hog, purge=True).ok()
    deployment = deployment_of(nomad, nomad.job(waiting).ok())
    assert final_deployment(nomad, deployment["ID"])["Status"] == "successful"


def test_c38_the_failed_spec_again_deploys_nothing(nomad: Nomad, job_id: str) -> None:
    job = jobs.service(job_id, BAD)
    before = register_job(nomad, job)
    final_deployment(nomad, deployment_of(nomad, before)["ID"])
    finished_evaluation(nomad, nomad.register(job).ok()["EvalID"])
    statuses = [one["Status"] for one in nomad.deployments_of(job_id).ok()]
    assert statuses == ["failed"]
    assert nomad.job(job_id).ok()["Version"] == before["Version"]


@pytest.mark.parametrize("kind", ["none wanted", "no waves", "batch", "sysbatch"])
def test_c41_kinds_without_a_deployment(nomad: Nomad, job_id: str, kind: str) -> None:
    job = {
        "none wanted": jobs.service(job_id, count=0),
        "no waves": jobs.service(job_id, update={"MaxParallel": 0}),
        "batch": jobs.batch(job_id),
        "sysbatch": jobs.sysbatch(job_id),
    }[kind]
    finished_evaluation(nomad, nomad.register(job).ok()["EvalID"])
    assert nomad.latest_deployment(job_id).ok() is None
    assert nomad.deployments_of(job_id).ok() == []


@pytest.mark.parametrize("build", [jobs.periodic, jobs.parameterized])
def test_c41_kinds_without_an_evaluation(nomad: Nomad, job_id: str, build: Callable[[str], Json]) -> None:
    assert nomad.register(build(job_id)).ok()["EvalID"] == ""
    assert nomad.evaluations(job_id).ok() == []
    assert nomad.latest_deployment(job_id).ok() is None


@pytest.mark.since("1.11.0")
def test_c41_system_job_has_a_deployment(nomad: Nomad, job_id: str) -> None:
    job = {**jobs.service(job_id), "Type": "system"}
    del job["TaskGroups"][0]["ReschedulePolicy"]
    end = final_deployment(nomad, deployment_of(nomad, register_job(nomad, job))["ID"])
    assert end["Status"] == "successful"
