"""Verbs on jobs and their versions, and their refusals in Nomad's words."""

from __future__ import annotations

import pytest

from tests.sandbox.nomad.agent import Agent, Json, a_job, eventually


def idle(job_id: str = "shop", **env: str) -> Json:
    return a_job(job_id, count=0, env=env)


def parameterized(**rules: object) -> Json:
    job = idle("form")
    job["TaskGroups"][0]["Update"] = None
    return {**job, "Type": "batch", "ParameterizedJob": {"Payload": "optional", "MetaRequired": [], **rules}}


async def two_versions(agent: Agent) -> None:
    await agent.registered(idle())
    await agent.registered(idle(A="1"))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"JobVersion": 1}, "can't revert to current version"),
        ({"JobVersion": 0, "EnforcePriorVersion": 7}, "Current job has version 1; enforcing version 7"),
        ({"JobVersion": 77}, 'job "shop" in namespace "default" at version 77 not found'),
    ],
)
async def test_a_revert_is_refused(agent: Agent, body: Json, text: str):
    await two_versions(agent)
    reply = await agent.post("/v1/job/shop/revert", {"JobID": "shop", **body})
    assert (reply.status, reply.text) == (500, text)


async def test_a_revert_of_a_missing_job_is_refused(agent: Agent):
    reply = await agent.post("/v1/job/nope/revert", {"JobID": "nope", "JobVersion": 0})
    assert (reply.status, reply.text) == (500, 'job "nope" in namespace "default" not found')


async def test_a_reverted_version_has_the_old_specification_and_source(agent: Agent):
    await agent.registered(idle(), Submission={"Source": "# one\n", "Format": "hcl2"})
    await agent.registered(idle(A="1"), Submission={"Source": "# two\n", "Format": "hcl2"})
    await agent.post("/v1/job/shop/revert", {"JobID": "shop", "JobVersion": 0})
    job = await agent.job("shop")
    assert (job["Version"], job["Stable"], job["TaskGroups"][0]["Tasks"][0]["Env"]) == (2, False, None)
    assert (await agent.get("/v1/job/shop/submission", version=2)).body["Source"] == "# one\n"


async def test_a_version_is_marked_stable_and_unmarked(agent: Agent):
    await two_versions(agent)
    for stable in (True, False):
        body = {"JobID": "shop", "JobVersion": 0, "Stable": stable}
        assert (await agent.post("/v1/job/shop/stable", body)).status == 200
        kept = (await agent.get("/v1/job/shop/versions")).body["Versions"]
        assert [one["Stable"] for one in kept] == [False, stable]
    missing = await agent.post("/v1/job/shop/stable", {"JobID": "shop", "JobVersion": 9, "Stable": True})
    assert missing.status == 500


async def test_a_tag_names_one_version_until_it_is_taken_away(agent: Agent):
    await two_versions(agent)
    path = "/v1/job/shop/versions/golden/tag"
    assert (await agent.post(path, {"Version": 0})).body["Name"] == "golden"
    taken = await agent.post(path, {"Version": 1})
    assert (taken.status, taken.text) == (500, 'tag "golden" already exists on a different version of job "shop"')
    diffs = (await agent.get("/v1/job/shop/versions", diff_tag="golden")).body["Diffs"]
    assert [diff["Type"] for diff in diffs] == ["Edited"]
    assert (await agent.call("DELETE", path)).status == 200
    gone = await agent.call("DELETE", path)
    assert (gone.status, gone.text) == (500, 'tag "golden" not found on job "shop"')
    assert (await agent.post(path, {"Latest": True})).status == 200
    assert (await agent.job("shop"))["VersionTag"]["Name"] == "golden"
    assert (await agent.post("/v1/job/shop/versions/other/tag", {"Version": 9})).status == 500


async def test_diffs_are_with_the_version_before_or_with_the_one_asked_for(agent: Agent):
    await two_versions(agent)
    await agent.registered(idle(A="1", B="2"))
    neighbours = (await agent.get("/v1/job/shop/versions", diffs="true")).body["Diffs"]
    first = (await agent.get("/v1/job/shop/versions", diff_version="0")).body["Diffs"]
    fields = [
        [field["Name"] for field in diff["TaskGroups"][0]["Tasks"][0]["Fields"]] for diff in (*neighbours, *first)
    ]
    assert fields == [["Env[B]"], ["Env[A]"], ["Env[A]", "Env[B]"], ["Env[A]"]]
    assert (await agent.get("/v1/job/shop/versions", diff_version="9")).status == 500
    assert (await agent.get("/v1/job/shop/versions")).body["Diffs"] is None


async def test_the_same_specification_over_a_tagged_version_is_a_new_version(agent: Agent):
    await agent.registered(idle())
    await agent.post("/v1/job/shop/versions/golden/tag", {"Version": 0})
    assert (await agent.registered(idle()))["Version"] == 1


