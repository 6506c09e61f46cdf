"""The control API: each way in which a register, a stream or all of Nomad can go wrong."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
import pytest

from tests.sandbox.nomad.agent import SECOND, Agent, a_job, ended, eventually

SUBMISSION = {"Source": "# nomatron D-1042 plan 2\njob {}\n", "Format": "hcl2"}
RPC_ERROR = {"status": 500, "text": "rpc error: leadership lost while committing log"}


async def exists(agent: Agent) -> bool:
    return (await agent.get("/v1/job/shop")).status == 200


async def test_a_register_that_took_effect_may_look_failed(agent: Agent):
    await agent.control("next-register", {"apply": True, "answer": RPC_ERROR})
    reply = await agent.register(a_job())
    assert (reply.status, reply.text) == (500, RPC_ERROR["text"])
    assert reply.headers["Content-Type"].startswith("text/plain")
    assert await exists(agent)


async def test_a_register_that_looks_failed_may_not_have_taken_effect(agent: Agent):
    await agent.control("next-register", {"apply": False, "answer": RPC_ERROR})
    assert (await agent.register(a_job())).status == 500
    assert not await exists(agent)
    assert (await agent.register(a_job())).status == 200


async def test_a_register_may_be_applied_after_its_error(agent: Agent):
    rule = {"apply": True, "when": "after", "answer": RPC_ERROR, "seconds": 0.2}
    await agent.control("next-register", rule)
    assert (await agent.register(a_job(), Submission=SUBMISSION)).status == 500
    assert not await exists(agent)
    [seen] = (await agent.get("/sandbox/registers")).body
    assert seen["applied"] is False
    await eventually(lambda: exists(agent), bool)
    [seen] = (await agent.get("/sandbox/registers")).body
    assert (seen["applied"], seen["version"]) == (True, 0)
    assert seen["submission_first_line"] == "# nomatron D-1042 plan 2"


async def test_a_late_register_that_lost_its_base_is_not_applied(agent: Agent):
    base = (await agent.registered(a_job(count=0)))["JobModifyIndex"]
    await agent.control("next-register", {"when": "after", "answer": RPC_ERROR, "seconds": 0.2})
    await agent.register(a_job(count=0, env={"A": "late"}), base=base)
    await agent.registered(a_job(count=0, env={"A": "other"}), EnforceIndex=True, JobModifyIndex=base)

    seen = (await eventually(lambda: agent.get("/sandbox/registers"), lambda reply: reply.body[1]["refused"])).body[1]
    assert "job exists with conflicting job modify index" in seen["refused"]
    assert (seen["applied"], seen["enforce_index"], seen["job_modify_index"]) == (False, True, base)


@pytest.mark.parametrize("apply", [True, False])
async def test_a_register_may_be_cut_off(agent: Agent, apply: bool):  # noqa: FBT001 - a parameter of the test
    await agent.control("next-register", {"apply": apply, "answer": "reset"})
    with pytest.raises(aiohttp.ClientError):
        await agent.register(a_job())
    assert await exists(agent) is apply


@pytest.mark.parametrize("apply", [True, False])
async def test_a_register_may_never_be_answered(agent: Agent, apply: bool):  # noqa: FBT001 - a parameter of the test
    await agent.control("next-register", {"apply": apply, "answer": "never"})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(agent.register(a_job()), 0.2)
    assert await exists(agent) is apply


async def test_a_register_may_be_answered_late(agent: Agent):
    await agent.control("next-register", {"answer": "late", "seconds": 0.2})
    call = asyncio.create_task(agent.register(a_job()))
    await eventually(lambda: exists(agent), bool)
    assert not call.done()
    assert (await call).body["JobModifyIndex"] == (await agent.job("shop"))["JobModifyIndex"]


async def test_a_caller_who_gave_up_still_gets_a_late_register_applied(agent: Agent):
    await agent.control("next-register", {"when": "after", "answer": "never", "seconds": 0.3})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(agent.register(a_job()), 0.1)
    assert not await exists(agent)
    await eventually(lambda: exists(agent), bool)


async def test_rules_hold_for_as_many_registers_as_said(agent: Agent):
    await agent.control("next-register", {"apply": False, "answer": RPC_ERROR, "times": 2})
    statuses = [(await agent.register(a_job())).status for _ in range(3)]
    assert statuses == [500, 500, 200]


@pytest.mark.parametrize(
    ("mode", "status", "text"),
    [
        ("html", 502, "502 Bad Gateway"),
        ("error500", 500, "No cluster leader"),
        ("forbidden", 403, "Permission denied"),
    ],
)
async def test_an_outage_answers_every_call_until_it_ends(agent: Agent, mode: str, status: int, text: str):
    switches = await agent.control("outage", {"mode": mode})
    assert switches["outage"] == mode
    for reply in (await agent.get("/v1/jobs"), await agent.register(a_job()), await agent.get("/v1/status/leader")):
        assert reply.status == status
        assert text in reply.text
    await agent.control("outage", {"mode": "none"})
    assert (await agent.get("/v1/jobs")).body == []


async def test_a_refusing_nomad_closes_the_connection_and_cuts_streams(agent: Agent):
    async with agent.stream("Job") as stream:
        await stream.content.readline()
        await agent.control("outage", {"mode": "refuse"})
        assert await ended(stream)
    with pytest.raises(aiohttp.ClientError):
        await agent.get("/v1/jobs")


async def test_a_hanging_nomad_answers_nothing_and_its_streams_are_silent(agent: Agent):
    async with agent.stream("Job") as stream:
        await stream.content.readline()
        await agent.control("outage", {"mode": "hang"})
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(agent.get("/v1/jobs"), 0.2)
        await agent.control("outage", {"mode": "none"})
        await agent.registered(a_job(count=0))
        assert json.loads(await stream.content.readline())["Index"]


async def test_tasks_that_mention_a_text_fail_until_that_is_lifted(agent: Agent):
    await agent.control("fail", {"namespace": "default", "job": "shop", "match": "v1.4.3"})
    bad = await agent.settled(await agent.registered(a_job(config={"image": "shop:v1.4.3"})))
    assert bad["StatusDescription"] == "Failed due to unhealthy allocations"
    other = await agent.settled(await agent.registered(a_job("cart", config={"image": "shop:v1.4.3"})))
    assert other["Status"] == "successful"
    await agent.control("fail", {"namespace": "default", "job": "shop", "match": "v1.4.3", "fail": False})
    again = await agent.settled(await agent.registered(a_job(config={"image": "shop:v1.4.3"}, meta={"again": "1"})))
    assert again["Status"] == "successful"


async def test_what_runs_already_fails_too(agent: Agent):
    await agent.deployed(a_job(env={"MODE": "fragile"}))
    await agent.control("fail", {"match": "fragile"})
    [failed] = await eventually(lambda: agent.allocations("shop"), lambda every: every[0]["ClientStatus"] == "failed")
    assert failed["TaskStates"]["app"]["Failed"] is True


async def test_what_failed_after_its_deployment_is_placed_again(agent: Agent):
    policy = {"Attempts": 3, "Interval": 3600 * SECOND, "Delay": 5 * SECOND, "DelayFunction": "constant"}
    job = await agent.deployed(a_job(env={"MODE": "fragile"}, reschedule={**policy, "Unlimited": False}))
    await agent.control("fail", {"match": "fragile"})
    await eventually(lambda: agent.allocations("shop"), lambda every: every[0]["ClientStatus"] == "failed")
    await agent.control("fail", {"match": "fragile", "fail": False})
    every = await eventually(
        lambda: agent.allocations("shop"),
        lambda some: some[0]["RescheduleTracker"] and some[0]["ClientStatus"] == "running",
    )
    assert every[0]["RescheduleTracker"]["Events"][0]["PrevAllocID"] == every[1]["ID"]
    assert (every[1]["DesiredStatus"], every[1]["NextAllocation"]) == ("stop", every[0]["ID"])
    assert (await agent.deployment_of(job))["Status"] == "successful"


async def test_a_change_from_outside_is_a_version_of_somebody_elses(agent: Agent):
    await agent.registered(a_job(count=0, env={"A": "1"}), Submission=SUBMISSION)
    await agent.control("change", {"namespace": "default", "job": "shop", "env": {"LOG_LEVEL": "debug"}})
    job = await agent.job("shop")
    assert (job["Version"], job["NomadTokenID"]) == (1, "someone")
    assert job["TaskGroups"][0]["Tasks"][0]["Env"] == {"A": "1", "LOG_LEVEL": "debug"}
    inherited = (await agent.get("/v1/job/shop/submission", version=1)).body
    assert inherited["Source"] == SUBMISSION["Source"]
    assert len((await agent.get("/sandbox/registers")).body) == 1


async def test_a_job_that_somebody_registered_by_hand_has_no_source_and_their_token(agent: Agent):
    await agent.control("register", {"namespace": "apps", "job": a_job(count=0, env={"DB_URL": "x"})})
    job = (await agent.get("/v1/job/shop", namespace="apps")).body
    assert (job["Version"], job["NomadTokenID"]) == (0, "someone")
    assert job["TaskGroups"][0]["Tasks"][0]["Env"] == {"DB_URL": "x"}
    assert (await agent.get("/v1/job/shop/submission", version=0, namespace="apps")).status == 404
    assert (await agent.get("/sandbox/registers")).body == []


async def test_the_state_shows_jobs_versions_and_allocations(agent: Agent):
    await agent.deployed(a_job())
    await agent.control("change", {"job": "shop", "env": {"LOG_LEVEL": "debug"}})
    await agent.settled(await agent.job("shop"))
    state = (await agent.get("/sandbox/state")).body
    assert (state["speed"], state["namespaces"]) == (100, ["apps", "default", "staging"])
    [job] = state["jobs"]
    assert (job["namespace"], job["id"], job["version"], job["image"]) == (
        "default",
        "shop",
        1,
        "registry.example/shop:v1.4.2",
    )
    assert [(one["version"], one["token"]) for one in job["versions"]] == [(1, "someone"), (0, None)]
    assert job["versions"][0]["env"] == {"LOG_LEVEL": "debug"}
    assert job["deployment"]["Status"] == "successful"
    newest = job["allocations"][0]
    assert (newest["version"], newest["client_status"], newest["healthy"]) == (1, "running", True)
    assert newest["event"] == "Task started by client"


async def test_the_page_is_told_of_every_change(agent: Agent):
    page = {"Origin": "http://127.0.0.1:8420"}
    async with agent.session.get(f"{agent.address}/sandbox/events", headers=page) as events:
        assert events.headers["Access-Control-Allow-Origin"] == page["Origin"]
        assert events.headers["Content-Type"] == "text/event-stream"
        before = json.loads((await events.content.readline()).removeprefix(b"data: "))["index"]
        await agent.registered(a_job(count=0))
        await events.content.readline()
        after = json.loads((await events.content.readline()).removeprefix(b"data: "))["index"]
    assert after > before


async def test_the_speed_can_be_changed_while_a_deployment_runs(agent: Agent):
    await agent.control("speed", {"speed": 1})
    job = await agent.registered(a_job())
    await agent.deployment_of(job)
    assert await agent.control("speed", {"speed": 200}) == {"speed": 200}
    assert (await agent.settled(job))["Status"] == "successful"


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("outage", {"mode": "earthquake"}),
        ("speed", {"speed": 0}),
        ("speed", {"speed": "fast"}),
        ("fail", {}),
        ("fail", {"match": ""}),
        ("capacity", {"memory_mb": -1}),
        ("next-register", {"answer": "maybe"}),
        ("next-register", {"when": "sometimes"}),
        ("next-register", {"answer": {"status": 500}}),
        ("change", {"job": 7, "env": {}}),
        ("change", []),
    ],
)
async def test_nonsense_is_refused_in_words(agent: Agent, what: str, body: object):
    reply = await agent.post(f"/sandbox/{what}", body)
    assert reply.status == 400
    assert "must be" in reply.text


async def test_a_page_on_this_machine_may_call_and_others_may_not(agent: Agent):
    for origin, allowed in (("http://127.0.0.1:8420", "http://127.0.0.1:8420"), ("https://elsewhere.example", None)):
        async with agent.session.options(f"{agent.address}/sandbox/fail", headers={"Origin": origin}) as answer:
            assert answer.headers.get("Access-Control-Allow-Origin") == allowed


async def test_another_version_and_another_clock_can_be_pretended(agent: Agent):
    before = (await agent.get("/v1/agent/self")).body["config"]["Version"]["Version"]
    await agent.control("pretend", {"version": "1.8.4", "clock": 3600})
    reply = await agent.get("/v1/agent/self")
    assert reply.body["config"]["Version"]["Version"] == "1.8.4"
    ahead = parsedate_to_datetime(reply.headers["Date"]) - datetime.now(UTC)
    assert 3590 < ahead.total_seconds() <= 3600
    await agent.control("pretend", {})
    assert (await agent.get("/v1/agent/self")).body["config"]["Version"]["Version"] == before


@pytest.mark.parametrize(
    ("path", "capability"),
    [
        ("/v1/jobs?namespace=apps", "list-jobs"),
        ("/v1/job/shop?namespace=apps", "read-job"),
        ("/v1/deployments?namespace=apps", "read-job"),
        ("/v1/client/fs/logs/x?namespace=apps", "read-logs"),
    ],
)
async def test_with_pretended_acls_a_call_takes_its_capability(agent: Agent, path: str, capability: str):
    await agent.control("pretend", {"acl": "client", "capabilities": {"apps": []}})
    reply = await agent.get(path)
    assert (reply.status, reply.text) == (403, "Permission denied")
    await agent.control("pretend", {"acl": "client", "capabilities": {"apps": [capability]}})
    assert (await agent.get(path)).status != 403
    assert (await agent.get(path.replace("apps", "staging"))).status == 403


async def test_a_register_takes_its_capability_and_leaders_take_none(agent: Agent):
    await agent.control("pretend", {"acl": "client", "capabilities": {"default": ["read-job"]}})
    assert (await agent.register(a_job())).status == 403
    assert (await agent.get("/v1/agent/self")).status == 403
    assert (await agent.get("/v1/status/leader")).status == 200
    await agent.control("pretend", {"acl": "client", "capabilities": {"default": ["register-job"]}})
    assert (await agent.register(a_job())).status == 200


async def test_a_token_reads_its_own_policy_and_no_other(agent: Agent):
    await agent.control("pretend", {"acl": "client", "capabilities": {"apps": ["read-job"]}})
    [name] = (await agent.get("/v1/acl/token/self")).body["Policies"]
    [block] = (await agent.get(f"/v1/acl/policy/{name}")).body["RulesJSON"]["Namespaces"]
    assert (block["Name"], block["Capabilities"]) == ("apps", ["read-job"])
    assert (await agent.get("/v1/acl/policy/another")).status == 403
    assert (await agent.get("/v1/namespace/apps?namespace=apps")).status == 200
    assert (await agent.get("/v1/namespace/staging?namespace=staging")).status == 403


async def test_what_is_pretended_has_a_name(agent: Agent):
    reply = await agent.post("/sandbox/pretend", {"acl": "perhaps"})
    assert (reply.status, '"acl" must be one of off, unknown' in reply.text) == (400, True)
