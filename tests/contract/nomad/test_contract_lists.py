"""The list of jobs: what an entry has, filters, and pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.contract.nomad import jobs
from tests.contract.nomad.waiting import eventually, register_job

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.nomad.client import Nomad


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


def test_a_filter_leaves_out_the_children_of_a_parameterized_job(nomad: Nomad, job_id: str) -> None:
    register_job(nomad, jobs.parameterized(job_id))
    child = nomad.post("job", job_id, "dispatch", body={"Meta": {"target": "a"}}).ok()["DispatchedJobID"]
    listed = [each["ID"] for each in nomad.get("jobs", params={"prefix": job_id}).ok()]
    assert listed == [job_id, child]
    parents = nomad.get("jobs", params={"prefix": job_id, "filter": "ParentID is empty"}).ok()
    assert [(each["ID"], each["ParameterizedJob"]) for each in parents] == [(job_id, True)]


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
