"""Checks 30, 31, 39 and 40: versions that come back, by auto-revert, by revert and beside a tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.nomad import jobs
from tests.contract.nomad.jobs import BAD
from tests.contract.nomad.waiting import (
    counters,
    deploy_job,
    deployment_of,
    deployment_when,
    eventually,
    final_deployment,
    register_job,
    running_allocations,
)

if TYPE_CHECKING:
    from tests.contract.nomad.client import Json, Nomad


def command_of(job: Json) -> str:
    return job["TaskGroups"][0]["Tasks"][0]["Config"]["command"]


def test_c30_auto_revert_registers_the_stable_version_again(nomad: Nomad, job_id: str) -> None:
    update = {"AutoRevert": True}
    deploy_job(nomad, jobs.service(job_id, update=update))
    bad = deployment_of(nomad, register_job(nomad, jobs.service(job_id, BAD, update=update)))
    end = final_deployment(nomad, bad["ID"])
    assert end["Status"] == "failed"
    assert end["StatusDescription"].endswith(" - rolling back to job version 0")
    after = eventually(lambda: nomad.job(job_id).ok(), lambda one: one["Version"] == 2, "v2")
    assert command_of(after) == jobs.GOOD.path
    assert after["Stable"] is True


def test_c30_auto_revert_hides_the_failure_from_the_latest_deployment(nomad: Nomad, job_id: str) -> None:
    update = {"AutoRevert": True}
    deploy_job(nomad, jobs.service(job_id, update=update))
    bad = deployment_of(nomad, register_job(nomad, jobs.service(job_id, BAD, update=update)))
    final_deployment(nomad, bad["ID"])
    latest = eventually(
        lambda: nomad.latest_deployment(job_id).ok(),
        lambda one: one["ID"] != bad["ID"],
        "the deployment of the reverted job",
    )
    assert final_deployment(nomad, latest["ID"])["Status"] == "successful"


def test_c30_auto_revert_to_a_version_with_canaries_waits_for_promotion(nomad: Nomad, job_id: str) -> None:
    careful = {"AutoRevert": True, "Canary": 1}
    deploy_job(nomad, jobs.service(job_id, count=2, update={**careful, "MaxParallel": 2}))
    change = jobs.service(job_id, BAD, count=2, update={"AutoRevert": True})
    bad = deployment_of(nomad, register_job(nomad, change))
    final_deployment(nomad, bad["ID"])
    latest = eventually(
        lambda: nomad.latest_deployment(job_id).ok(),
        lambda one: one["ID"] != bad["ID"],
        "the deployment of the reverted job",
    )
    assert latest["StatusDescription"].endswith("requires manual promotion")
    running_allocations(nomad, job_id, 2)
    deployment_when(nomad, latest["ID"], lambda one: counters(one)["HealthyAllocs"] == 2, "health")
    nomad.promote(latest["ID"]).ok()
    assert final_deployment(nomad, latest["ID"])["Status"] == "successful"


def test_c31_auto_revert_without_a_stable_version(nomad: Nomad, job_id: str) -> None:
    job = register_job(nomad, jobs.service(job_id, BAD, update={"AutoRevert": True}))
    end = final_deployment(nomad, deployment_of(nomad, job)["ID"])
    assert end["Status"] == "failed"
    assert end["StatusDescription"].endswith(" - no stable job version to auto revert to")
    assert nomad.job(job_id).ok()["Version"] == 0


def two_versions(nomad: Nomad, job_id: str) -> None:
    deploy_job(nomad, jobs.service(job_id, env={"A": "old"}))
    deploy_job(nomad, jobs.service(job_id, env={"A": "new"}))


def test_c39_revert_registers_the_old_spec_as_a_new_version(nomad: Nomad, job_id: str) -> None:
    two_versions(nomad, job_id)
    nomad.revert(job_id, 0).ok()
    after = nomad.job(job_id).ok()
    assert after["Version"] == 2
    assert after["TaskGroups"][0]["Tasks"][0]["Env"] == {"A": "old"}
    assert final_deployment(nomad, deployment_of(nomad, after)["ID"])["Status"] == "successful"
    eventually(lambda: nomad.job(job_id).ok(), lambda one: one["Stable"], "stable")


def test_c39_reverted_version_is_not_stable_before_its_deployment(nomad: Nomad, job_id: str) -> None:
    register_job(nomad, jobs.undecided_service(job_id, env={"A": "old"}))
    register_job(nomad, jobs.undecided_service(job_id, env={"A": "new"}))
    nomad.revert(job_id, 0).ok()
    assert nomad.job(job_id).ok()["Stable"] is False


def test_c39_revert_is_refused(nomad: Nomad, job_id: str) -> None:
    register_job(nomad, jobs.service(job_id, count=0))
    register_job(nomad, jobs.service(job_id, count=0, env={"A": "1"}))
    nomad.revert(job_id, 1).refused(500, "can't revert to current version")
    wrong = nomad.revert(job_id, 0, prior=7)
    wrong.refused(500, "Current job has version 1; enforcing version 7")
    nomad.revert(job_id, 77).refused(500, "at version 77 not found")
    assert nomad.job(job_id).ok()["Version"] == 1


@pytest.mark.since("1.9.0")
def test_c40_same_spec_as_a_tagged_version_is_a_new_version(nomad: Nomad, job_id: str) -> None:
    job = jobs.service(job_id, count=0)
    before = register_job(nomad, job)
    nomad.tag(job_id, "golden", before["Version"]).ok()
    assert nomad.plan(job).ok()["Diff"]["Type"] == "None"
    assert register_job(nomad, job)["Version"] == before["Version"] + 1
