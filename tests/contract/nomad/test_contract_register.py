"""Checks 16 to 23: registering, and compare-and-set on JobModifyIndex."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.contract.nomad import jobs
from tests.contract.nomad.waiting import deploy_job, deployment_of, finished_evaluation, register_job

if TYPE_CHECKING:
    from tests.contract.nomad.client import Json, Nomad

WRITERS = 8


def count_of(job: Json) -> int:
    return job["TaskGroups"][0]["Count"]


def test_c16_enforce_index_zero_means_must_not_exist(nomad: Nomad, job_id: str) -> None:
    nomad.register(jobs.idle_service(job_id), enforce=0).ok()
    reply = nomad.register(jobs.idle_service(job_id), enforce=0)
    reply.refused(500, "Enforcing job modify index 0: job already exists")
    assert reply.headers["Content-Type"].startswith("text/plain")


def test_c17_wrong_index_is_refused_with_the_actual_one(nomad: Nomad, job_id: str) -> None:
    before = register_job(nomad, jobs.idle_service(job_id))
    wrong = before["JobModifyIndex"] - 1
    reply = nomad.register(jobs.idle_service(job_id, A="1"), enforce=wrong)
    reply.refused(
        500,
        f"Enforcing job modify index {wrong}: job exists with conflicting job modify index: {before['JobModifyIndex']}",
    )
    assert nomad.job(job_id).ok()["Version"] == before["Version"]


def test_c17_index_of_a_missing_job_is_refused(nomad: Nomad, job_id: str) -> None:
    reply = nomad.register(jobs.idle_service(job_id), enforce=5)
    reply.refused(500, "Enforcing job modify index 5: job does not exist")
    nomad.job(job_id).refused(404, "job not found")


def test_c17_right_index_makes_the_next_version(nomad: Nomad, job_id: str) -> None:
    before = register_job(nomad, jobs.idle_service(job_id))
    base = before["JobModifyIndex"]
    after = register_job(nomad, jobs.idle_service(job_id, A="1"), EnforceIndex=True, JobModifyIndex=base)
    assert after["Version"] == before["Version"] + 1
    assert after["JobModifyIndex"] > base


def test_c18_same_spec_again_answers_an_index_that_is_no_base(nomad: Nomad, job_id: str) -> None:
    job = jobs.service(job_id)
    before = deploy_job(nomad, job)
    answer = nomad.register(job).ok()
    after = nomad.job(job_id).ok()
    assert answer["EvalID"]
    assert after["Version"] == before["Version"]
    assert after["JobModifyIndex"] == before["JobModifyIndex"]
    assert answer["JobModifyIndex"] == after["ModifyIndex"] != after["JobModifyIndex"]


def test_c18_an_answer_tells_a_change_from_a_no_op_by_its_indexes(nomad: Nomad, job_id: str) -> None:
    job = jobs.idle_service(job_id)
    change = nomad.register(job).ok()
    assert change["JobModifyIndex"] == change["EvalCreateIndex"] == change["Index"]
    assert finished_evaluation(nomad, change["EvalID"])["JobModifyIndex"] == change["JobModifyIndex"]
    no_op = nomad.register(job).ok()
    assert no_op["JobModifyIndex"] < no_op["EvalCreateIndex"] == no_op["Index"]
    assert "JobModifyIndex" not in finished_evaluation(nomad, no_op["EvalID"])


def test_c18_same_spec_with_a_wrong_index_is_refused_all_the_same(nomad: Nomad, job_id: str) -> None:
    base = register_job(nomad, jobs.idle_service(job_id))["JobModifyIndex"]
    reply = nomad.register(jobs.idle_service(job_id), enforce=base + 1)
    reply.refused(500, "job exists with conflicting job modify index")


@pytest.mark.since("2.0.1")
def test_c19_of_concurrent_writers_one_wins(nomad: Nomad, job_id: str) -> None:
    base = register_job(nomad, jobs.idle_service(job_id))["JobModifyIndex"]

    def write(number: int) -> int:
        return nomad.twin().register(jobs.idle_service(job_id, N=str(number)), enforce=base).status

    with ThreadPoolExecutor(WRITERS) as pool:
        statuses = sorted(pool.map(write, range(WRITERS)))
    assert statuses == [200] + [500] * (WRITERS - 1)


@pytest.mark.since("1.6.0")
def test_c20_submission_is_kept(nomad: Nomad, job_id: str) -> None:
    sent = {"Source": "# anything\n", "Format": "hcl2", "Variables": 'tag = "1"\n'}
    register_job(nomad, jobs.idle_service(job_id), Submission=sent)
    kept = nomad.submission(job_id, 0).ok()
    assert {key: kept[key] for key in sent} == sent


@pytest.mark.since("1.6.0")
def test_c20_flags_of_a_submission_come_back_unescaped(nomad: Nomad, job_id: str) -> None:
    flags = {"tag": "a b&c=d"}
    sent = {"Source": "# anything\n", "Format": "hcl2", "VariableFlags": flags}
    register_job(nomad, jobs.idle_service(job_id), Submission=sent)
    assert nomad.submission(job_id, 0).ok()["VariableFlags"] == flags


@pytest.mark.since("1.6.0")
def test_c20_submission_of_an_unknown_version(nomad: Nomad, job_id: str) -> None:
    register_job(nomad, jobs.idle_service(job_id), Submission={"Source": "{}", "Format": "json"})
    nomad.submission(job_id, 99).refused(404, "job source not found")
    assert nomad.submission(job_id, None).status == 400


@pytest.mark.since("1.6.0")
def test_c20_submission_of_a_no_op_is_dropped(nomad: Nomad, job_id: str) -> None:
    first = {"Source": "# first\n", "Format": "hcl2"}
    before = register_job(nomad, jobs.idle_service(job_id), Submission=first)
    after = register_job(nomad, jobs.idle_service(job_id), Submission={**first, "Source": "# second\n"})
    assert after["Version"] == before["Version"]
    assert nomad.submission(job_id, before["Version"]).ok()["Source"] == "# first\n"
    nomad.submission(job_id, before["Version"] + 1).refused(404, "job source not found")


@pytest.mark.since("1.6.0")
def test_c20_version_without_a_submission_inherits_the_last_one(nomad: Nomad, job_id: str) -> None:
    register_job(nomad, jobs.idle_service(job_id), Submission={"Source": "# first\n", "Format": "hcl2"})
    after = register_job(nomad, jobs.idle_service(job_id, A="1"))
    nomad.stop(job_id).ok()
    for version in (1, 2):
        assert nomad.submission(job_id, version).ok()["Source"] == "# first\n"
    assert nomad.submission(job_id, 1).ok()["JobModifyIndex"] == after["JobModifyIndex"]


def test_c21_type_change_passes_plan_and_fails_register(nomad: Nomad, job_id: str) -> None:
    register_job(nomad, jobs.batch(job_id, jobs.BAD))
    service = jobs.service(job_id)
    nomad.plan(service).ok()
    nomad.register(service).refused(500, 'cannot update job from type "batch" to "service"')


def test_c22_unknown_namespace_is_refused(nomad: Nomad, job_id: str) -> None:
    lost = nomad.twin(namespace="no-such-namespace")
    lost.register(jobs.idle_service(job_id)).refused(500, "nonexistent namespace", "no-such-namespace")
    lost.plan(jobs.idle_service(job_id)).refused(500, "nonexistent namespace")


def test_c23_preserve_counts_keeps_a_scaled_count(nomad: Nomad, job_id: str) -> None:
    policy = {"Min": 0, "Max": 5, "Enabled": False, "Type": "horizontal"}
    job = jobs.service(job_id, count=1, Scaling=policy)
    deploy_job(nomad, job)
    nomad.scale(job_id, jobs.GROUP, 2).ok()
    assert count_of(nomad.job(job_id).ok()) == 2
    changed = jobs.service(job_id, count=1, Scaling=policy, env={"A": "1"})
    assert count_of(register_job(nomad, changed, PreserveCounts=True)) == 2
    assert count_of(register_job(nomad, changed)) == 1


def test_scaling_is_refused_while_a_deployment_is_active(nomad: Nomad, job_id: str) -> None:
    deployment_of(nomad, register_job(nomad, jobs.undecided_service(job_id)))
    reply = nomad.scale(job_id, jobs.GROUP, 2)
    reply.refused(400, "job scaling blocked due to active deployment")


def test_register_of_an_invalid_job_is_a_500(nomad: Nomad, job_id: str) -> None:
    job = jobs.service(job_id)
    del job["TaskGroups"][0]["Tasks"][0]["Driver"]
    nomad.register(job).refused(500, "Missing task driver")


def test_register_of_what_is_not_json_is_a_400(nomad: Nomad) -> None:
    assert nomad.post("jobs", body="nonsense").status == 400


def test_parsed_job_registers_as_it_is(nomad: Nomad, job_id: str) -> None:
    job = nomad.parse(jobs.hcl(job_id), json.dumps({"tag": "1"})).ok()
    job["TaskGroups"][0]["Count"] = 0
    assert register_job(nomad, job)["Version"] == 0


@pytest.mark.since("2.0.0")
def test_submitted_version_and_stop_are_honoured(nomad: Nomad, job_id: str) -> None:
    after = register_job(nomad, {**jobs.idle_service(job_id), "Version": 99, "Stop": True})
    assert after["Version"] == 99
    assert after["Stop"] is True
