"""Registering over HTTP: compare-and-set, no-ops, versions, submissions."""

from __future__ import annotations

import asyncio

import pytest
from yarl import URL

from tests.sandbox.nomad.agent import Agent, a_job

WRITERS = 8


def idle(**env: str) -> dict:
    return a_job(count=0, env=env)


async def test_zero_means_that_the_job_must_not_exist(agent: Agent):
    assert (await agent.register(idle(), base=0)).status == 200
    again = await agent.register(idle(), base=0)
    assert (again.status, again.text) == (500, "Enforcing job modify index 0: job already exists")
    assert again.headers["Content-Type"].startswith("text/plain")


async def test_the_index_of_a_missing_job_is_refused(agent: Agent):
    reply = await agent.register(idle(), base=5)
    assert (reply.status, reply.text) == (500, "Enforcing job modify index 5: job does not exist")


async def test_a_stale_index_is_refused_with_the_live_one(agent: Agent):
    live = (await agent.registered(idle()))["JobModifyIndex"]
    reply = await agent.register(idle(A="1"), base=live + 7)
    text = f"Enforcing job modify index {live + 7}: job exists with conflicting job modify index: {live}"
    assert (reply.status, reply.text) == (500, text)
    assert (await agent.job("shop"))["Version"] == 0


async def test_of_eight_writers_with_one_base_one_wins(agent: Agent):
    base = (await agent.registered(idle()))["JobModifyIndex"]
    replies = await asyncio.gather(*(agent.register(idle(N=str(number)), base=base) for number in range(WRITERS)))
    assert sorted(reply.status for reply in replies) == [200] + [500] * (WRITERS - 1)
    winner = next(number for number, reply in enumerate(replies) if reply.status == 200)
    stored = await agent.job("shop")
    assert stored["TaskGroups"][0]["Tasks"][0]["Env"] == {"N": str(winner)}
    assert stored["Version"] == 1


async def test_a_change_answers_one_index_and_a_no_op_an_older_one(agent: Agent):
    change = (await agent.register(idle())).body
    assert change["JobModifyIndex"] == change["EvalCreateIndex"] == change["Index"]
    no_op = (await agent.register(idle())).body
    assert no_op["JobModifyIndex"] < no_op["EvalCreateIndex"] == no_op["Index"]
    assert "JobModifyIndex" not in (await agent.get(f"/v1/evaluation/{no_op['EvalID']}")).body
    assert (await agent.job("shop"))["JobModifyIndex"] == change["JobModifyIndex"]


async def test_a_no_op_of_a_settled_job_answers_its_modify_index(agent: Agent):
    settled = await agent.deployed(a_job())
    answer = (await agent.register(a_job())).body
    assert answer["JobModifyIndex"] == settled["ModifyIndex"] != settled["JobModifyIndex"]


async def test_a_submission_is_kept_inherited_and_dropped_on_a_no_op(agent: Agent):
    first = {"Source": "# one\n", "Format": "hcl2", "Variables": 'tag = "1"\n', "VariableFlags": {"a": "b&c"}}
    await agent.registered(idle(), Submission=first)
    await agent.registered(idle(), Submission={**first, "Source": "# two\n"})
    kept = (await agent.get("/v1/job/shop/submission", version=0)).body
    assert {name: kept[name] for name in first} == first
    changed = await agent.registered(idle(A="1"))
    inherited = (await agent.get("/v1/job/shop/submission", version=1)).body
    assert (inherited["Source"], inherited["JobModifyIndex"]) == ("# one\n", changed["JobModifyIndex"])


async def sources_of(agent: Agent) -> dict[int, str]:
    """The source of each version that has one."""
    found = {number: await agent.get("/v1/job/shop/submission", version=str(number)) for number in range(12)}
    return {number: reply.body["Source"] for number, reply in found.items() if reply.status == 200}


async def test_without_a_source_it_shows_that_of_the_version_it_says_it_is(agent: Agent):
    await agent.registered(idle(), Submission={"Source": "zero", "Format": "hcl2"})
    await agent.registered(idle(N="1"), Submission={"Source": "one", "Format": "hcl2"})
    await agent.registered(idle(N="2"))
    await agent.registered({**idle(N="3"), "Version": 1})
    await agent.registered({**idle(N="4"), "Version": 3})
    await agent.registered({**idle(N="9"), "Version": 9})
    assert await sources_of(agent) == {0: "zero", 1: "one", 2: "zero", 3: "one", 4: "one"}


async def test_six_submissions_are_kept_whatever_becomes_of_their_versions(agent: Agent):
    await agent.registered(idle(), Submission={"Source": "zero", "Format": "hcl2"})
    await agent.registered(idle(N="1"), Submission={"Source": "one", "Format": "hcl2"})
    await agent.post("/v1/job/shop/stable", {"JobID": "shop", "JobVersion": 1, "Stable": True})
    for number in range(2, 9):
        await agent.registered(idle(N=str(number)))
    # those from 7 on find no source at 0 any more
    assert sorted(await sources_of(agent)) == [1, 2, 3, 4, 5, 6]
    kept = (await agent.get("/v1/job/shop/versions")).body["Versions"]
    assert [one["Version"] for one in kept] == [8, 7, 6, 5, 4, 1]


