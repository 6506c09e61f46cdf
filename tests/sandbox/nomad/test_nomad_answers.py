"""The answers of single calls: their shapes as an agent's, and the texts of refusals."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.recorded import answer
from tests.sandbox.nomad.agent import BAD, SECOND, Agent, Json, a_job, eventually

UNKNOWN = "00000000-0000-4000-8000-000000000000"
SLOW = {"MinHealthyTime": 1200 * SECOND, "HealthyDeadline": 2400 * SECOND, "ProgressDeadline": 3600 * SECOND}
# what a simulation has no use for, or what Nomad writes only where it is not empty
BESIDE_THE_POINT = {"SigningKeyID", "ClassEligibility", "ScoreMetaData"}


def shape(value: Any) -> Any:
    """The keys of a JSON value, of lists those of the first entry; what may be null is no difference."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items() if key not in BESIDE_THE_POINT}
    if isinstance(value, list) and value:
        return [shape(value[0])]
    return None


def like(body: Any, name: str, *path: Any) -> None:
    """Check that a body has the shape of a recorded one, or of a part of it."""
    recorded = answer(name)["body"]
    for step in path:
        recorded = recorded[step]
    seen, wanted = shape(body), shape(recorded)
    if isinstance(wanted, dict):
        assert seen.keys() == wanted.keys()
    differing = [key for key in wanted if isinstance(wanted[key], dict) and isinstance(seen[key], dict)]
    for key in differing:
        assert seen[key].keys() == wanted[key].keys(), key


def service(job_id: str = "shop", **options: Any) -> Json:
    """As the recorded jobs: one group `web`, one task `app`, allocations of it wait a second."""
    return a_job(job_id, **options)


async def test_a_deploy_answers_in_the_agents_shapes(agent: Agent):
    registered = (await agent.register(service(), base=0)).body
    like(registered, "register_ok")
    end = await agent.settled(await agent.job("shop"))
    like(end, "deployment_successful")
    like(end["TaskGroups"]["web"], "deployment_successful", "TaskGroups", "web")
    like(await agent.job("shop"), "job_stable")
    [stub] = await agent.allocations("shop")
    like(stub, "allocations_running", 0)
    like(stub["TaskStates"]["app"]["Events"][0], "allocations_running", 0, "TaskStates", "app", "Events", 0)
    like((await agent.get(f"/v1/allocation/{stub['ID']}")).body, "allocation_running")
    evaluation = (await agent.get(f"/v1/evaluation/{registered['EvalID']}")).body
    assert shape(answer("evaluation_complete")["body"]).keys() <= evaluation.keys()
    like((await agent.get("/v1/jobs", prefix="shop")).body[0], "jobs_list", 0)
    like((await agent.get("/v1/job/shop/summary")).body, "job_summary")
    like((await agent.call("DELETE", "/v1/job/shop")).body, "stop_ok")
    like((await agent.call("DELETE", "/v1/job/shop", purge="true")).body, "purge_ok")


async def test_what_finds_no_place_answers_in_the_agents_shapes(agent: Agent):
    registered = (await agent.register(service(memory=2**30))).body
    path = f"/v1/evaluation/{registered['EvalID']}"
    ended = (await eventually(lambda: agent.get(path), lambda reply: reply.body["Status"] == "complete")).body
    like(ended, "evaluation_not_placed")
    like(ended["FailedTGAllocs"]["web"], "evaluation_not_placed", "FailedTGAllocs", "web")
    like((await agent.get(f"/v1/evaluation/{ended['BlockedEval']}")).body, "evaluation_blocked")
    like(await agent.latest("shop"), "deployment_no_capacity")


async def test_verbs_answer_in_the_agents_shapes(agent: Agent):
    await agent.deployed(service())
    like((await agent.post("/v1/job/shop/scale", {"Count": 1, "Target": {"Group": "web"}})).body, "scale_ok")
    tag = (await agent.post("/v1/job/shop/versions/golden/tag", {"Version": 0, "Description": "contract"})).body
    like(tag, "tag_ok")
    await agent.settled(await agent.registered(service(env={"A": "1"})))
    found = await agent.deployment_of(await agent.registered(service(env={"A": "2"}, update={"Canary": 1, **SLOW})))
    path = f"/v1/deployment/{{}}/{found['ID']}"
    like((await agent.post(path.format("pause"), {"Pause": True})).body, "pause_ok")
    like((await agent.post(path.format("pause"), {"Pause": False})).body, "resume_ok")
    like((await agent.post(path.format("fail"))).body, "fail_ok")
    like((await agent.get("/v1/job/shop/versions", diffs="true")).body, "versions_diffs")