@pytest.mark.parametrize(
    ("rules", "body", "text"),
    [
        ({"MetaRequired": ["a", "b"]}, {}, "Dispatch did not provide required meta keys: [a b]"),
        ({}, {"Meta": {"c": "1"}}, "Dispatch request included unpermitted metadata keys: [c]"),
        ({"Payload": "required"}, {}, "Payload is not provided but required by parameterized job"),
        ({"Payload": "forbidden"}, {"Payload": "aGk="}, "Payload is forbidden by parameterized job"),
    ],
)
async def test_a_dispatch_is_held_to_the_rules_of_its_job(agent: Agent, rules: Json, body: Json, text: str):
    await agent.registered(parameterized(**rules))
    reply = await agent.post("/v1/job/form/dispatch", body)
    assert (reply.status, reply.text) == (500, text)


async def test_a_dispatch_of_what_takes_none_is_refused(agent: Agent):
    missing = await agent.post("/v1/job/nope/dispatch")
    assert (missing.status, missing.text) == (500, "parameterized job not found")
    await agent.registered(idle())
    other = await agent.post("/v1/job/shop/dispatch")
    assert (other.status, other.text) == (500, 'Specified job "shop" is not a parameterized job')
    await agent.registered(parameterized())
    await agent.call("DELETE", "/v1/job/form")
    assert (await agent.post("/v1/job/form/dispatch")).status == 500


@pytest.mark.parametrize(
    ("job_id", "body", "status"),
    [
        ("nope", {"Count": 1, "Target": {"Group": "web"}}, 404),
        ("shop", {"Count": 1, "Target": {"Group": "nope"}}, 400),
        ("shop", {"Target": {"Group": "web"}}, 400),
        ("shop", {"Count": "many", "Target": {"Group": "web"}}, 400),
    ],
)
async def test_scaling_what_is_not_there_is_refused(agent: Agent, job_id: str, body: Json, status: int):
    await agent.registered(idle())
    assert (await agent.post(f"/v1/job/{job_id}/scale", body)).status == status
    assert (await agent.job("shop"))["Version"] == 0


async def test_scaling_down_stops_the_highest_numbers_and_up_fills_them(agent: Agent):
    await agent.deployed(a_job(count=3, update={"MaxParallel": 3}))
    for count in (1, 2):
        await agent.post("/v1/job/shop/scale", {"Count": count, "Target": {"Group": "web"}})
        await agent.settled(await agent.job("shop"))
        alive = [one["Name"] for one in await agent.allocations("shop") if one["DesiredStatus"] == "run"]
        assert sorted(alive) == [f"shop.web[{number}]" for number in range(count)]


@pytest.mark.parametrize("job", [parameterized(), None], ids=["parameterized", "missing"])
async def test_evaluating_what_cannot_be_is_refused(agent: Agent, job: Json | None):
    if job:
        await agent.registered(job)
    assert (await agent.post("/v1/job/form/evaluate")).status == 500


@pytest.mark.parametrize(
    ("block", "word"), [("Periodic", "periodic"), ("ParameterizedJob", "parameterized")], ids=["periodic", "form"]
)
async def test_a_job_does_not_become_one_that_makes_children_nor_back(agent: Agent, block: str, word: str):
    rules = {"Periodic": {"Enabled": True, "SpecType": "cron", "Spec": "0 0 1 1 *"}, "ParameterizedJob": {}}
    plain = {**parameterized(), "ParameterizedJob": None}
    parent = {**plain, block: rules[block]}
    await agent.registered(plain)
    there = await agent.register(parent)
    assert (there.status, there.text) == (500, f"cannot update non-{word} job to being {word}")
    await agent.call("DELETE", "/v1/job/form", purge="true")
    assert (await agent.register(parent)).body["EvalID"] == ""
    assert (await agent.job("form"))["Status"] == "running"
    back = await agent.register(plain)
    assert (back.status, back.text) == (500, f"cannot update {word} job to being non-{word}")
    again = (await agent.register(parent)).body
    assert (again["EvalID"], again["EvalCreateIndex"]) == ("", 0)
    await agent.call("DELETE", "/v1/job/form")
    assert (await agent.job("form"))["Status"] == "dead"


async def test_a_dead_job_comes_back_with_the_same_specification(agent: Agent):
    await agent.deployed(a_job())
    await agent.call("DELETE", "/v1/job/shop")
    await eventually(lambda: agent.job("shop"), lambda one: one["Status"] == "dead")
    plan = (await agent.post("/v1/job/shop/plan", {"Job": a_job(), "Diff": True})).body
    assert [(one["Name"], one["Old"], one["New"]) for one in plan["Diff"]["Fields"]] == [("Stop", "true", "false")]
    job = await agent.deployed(a_job())
    assert (job["Version"], job["Stop"], job["Status"]) == (2, False, "running")


async def test_validation_says_what_is_wrong_without_registering(agent: Agent):
    fine = (await agent.post("/v1/validate/job", {"Job": idle()})).body
    assert (fine["Error"], fine["ValidationErrors"]) == ("", None)
    broken = idle()
    del broken["TaskGroups"][0]["Tasks"][0]["Driver"]
    found = (await agent.post("/v1/validate/job", {"Job": broken})).body
    assert "Missing task driver" in found["Error"]
    assert (await agent.get("/v1/job/shop")).status == 404
