"""Checks 26 to 29 and 36: canaries, their promotion, and pauses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.contract.nomad import jobs
from tests.contract.nomad.jobs import GROUP
from tests.contract.nomad.waiting import (
    allocations_when,
    counters,
    deploy_job,
    deployment_of,
    final_deployment,
    finished_evaluation,
    healthy_canary,
    of_version,
    register_job,
    running_allocations,
    undecided_canary,
)

if TYPE_CHECKING:
    from tests.contract.nomad.client import Nomad


def test_c26_canary_waits_for_its_promotion(nomad: Nomad, job_id: str) -> None:
    deployment = undecided_canary(nomad, job_id)
    assert deployment["Status"] == "running"
    assert deployment["StatusDescription"].endswith("requires manual promotion")
    assert counters(deployment)["DesiredCanaries"] == 1
    assert counters(deployment)["Promoted"] is False
    canaries = of_version(nomad.allocations(job_id).ok(), 1)
    assert [one["ID"] for one in canaries] == counters(deployment)["PlacedCanaries"]


def test_c26_promotion_before_health_is_refused(nomad: Nomad, job_id: str) -> None:
    deployment = undecided_canary(nomad, job_id)
    reply = nomad.promote(deployment["ID"])
    reply.refused(500, f'Task group "{GROUP}" has 0/1 healthy allocations')


def test_c26_promotion_of_a_healthy_canary_finishes_the_job(nomad: Nomad, job_id: str) -> None:
    deployment = healthy_canary(nomad, job_id)
    answer = nomad.promote(deployment["ID"]).ok()
    assert answer["EvalID"]
    assert counters(nomad.deployment(deployment["ID"]).ok())["Promoted"] is True
    assert final_deployment(nomad, deployment["ID"])["Status"] == "successful"
    assert {one["JobVersion"] for one in running_allocations(nomad, job_id, 2)} == {1}


def test_c26_healthy_canary_alone_replaces_nothing(nomad: Nomad, job_id: str) -> None:
    healthy_canary(nomad, job_id)
    versions = sorted(one["JobVersion"] for one in running_allocations(nomad, job_id, 3))
    assert versions == [0, 0, 1]


def test_c27_promotion_of_an_unknown_group_is_a_200_that_does_nothing(nomad: Nomad, job_id: str) -> None:
    deployment = healthy_canary(nomad, job_id)
    nomad.promote(deployment["ID"], ["no-such-group"]).ok()
    assert counters(nomad.deployment(deployment["ID"]).ok())["Promoted"] is False


def test_c28_automatic_promotion_says_so(nomad: Nomad, job_id: str) -> None:
    deployment = undecided_canary(nomad, job_id, AutoPromote=True)
    assert deployment["StatusDescription"].endswith("pending automatic promotion")


def test_c28_automatic_promotion_happens_by_itself(nomad: Nomad, job_id: str) -> None:
    deploy_job(nomad, jobs.service(job_id))
    change = jobs.service(job_id, env={"A": "1"}, update={"Canary": 1, "AutoPromote": True})
    end = final_deployment(nomad, deployment_of(nomad, register_job(nomad, change))["ID"])
    assert end["Status"] == "successful"
    assert counters(end)["Promoted"] is True


def test_c29_failing_a_canary_leaves_the_old_version_running(nomad: Nomad, job_id: str) -> None:
    deployment = undecided_canary(nomad, job_id)
    nomad.fail(deployment["ID"]).ok()
    end = final_deployment(nomad, deployment["ID"])
    assert (end["Status"], end["StatusDescription"]) == ("failed", "Deployment marked as failed")
    allocations_when(
        nomad,
        job_id,
        lambda every: {one["DesiredStatus"] for one in of_version(every, 1)} == {"stop"},
        "the canary to be stopped",
    )
    assert {one["JobVersion"] for one in running_allocations(nomad, job_id, 2)} == {0}
    assert nomad.job(job_id).ok()["Version"] == 1


def test_c36_paused_deployment_places_nothing_until_resumed(nomad: Nomad, job_id: str) -> None:
    deployment = healthy_canary(nomad, job_id)["ID"]
    nomad.pause(deployment, pause=True).ok()
    paused = nomad.deployment(deployment).ok()
    assert (paused["Status"], paused["StatusDescription"]) == ("paused", "Deployment is paused")
    nomad.promote(deployment).ok()
    finished_evaluation(nomad, nomad.evaluate(job_id).ok()["EvalID"])
    still = nomad.deployment(deployment).ok()
    assert still["Status"] == "paused"
    assert counters(still)["PlacedAllocs"] == 1
    nomad.pause(deployment, pause=False).ok()
    assert final_deployment(nomad, deployment)["Status"] == "successful"
    assert {one["JobVersion"] for one in running_allocations(nomad, job_id, 2)} == {1}