async def test_a_source_of_a_million_bytes_is_dropped_with_a_warning(agent: Agent):
    large = {"Source": "#" * 1_000_000, "Format": "hcl2"}
    assert (await agent.register(idle(), Submission=large)).body["Warnings"]
    missing = await agent.get("/v1/job/shop/submission", version=0)
    assert (missing.status, missing.text) == (404, "job source not found")
    kept = {"Source": "#" * 999_999, "Format": "hcl2"}
    assert (await agent.register(idle(A="1"), Submission=kept)).body["Warnings"] == ""
    assert (await agent.get("/v1/job/shop/submission", version=1)).status == 200


async def test_six_versions_are_kept_and_tagged_ones_beside_them(agent: Agent):
    await agent.registered(idle())
    await agent.post("/v1/job/shop/versions/golden/tag", {"Version": 0, "Description": "kept"})
    for number in range(8):
        await agent.registered(idle(N=str(number)))
    kept = (await agent.get("/v1/job/shop/versions", diffs="true")).body
    assert [one["Version"] for one in kept["Versions"]] == [8, 7, 6, 5, 4, 3, 0]
    assert len(kept["Diffs"]) == 6
    gone = await agent.post("/v1/job/shop/revert", {"JobID": "shop", "JobVersion": 1})
    assert (gone.status, gone.text) == (500, 'job "shop" in namespace "default" at version 1 not found')


async def test_preserved_counts_make_a_version_only_while_they_differ(agent: Agent):
    await agent.deployed(a_job(count=1))
    await agent.post("/v1/job/shop/scale", {"Count": 2, "Target": {"Group": "web"}})
    drifted = await agent.registered(a_job(count=1), PreserveCounts=True)
    assert (drifted["Version"], drifted["TaskGroups"][0]["Count"]) == (2, 2)
    assert (await agent.registered(a_job(count=2), PreserveCounts=True))["Version"] == 2


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"Type": "batch"}, 'cannot update job from type "service" to "batch"'),
        ({"Namespace": "nowhere"}, 'job "shop" is in nonexistent namespace "nowhere"'),
    ],
)
async def test_a_register_is_refused_in_nomads_words(agent: Agent, change: dict, text: str):
    await agent.registered(idle())
    job = {**idle(), **change}
    if "Type" in change:
        del job["TaskGroups"][0]["Update"]
    reply = await agent.register(job)
    assert reply.status == 500
    assert text in reply.text


async def test_the_namespace_of_the_query_beats_the_jobs_own(agent: Agent):
    job = {**idle(), "Namespace": "staging"}
    assert (await agent.post("/v1/jobs", {"Job": job}, namespace="apps")).status == 200
    assert (await agent.get("/v1/job/shop", namespace="apps")).body["Namespace"] == "apps"
    assert (await agent.get("/v1/job/shop", namespace="staging")).status == 404


async def test_a_submitted_version_and_stop_are_honoured(agent: Agent):
    stored = await agent.registered({**idle(), "Version": 99, "Stop": True})
    assert (stored["Version"], stored["Stop"]) == (99, True)


async def test_stopping_twice_is_two_versions_and_a_missing_job_is_no_error(agent: Agent):
    await agent.registered(idle())
    for _ in range(2):
        assert (await agent.call("DELETE", "/v1/job/shop")).body["EvalID"]
    assert (await agent.job("shop"))["Version"] == 2
    missing = await agent.call("DELETE", "/v1/job/nothing")
    assert (missing.status, missing.body["EvalID"]) == (200, "")


async def test_a_purge_leaves_the_evaluations_alone(agent: Agent):
    job = await agent.deployed(a_job())
    deployment = await agent.deployment_of(job)
    await agent.call("DELETE", "/v1/job/shop", purge="true")
    for path in ("/v1/job/shop", "/v1/job/shop/versions", f"/v1/deployment/{deployment['ID']}"):
        assert (await agent.get(path)).status == 404
    assert (await agent.get("/v1/job/shop/deployments")).body == []
    assert (await agent.get("/v1/job/shop/evaluations")).body


async def test_a_job_whose_id_has_slashes_is_found_either_way(agent: Agent):
    reply = await agent.register({**idle(), "ID": "team/shop", "Name": "team/shop"})
    assert reply.status == 200, reply.text
    for path in ("/v1/job/team/shop", "/v1/job/team%2Fshop"):
        assert (await agent.get(URL(f"{agent.address}{path}/versions", encoded=True).raw_path)).status == 200