async def test_a_failed_allocation_has_the_agents_shape(agent: Agent):
    await agent.registered(service(config=BAD))
    [stub] = await eventually(
        lambda: agent.allocations("shop"), lambda every: every and every[0]["ClientStatus"] == "failed"
    )
    like((await agent.get(f"/v1/allocation/{stub['ID']}")).body, "allocation_failed")


@pytest.mark.parametrize("name", ["agent_health", "regions", "status_leader", "token_self_no_acl"])
async def test_small_answers_are_the_agents_own(agent: Agent, name: str):
    recorded = answer(name)
    assert (await agent.get(recorded["request"]["path"])).body == recorded["body"]


@pytest.mark.parametrize(
    "name",
    [
        "job_missing",
        "deployment_unknown",
        "promote_unknown",
        "stop_missing",
        "versions_after_purge",
        "deployments_after_purge",
        "job_submission_missing",
        "job_submission_no_version",
        "unknown_region",
        "wrong_method",
        "blocking_bad_wait",
        "cas_missing",
        "register_unknown_namespace",
        "register_invalid",
        "plan_path_mismatch",
        "dispatch_missing_meta",
    ],
)
async def test_a_refusal_is_the_agents_to_the_letter(agent: Agent, name: str):
    await agent.registered(parameterized())
    recorded = answer(name)
    sent = recorded["request"]
    reply = await agent.call(sent["method"], sent["path"], sent["body"], **sent["query"])
    wanted = recorded["body"]
    assert (reply.status, reply.text if isinstance(wanted, str) else reply.body) == (recorded["status"], wanted)
    assert reply.headers["Content-Type"] == recorded["headers"]["Content-Type"]


def parameterized() -> Json:
    job = service("shop-form")
    rules = {"Payload": "optional", "MetaRequired": ["target"], "MetaOptional": ["note"]}
    group = job["TaskGroups"][0]
    group["Update"] = None
    return {**job, "Type": "batch", "ParameterizedJob": rules}


async def test_a_dispatch_with_the_same_token_is_the_same_child(agent: Agent):
    registered = (await agent.register(parameterized())).body
    assert (registered["EvalID"], registered["EvalCreateIndex"]) == ("", 0)
    path, body = "/v1/job/shop-form/dispatch", {"Meta": {"target": "a"}}
    first = (await agent.post(path, body, idempotency_token="t1")).body
    again = (await agent.post(path, body, idempotency_token="t1")).body
    ignored = (await agent.post(path, {**body, "idempotency_token": "t1"})).body
    assert again["DispatchedJobID"] == first["DispatchedJobID"] != ignored["DispatchedJobID"]
    assert (bool(first["EvalID"]), again["EvalID"]) == (True, "")
    child = await agent.job(first["DispatchedJobID"].replace("/", "%2F"))
    assert (child["ParentID"], child["Meta"]) == ("shop-form", {"target": "a"})
    await eventually(lambda: agent.job(child["ID"]), lambda one: one["Status"] == "dead")


async def test_a_plan_shows_a_wave_and_changes_nothing(agent: Agent):
    before = await agent.deployed(service(count=3, env={"K": "old"}, update={"MaxParallel": 3}))
    changed = service(count=3, env={"K": "new"}, update={"MaxParallel": 1})
    plan = (await agent.post("/v1/job/shop/plan", {"Job": changed, "Diff": True})).body
    assert plan["JobModifyIndex"] == before["JobModifyIndex"]
    assert plan["Diff"]["TaskGroups"][0]["Updates"] == {"create/destroy update": 1, "ignore": 2}
    assert await agent.job("shop") == before


