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


def only(*ids: str) -> str:
    return " or ".join(f"ID == `{each}`" for each in ids)


def entry(nomad: Nomad, job_id: str) -> dict:
    (found,) = nomad.get("jobs", params={"filter": only(job_id)}).ok()
    return found


def test_an_entry_has_the_index_of_the_version_and_neither_its_number_nor_counts(nomad: Nomad, job_id: str) -> None:
    register_job(nomad, jobs.idle_service(job_id))
    job = nomad.job(job_id).ok()
    found = entry(nomad, job_id)
    for name in ("CreateIndex", "JobModifyIndex", "SubmitTime", "Type", "Stop", "ParentID"):
        assert found[name] == job[name], name
    assert {"Version", "TaskGroups"} & found.keys() == set()
    assert (found["Periodic"], found["ParameterizedJob"]) == (False, False)


def test_a_stopped_job_stays_in_the_list_with_another_index(nomad: Nomad, job_id: str) -> None:
    register_job(nomad, jobs.idle_service(job_id))
    before = entry(nomad, job_id)
    nomad.stop(job_id).ok()
    found = eventually(lambda: entry(nomad, job_id), lambda one: one["Status"] == "dead", "the job to be dead")
    assert found["Stop"] is True
    assert found["JobModifyIndex"] > before["JobModifyIndex"]


def test_a_purged_job_is_not_in_the_list(nomad: Nomad, job_id: str) -> None:
    register_job(nomad, jobs.idle_service(job_id))
    nomad.stop(job_id, purge=True).ok()
    assert nomad.get("jobs", params={"filter": only(job_id)}).ok() == []


def test_pages_are_cut_after_the_filter_and_go_on_at_the_token(nomad: Nomad, new_id: Callable[[], str]) -> None:
    ids = sorted(new_id() for _ in range(3))
    for each in ids:
        register_job(nomad, jobs.idle_service(each))
    wanted = only(*ids)

    first = nomad.get("jobs", params={"filter": wanted, "per_page": 2})
    assert [each["ID"] for each in first.ok()] == ids[:2]
    token = first.headers["X-Nomad-NextToken"]
    assert token == f"default.{ids[2]}"
    last = nomad.get("jobs", params={"filter": wanted, "per_page": 2, "next_token": token})
    assert [each["ID"] for each in last.ok()] == ids[2:]
    assert not last.headers.get("X-Nomad-NextToken")


def test_only_back_ticks_can_hold_any_quote(nomad: Nomad) -> None:
    assert nomad.get("jobs", params={"filter": 'ID == `no"such\\`'}).ok() == []
    nomad.get("jobs", params={"filter": 'ID == "no\\"such"'}).refused(400, "failed to read filter expression")


def test_what_is_no_filter_and_no_number_is_refused(nomad: Nomad) -> None:
    nomad.get("jobs", params={"filter": "ID =="}).refused(400, "failed to read filter expression")
    nomad.get("jobs", params={"per_page": "two"}).refused(400, "Expect a number for `per_page`")


def test_a_field_that_no_job_has_is_refused_once_a_job_is_looked_at(nomad: Nomad, job_id: str) -> None:
    register_job(nomad, jobs.idle_service(job_id))
    nomad.get("jobs", params={"filter": 'Nmae == "a"'}).refused(400, "failed to read result page", "Nmae")


def test_a_namespace_that_does_not_exist_has_an_empty_list(nomad: Nomad) -> None:
    assert nomad.twin(namespace="no-such-namespace").get("jobs").ok() == []
