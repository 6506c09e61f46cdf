"""Checks 8 to 15: POST /v1/job/:id/plan."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from tests.contract.nomad import jobs
from tests.contract.nomad.jobs import GROUP
from tests.contract.nomad.waiting import deploy_job, eventually, register_job

if TYPE_CHECKING:
    from tests.contract.nomad.client import Json, Nomad


def updates(plan: Json) -> Json:
    return plan["Annotations"]["DesiredTGUpdates"][GROUP]


def nonzero(plan: Json) -> Json:
    return {kind: count for kind, count in updates(plan).items() if count}


def field(diff: Json, name: str) -> Json:
    return next(one for one in diff["Fields"] if one["Name"] == name)


def group_diff(plan: Json) -> Json:
    return plan["Diff"]["TaskGroups"][0]


def task_diff(plan: Json) -> Json:
    return group_diff(plan)["Tasks"][0]


def test_c08_new_job_is_all_added(nomad: Nomad, job_id: str) -> None:
    plan = nomad.plan(jobs.service(job_id, count=3)).ok()
    assert plan["JobModifyIndex"] == 0
    assert plan["Diff"]["Type"] == "Added"
    assert nonzero(plan) == {"Place": 3}
    assert field(group_diff(plan), "Count")["Annotations"] == ["forces create"]


def test_c08_plan_of_a_new_job_creates_nothing(nomad: Nomad, job_id: str) -> None:
    nomad.plan(jobs.service(job_id)).ok()
    nomad.job(job_id).refused(404, "job not found")


def test_c09_unchanged_job_has_no_diff(nomad: Nomad, job_id: str) -> None:
    job = jobs.service(job_id)
    before = deploy_job(nomad, job)
    plan = nomad.plan(job).ok()
    assert plan["Diff"]["Type"] == "None"
    assert plan["JobModifyIndex"] == before["JobModifyIndex"]


def test_c09_plan_changes_nothing(nomad: Nomad, job_id: str) -> None:
    before = deploy_job(nomad, jobs.service(job_id))
    nomad.plan(jobs.service(job_id, env={"A": "1"})).ok()
    after = nomad.job(job_id).ok()
    for key in ("Version", "JobModifyIndex", "ModifyIndex"):
        assert after[key] == before[key]


def test_c10_env_change_replaces_allocations_wave_by_wave(nomad: Nomad, job_id: str) -> None:
    deploy_job(nomad, jobs.service(job_id, count=3, env={"K": "old"}, update={"MaxParallel": 3}))
    changed = jobs.service(job_id, count=3, env={"K": "new"}, update={"MaxParallel": 1})
    plan = nomad.plan(changed).ok()
    assert plan["Diff"]["Type"] == "Edited"
    env = field(task_diff(plan), "Env[K]")
    assert (env["Type"], env["Old"], env["New"]) == ("Edited", "old", "new")
    assert "forces create/destroy update" in task_diff(plan)["Annotations"]
    assert nonzero(plan) == {"DestructiveUpdate": 1, "Ignore": 2}


def test_c11_job_meta_change_replaces_what_its_task_diff_calls_unchanged(nomad: Nomad, job_id: str) -> None:
    deploy_job(nomad, jobs.service(job_id, meta={"team": "a"}))
    plan = nomad.plan(jobs.service(job_id, meta={"team": "b"})).ok()
    assert updates(plan)["DestructiveUpdate"] == 1
    assert field(plan["Diff"], "Meta[team]")["New"] == "b"
    assert task_diff(plan)["Type"] == "None"
    assert not task_diff(plan)["Annotations"]


def test_c12_constraint_change_is_in_place(nomad: Nomad, job_id: str) -> None:
    job = jobs.service(job_id, count=2, update={"MaxParallel": 2})
    deploy_job(nomad, job)
    changed = deepcopy(job)
    changed["Constraints"] = [{"LTarget": "${node.datacenter}", "RTarget": "nowhere", "Operand": "!="}]
    assert nonzero(nomad.plan(changed).ok()) == {"InPlaceUpdate": 2}


def test_c12_service_tag_change_is_in_place(nomad: Nomad, job_id: str) -> None:
    def tagged(tag: str) -> Json:
        provided = {"Name": "web", "Provider": "nomad", "Tags": [tag]}
        return jobs.service(job_id, Services=[provided])

    deploy_job(nomad, tagged("old"))
    assert nonzero(nomad.plan(tagged("new")).ok()) == {"InPlaceUpdate": 1}


def test_c12_count_change_leaves_the_running_ones(nomad: Nomad, job_id: str) -> None:
    deploy_job(nomad, jobs.service(job_id, count=1))
    plan = nomad.plan(jobs.service(job_id, count=3)).ok()
    assert updates(plan)["Place"] == 2
    assert updates(plan)["DestructiveUpdate"] == 0


def test_c13_impossible_memory_is_explained(nomad: Nomad, job_id: str) -> None:
    plan = nomad.plan(jobs.service(job_id, memory=jobs.IMPOSSIBLE_MEMORY_MB)).ok()
    metric = plan["FailedTGAllocs"][GROUP]
    assert metric["NodesExhausted"] >= 1
    assert metric["DimensionExhausted"]["memory"] >= 1
    assert plan["CreatedEvals"][0]["Status"] == "blocked"


def test_c13_impossible_constraint_is_explained(nomad: Nomad, job_id: str) -> None:
    job = jobs.service(job_id)
    job["Constraints"] = [{"LTarget": "${meta.colour}", "RTarget": "pink", "Operand": "="}]
    metric = nomad.plan(job).ok()["FailedTGAllocs"][GROUP]
    assert metric["ConstraintFiltered"]["${meta.colour} = pink"] >= 1


def test_c14_path_and_body_must_name_the_same_job(nomad: Nomad, job_id: str) -> None:
    nomad.plan(jobs.service(job_id), path_id="other").refused(400, "Job ID does not match")


def test_c14_invalid_job_is_a_500_in_plain_text(nomad: Nomad, job_id: str) -> None:
    job = jobs.service(job_id)
    del job["TaskGroups"][0]["Tasks"][0]["Driver"]
    reply = nomad.plan(job)
    reply.refused(500, "Missing task driver")
    assert reply.headers["Content-Type"].startswith("text/plain")


def test_c15_canary_plan_shows_the_canary_only(nomad: Nomad, job_id: str) -> None:
    deploy_job(nomad, jobs.service(job_id, count=2, update={"MaxParallel": 2}))
    changed = jobs.service(job_id, count=2, env={"A": "1"}, update={"Canary": 1})
    plan = nomad.plan(changed).ok()
    assert group_diff(plan)["Updates"] == {"canary": 1, "ignore": 2}
    assert nonzero(plan) == {"Canary": 1, "Ignore": 2}


def test_plan_of_a_stopped_job_shows_the_start(nomad: Nomad, job_id: str) -> None:
    job = jobs.service(job_id)
    deploy_job(nomad, job)
    nomad.stop(job_id).ok()
    eventually(lambda: nomad.job(job_id).ok(), lambda one: one["Status"] == "dead", "the stop")
    plan = nomad.plan(job).ok()
    stop = field(plan["Diff"], "Stop")
    assert (stop["Old"], stop["New"]) == ("true", "false")
    assert updates(plan)["Place"] == 1


def test_plan_of_a_periodic_job_claims_a_placement(nomad: Nomad, job_id: str) -> None:
    assert updates(nomad.plan(jobs.periodic(job_id)).ok())["Place"] == 1


def test_plan_against_the_frozen_parse_of_a_registered_job_is_none(nomad: Nomad, job_id: str) -> None:
    job = nomad.parse(jobs.hcl(job_id), 'tag = "1"').ok()
    job["TaskGroups"][0]["Count"] = 0
    register_job(nomad, job)
    assert nomad.plan(job).ok()["Diff"]["Type"] == "None"
