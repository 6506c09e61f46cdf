"""Checks 45 and 46: the versions that Nomad keeps, tags, and a purge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.nomad import jobs
from tests.contract.nomad.waiting import deploy_job, register_job

if TYPE_CHECKING:
    from tests.contract.nomad.client import Nomad


KEPT_VERSIONS = 6


def test_c45_versions_are_newest_first_and_few(nomad: Nomad, job_id: str) -> None:
    last = KEPT_VERSIONS + 1
    for number in range(last + 1):
        register_job(nomad, jobs.idle_service(job_id, N=str(number)))
    kept = nomad.versions(job_id, diffs=True).ok()
    numbers = [job["Version"] for job in kept["Versions"]]
    assert numbers == list(range(last, last - KEPT_VERSIONS, -1))
    assert len(kept["Diffs"]) == KEPT_VERSIONS - 1
    assert {diff["Type"] for diff in kept["Diffs"]} == {"Edited"}


def test_c45_version_that_is_gone_cannot_be_reverted_to(nomad: Nomad, job_id: str) -> None:
    for number in range(KEPT_VERSIONS + 1):
        register_job(nomad, jobs.idle_service(job_id, N=str(number)))
    nomad.revert(job_id, 0).refused(500, f'job "{job_id}"', "at version 0 not found")


@pytest.mark.since("1.9.0")
def test_c45_tagged_version_is_kept_beside_the_six(nomad: Nomad, job_id: str) -> None:
    register_job(nomad, jobs.idle_service(job_id))
    nomad.tag(job_id, "golden", 0).ok()
    for number in range(KEPT_VERSIONS + 1):
        register_job(nomad, jobs.idle_service(job_id, N=str(number)))
    numbers = [job["Version"] for job in nomad.versions(job_id).ok()["Versions"]]
    assert len(numbers) == KEPT_VERSIONS + 1
    assert numbers[-1] == 0


@pytest.mark.since("1.9.0")
def test_c45_tag_names_one_version(nomad: Nomad, job_id: str) -> None:
    register_job(nomad, jobs.idle_service(job_id))
    register_job(nomad, jobs.idle_service(job_id, A="1"))
    nomad.tag(job_id, "golden", 0).ok()
    again = nomad.tag(job_id, "golden", 1)
    again.refused(500, 'tag "golden" already exists on a different version of job')


def test_c46_purge_leaves_nothing(nomad: Nomad, job_id: str) -> None:
    deploy_job(nomad, jobs.service(job_id))
    nomad.stop(job_id, purge=True).ok()
    nomad.job(job_id).refused(404, "job not found")
    nomad.versions(job_id).refused(404, "job versions not found")
    assert nomad.deployments_of(job_id).ok() == []
    assert nomad.latest_deployment(job_id).ok() is None