async def test_a_plan_of_the_same_job_by_another_registrant_is_in_place_without_a_diff(agent: Agent):
    await agent.deployed(service())
    await agent.control("change", {"job": "shop", "env": {}})
    await agent.settled(await agent.job("shop"))
    plan = (await agent.post("/v1/job/shop/plan", {"Job": service(), "Diff": True})).body
    assert plan["Diff"]["Type"] == "None"
    assert plan["Annotations"]["DesiredTGUpdates"]["web"]["InPlaceUpdate"] == 1


async def test_a_blocking_read_wakes_on_a_change_and_ends_with_its_wait(agent: Agent):
    await agent.deployed(service(count=1))
    index = int((await agent.get("/v1/job/shop")).headers["X-Nomad-Index"])
    same = await agent.get("/v1/job/shop", index=index, wait="50ms")
    assert int(same.headers["X-Nomad-Index"]) == index
    waiting = asyncio.create_task(agent.get("/v1/job/shop", index=index, wait="4m"))
    await agent.registered(service(count=1, env={"A": "1"}))
    assert (await waiting).body["Version"] == 1


async def test_a_blocking_read_of_a_missing_job_wakes_when_it_comes(agent: Agent):
    await agent.registered(service("other", count=0))
    index = int((await agent.get("/v1/job/shop")).headers["X-Nomad-Index"])
    waiting = asyncio.create_task(agent.get("/v1/job/shop", index=index + 10**6, wait="100ms"))
    assert (await waiting).status == 404


async def test_logs_are_plain_or_framed(agent: Agent):
    echo = {**service(config={"command": "/bin/echo", "args": ["said", "it"]}), "Type": "batch"}
    echo["TaskGroups"][0]["Update"] = None
    await agent.registered(echo)
    [stub] = await eventually(
        lambda: agent.allocations("shop"), lambda every: every and every[0]["ClientStatus"] == "complete"
    )
    path = f"/v1/client/fs/logs/{stub['ID']}"
    assert (await agent.get(path, task="app", type="stdout", plain="true")).text == "said it\n"
    assert (await agent.get(path, task="app", type="stdout")).body["Data"] == "c2FpZCBpdAo="
    unknown = await agent.get(path, task="other", type="stdout", plain="true")
    assert (unknown.status, unknown.text) == (400, 'unknown task name "other"')
    gone = await agent.get(f"/v1/client/fs/logs/{UNKNOWN}", task="app", plain="true")
    assert (gone.status, gone.text) == (404, f'Unknown allocation "{UNKNOWN}"')


async def test_namespaces_are_listed_and_made(agent: Agent):
    assert (await agent.call("PUT", "/v1/namespaces", {"Name": "payments"})).status == 200
    names = [one["Name"] for one in (await agent.get("/v1/namespaces")).body]
    assert names == ["apps", "default", "payments", "staging"]
    assert (await agent.post("/v1/jobs", {"Job": service(count=0)}, namespace="payments")).status == 200


async def test_lists_are_of_one_namespace_or_of_all(agent: Agent):
    await agent.registered(service(count=0))
    await agent.post("/v1/jobs", {"Job": service("cart", count=0)}, namespace="staging")
    for namespace, ids in (("default", ["shop"]), ("staging", ["cart"]), ("*", ["shop", "cart"])):
        found = (await agent.get("/v1/jobs", namespace=namespace)).body
        assert sorted(one["ID"] for one in found) == sorted(ids)


async def test_scaling_is_refused_while_a_deployment_is_active(agent: Agent):
    await agent.deployment_of(await agent.registered(service(update=SLOW)))
    reply = await agent.post("/v1/job/shop/scale", {"Count": 2, "Target": {"Group": "web"}})
    assert (reply.status, reply.text) == (400, "job scaling blocked due to active deployment")


async def test_the_agent_says_that_it_is_simulated(agent: Agent):
    version = (await agent.get("/v1/agent/self")).body["config"]["Version"]
    assert (version["Version"], version["VersionPrerelease"]) == ("2.0.6", "sim")


@pytest.mark.parametrize(("body", "status"), [('"nonsense"', 400), ("{", 400), ("[]", 400), ("{}", 400)])
async def test_a_register_without_a_job_is_refused(agent: Agent, body: str, status: int):
    async with agent.session.post(f"{agent.address}/v1/jobs", data=body) as reply:
        assert reply.status == status


async def test_an_unknown_path_is_a_404(agent: Agent):
    assert (await agent.get("/v1/no/such/path")).status == 404
