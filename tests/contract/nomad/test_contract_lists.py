"""Lists page by page, filtered, and what moves in them when something happens to a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.nomad import jobs
from tests.contract.nomad.waiting import eventually, register_job

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.nomad.client import Json, Nomad

NO_PARENT = 'ParentID == ""'


def paged(nomad: Nomad, path: str, **params: str | int) -> list[list[Json]]:
    """The pages of a list, one record each."""
    pages, token = [], ""
    while True:
        query = {**params, "per_page": 1, **({"next_token": token} if token else {})}
        reply = nomad.get(path, params=query)
        pages.append(reply.ok())
        token = reply.headers.get("X-Nomad-NextToken", "")
        if not token:
            return pages


def mark(nomad: Nomad, job_id: str) -> tuple[Any, ...]:
    (stub,) = nomad.get("jobs", params={"prefix": job_id}).ok()
    return stub["ModifyIndex"], stub["JobSummary"]["ModifyIndex"]


def test_pages_of_jobs_have_each_job_once(nomad: Nomad, new_id: Callable[[], str]) -> None:
    ids = {new_id() for _ in range(3)}
    for each in ids:
        nomad.register(jobs.idle_service(each)).ok()
    pages = paged(nomad, "jobs", filter=NO_PARENT)
    found = [job["ID"] for page in pages for job in page]
    assert {len(page) for page in pages} == {1}
    assert ids <= set(found)
    assert len(found) == len(set(found))


def test_pages_of_deployments_have_each_deployment_once(nomad: Nomad, new_id: Callable[[], str]) -> None:
    ids = {new_id() for _ in range(2)}
    for each in ids:
        register_job(nomad, jobs.service(each))
    eventually(
        lambda: {one["JobID"] for one in nomad.get("deployments").ok()}, ids.issubset, "a deployment of each job"
    )
    found = [one["JobID"] for page in paged(nomad, "deployments") for one in page]
    assert [found.count(each) for each in ids] == [1, 1]


def test_children_are_no_jobs_without_a_parent(nomad: Nomad, job_id: str) -> None:
    nomad.register(jobs.parameterized(job_id)).ok()
    child = nomad.dispatch(job_id, {"target": "a"}).ok()["DispatchedJobID"]
    everything = [one["ID"] for one in nomad.get("jobs", params={"prefix": job_id}).ok()]
    assert set(everything) == {job_id, child}
    (parent,) = nomad.get("jobs", params={"prefix": job_id, "filter": NO_PARENT}).ok()
    assert parent["ID"] == job_id


@pytest.mark.parametrize("text", ["ParentID ==", 'Nope == ""'])
def test_a_filter_that_makes_no_sense_is_refused(nomad: Nomad, job_id: str, text: str) -> None:
    nomad.register(jobs.idle_service(job_id)).ok()
    nomad.get("jobs", params={"filter": text}).refused(400, "failed to read")


def test_a_size_that_is_no_number_is_refused(nomad: Nomad) -> None:
    nomad.get("jobs", params={"per_page": "x"}).refused(400, "Expect a number for `per_page`")


def test_a_job_moves_in_the_list_with_a_register_and_with_its_allocations(nomad: Nomad, job_id: str) -> None:
    register_job(nomad, jobs.service(job_id))
    before = mark(nomad, job_id)
    eventually(lambda: mark(nomad, job_id), lambda found: found[1] > before[1], "the summary to move")
    registered = mark(nomad, job_id)
    nomad.register(jobs.service(job_id, env={"A": "1"})).ok()
    assert mark(nomad, job_id)[0] > registered[0]
