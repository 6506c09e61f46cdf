"""Deployments over HTTP, held against what Nomad's own scheduler and watcher did with the same stories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.recorded import transcripts
from tests.sandbox.nomad.agent import BAD, ONCE, SECOND, Agent, Json, a_job, counters, eventually

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SLOW = {"MinHealthyTime": 1200 * SECOND, "HealthyDeadline": 2400 * SECOND, "ProgressDeadline": 3600 * SECOND}


def shop(image: str, *, update: Json | None = None, **options: Any) -> Json:
    config = BAD if image == "bad" else {"image": f"shop:{image}"}
    return a_job(count=3, config=config, update={"MaxParallel": 1, **(update or {})}, **options)


async def canary(agent: Agent, image: str, **update: Any) -> Json:
    """The deployment of a version with one canary, once that is healthy."""
    job = await agent.registered(shop(image, update={"Canary": 1, **update}))
    found = await agent.deployment_of(job)
    return await agent.deployment_when(found["ID"], lambda one: counters(one)["HealthyAllocs"] == 1)


async def first_deploy(agent: Agent) -> None:
    await agent.deployed(shop("a"))


async def rolling_update(agent: Agent) -> None:
    await agent.deployed(shop("a"))
    await agent.deployed(shop("b"))


async def canary_manual_promote(agent: Agent) -> None:
    await rolling_update(agent)
    found = await canary(agent, "c")
    assert (await agent.post(f"/v1/deployment/promote/{found['ID']}", {"All": True})).status == 200
    await agent.deployment_when(found["ID"], lambda one: one["Status"] == "successful")


async def canary_failed_by_user(agent: Agent) -> None:
    await canary_manual_promote(agent)
    found = await canary(agent, "d")
    assert (await agent.post(f"/v1/deployment/fail/{found['ID']}")).status == 200


async def canary_auto_promote(agent: Agent) -> None:
    await agent.deployed(shop("a"))
    await agent.deployed(shop("b", update={"Canary": 2, "AutoPromote": True}))


async def auto_revert_unhealthy(agent: Agent) -> None:
    await agent.deployed(shop("a", reschedule=ONCE, update={"AutoRevert": True}))
    bad = await agent.registered(shop("bad", reschedule=ONCE, update={"AutoRevert": True}))
    assert (await agent.settled(bad))["Status"] == "failed"
    await eventually(lambda: agent.latest("shop"), lambda one: one["Status"] == "successful")


async def auto_revert_no_stable(agent: Agent) -> None:
    # so long that all three have failed before the first is replaced, however busy this machine is
    later = {**ONCE, "Delay": 300 * SECOND}
    patient = {"HealthyDeadline": 2400 * SECOND, "ProgressDeadline": 3600 * SECOND}
    update = {"AutoRevert": True, "MaxParallel": 3, **patient}
    bad = await agent.registered(shop("bad", reschedule=later, update=update))
    assert (await agent.settled(bad))["Status"] == "failed"
    await eventually(lambda: agent.job("shop"), lambda one: one["Status"] == "dead")


async def failed_by_user_auto_revert(agent: Agent) -> None:
    await agent.deployed(shop("a", update={"AutoRevert": True}))
    found = await canary(agent, "b", AutoRevert=True)
    answer = (await agent.post(f"/v1/deployment/fail/{found['ID']}")).body
    assert answer["RevertedJobVersion"] == 0
    await eventually(lambda: agent.latest("shop"), lambda one: one["Status"] == "successful")


async def stopped_mid_deployment(agent: Agent) -> None:
    await agent.registered(shop("a", update=SLOW))
    await eventually(lambda: agent.allocations("shop"), running(3))
    assert (await agent.call("DELETE", "/v1/job/shop")).body["EvalID"]


async def no_capacity(agent: Agent) -> None:
    job = await agent.registered(a_job(memory=2**30))
    found = await agent.deployment_of(job)
    assert (counters(found)["RequireProgressBy"], found["ModifyTime"]) == (None, 0)


async def pause_resume(agent: Agent) -> None:
    await agent.deployed(shop("a"))
    found = await agent.deployment_of(await agent.registered(shop("b")))
    path = f"/v1/deployment/pause/{found['ID']}"
    assert (await agent.post(path, {"Pause": True})).body["EvalID"] == ""
    paused = await agent.deployment_when(found["ID"], lambda one: counters(one)["HealthyAllocs"] == 1)
    assert (paused["Status"], paused["StatusDescription"]) == ("paused", "Deployment is paused")
    assert (await agent.post(path, {"Pause": False})).body["EvalID"]
    await agent.deployment_when(found["ID"], lambda one: one["Status"] == "successful")


async def revert(agent: Agent) -> None:
    await rolling_update(agent)
    assert (await agent.post("/v1/job/shop/revert", {"JobID": "shop", "JobVersion": 0})).status == 200
    await eventually(lambda: agent.job("shop"), lambda one: one["Stable"])


STORIES: dict[str, Callable[[Agent], Awaitable[None]]] = {
    "first_deploy": first_deploy,
    "rolling_update_max_parallel_1": rolling_update,
    "canary_manual_promote": canary_manual_promote,
    "canary_failed_by_user_no_autorevert": canary_failed_by_user,
    "canary_auto_promote": canary_auto_promote,
    "auto_revert_unhealthy": auto_revert_unhealthy,
    "auto_revert_no_stable": auto_revert_no_stable,
    "failed_by_user_autorevert": failed_by_user_auto_revert,
    "stopped_mid_deployment": stopped_mid_deployment,
    "no_capacity_never_times_out": no_capacity,
    "pause_resume": pause_resume,
    "revert": revert,
}


def running(count: int) -> Callable[[list[Json]], bool]:
    return lambda every: [one["ClientStatus"] for one in every if one["DesiredStatus"] == "run"] == ["running"] * count


def by_health(allocations: list[list[Any]]) -> list[list[Any]]:
    """Version, what is wanted, what is, and health, in order.

    Of several that fail at nearly the same time, Nomad judges those that it sees before the first has failed the
    deployment: which these are is chance, so a failed one counts as unhealthy.
    """
    return sorted(([*one[:3], one[3] or (False if one[2] == "failed" else one[3])] for one in allocations), key=str)


async def outcome(agent: Agent) -> Json:
    """What the story has left behind, in the form of the recorded ones."""
    job = await agent.job("shop")
    health = [
        [one["JobVersion"], one["DesiredStatus"], one["ClientStatus"], (one["DeploymentStatus"] or {}).get("Healthy")]
        for one in await agent.allocations("shop")
    ]
    deployments = (await agent.get("/v1/job/shop/deployments")).body
    return {
        "final": {name: job[name] for name in ("Version", "Stable", "Status", "Stop")},
        "allocs": by_health(health),
        "deployments": sorted([one["JobVersion"], one["Status"], one["StatusDescription"]] for one in deployments),
    }


@pytest.mark.parametrize("name", STORIES)
async def test_a_story_ends_as_nomads_own(agent: Agent, name: str):
    recorded = transcripts()[name]
    wanted = {**recorded, "allocs": by_health(recorded["allocs"]), "deployments": sorted(recorded["deployments"])}
    await STORIES[name](agent)
    seen = await eventually(lambda: outcome(agent), lambda one: all(one[part] == wanted[part] for part in one))
    assert seen["final"] == recorded["final"]


async def test_a_first_deploy_makes_the_job_stable_without_moving_its_spec_index(agent: Agent):
    before = await agent.registered(shop("a", update={"MaxParallel": 3}))
    end = await agent.settled(before)
    assert (end["Status"], end["StatusDescription"]) == ("successful", "Deployment completed successfully")
    assert (counters(end)["PlacedAllocs"], counters(end)["HealthyAllocs"]) == (3, 3)
    after = await agent.job("shop")
    assert (after["Stable"], after["JobModifyIndex"]) == (True, before["JobModifyIndex"])
    assert after["ModifyIndex"] > before["ModifyIndex"]


async def test_a_rolling_update_never_has_two_undecided(agent: Agent):
    await agent.deployed(shop("a"))
    job = await agent.registered(shop("b"))
    seen: list[Json] = []

    def over(one: Json) -> bool:
        seen.append(counters(one))
        return bool(one["Status"] == "successful")

    await agent.deployment_when((await agent.deployment_of(job))["ID"], over)
    assert {one["PlacedAllocs"] - one["HealthyAllocs"] for one in seen} <= {0, 1}


async def test_a_canary_waits_and_is_promoted_only_once_healthy(agent: Agent):
    await agent.deployed(shop("a"))
    job = await agent.registered(shop("b", update={"Canary": 1, **SLOW}))
    found = await agent.deployment_of(job)
    assert found["StatusDescription"] == "Deployment is running but requires manual promotion"
    refused = await agent.post(f"/v1/deployment/promote/{found['ID']}", {"All": True})
    text = '1 error occurred:\n\t* Task group "web" has 0/1 healthy allocations\n\n'
    assert (refused.status, refused.text) == (500, text)
    other = await agent.post(f"/v1/deployment/promote/{found['ID']}", {"Groups": ["nope"]})
    assert other.status == 200
    assert counters(await agent.deployment(found["ID"]))["Promoted"] is False


async def test_a_newer_version_cancels_the_deployment(agent: Agent):
    old = await agent.deployment_of(await agent.registered(shop("a", update=SLOW)))
    await agent.registered(shop("b", update=SLOW))
    end = await agent.deployment_when(old["ID"], lambda one: one["Status"] == "cancelled")
    assert end["StatusDescription"] == "Cancelled due to newer version of job"


async def test_a_task_that_never_gets_healthy_meets_the_progress_deadline(agent: Agent):
    patient = {"Attempts": 0, "Delay": 300 * SECOND, "DelayFunction": "constant", "MaxDelay": 0, "Unlimited": True}
    update = {"HealthyDeadline": 20 * SECOND, "ProgressDeadline": 30 * SECOND}
    end = await agent.settled(await agent.registered(shop("bad", reschedule=patient, update=update)))
    assert end["StatusDescription"] == "Failed due to progress deadline"


async def test_a_rollback_to_the_same_specification_is_not_tried_again(agent: Agent):
    await agent.deployed(shop("a", update={"AutoRevert": True}))
    await agent.control("fail", {"match": "shop:a"})
    answer = (await agent.register(shop("a", update={"AutoRevert": True}, meta={"again": "1"}))).body
    # not the job as it is now: the rollback may be faster than we are
    job = {"ID": "shop", "JobModifyIndex": answer["JobModifyIndex"]}
    assert (await agent.settled(job))["StatusDescription"].endswith(" - rolling back to job version 0")
    latest = await eventually(
        lambda: agent.latest("shop"), lambda one: one["JobVersion"] == 2 and one["Status"] == "failed"
    )
    ending = " - not rolling back to stable job version 2 as current job has same specification"
    assert latest["StatusDescription"].endswith(ending)


async def test_a_rollback_to_a_version_with_canaries_waits_for_promotion(agent: Agent):
    careful = {"AutoRevert": True, "Canary": 1}
    await agent.deployed(shop("a", update=careful))
    bad = await agent.settled(await agent.registered(shop("bad", update={"AutoRevert": True})))
    latest = await eventually(lambda: agent.latest("shop"), lambda one: one["ID"] != bad["ID"])
    assert latest["StatusDescription"] == "Deployment is running but requires manual promotion"
    healthy = await agent.deployment_when(latest["ID"], lambda one: counters(one)["HealthyAllocs"] == 3)
    assert healthy["Status"] == "running"
    await agent.post(f"/v1/deployment/promote/{latest['ID']}", {"All": True})
    await agent.deployment_when(latest["ID"], lambda one: one["Status"] == "successful")


async def test_the_failed_specification_again_deploys_nothing(agent: Agent):
    job = await agent.registered(shop("bad"))
    await agent.settled(job)
    answer = (await agent.register(shop("bad"))).body
    await eventually(
        lambda: agent.get(f"/v1/evaluation/{answer['EvalID']}"), lambda reply: reply.body["Status"] == "complete"
    )
    statuses = [one["Status"] for one in (await agent.get("/v1/job/shop/deployments")).body]
    assert (statuses, (await agent.job("shop"))["Version"]) == (["failed"], 0)


async def test_no_capacity_blocks_until_there_is_room(agent: Agent):
    answer = (await agent.register(a_job(memory=40_000))).body
    path = f"/v1/evaluation/{answer['EvalID']}"
    ended = (await eventually(lambda: agent.get(path), lambda reply: reply.body["Status"] == "complete")).body
    assert ended["QueuedAllocations"] == {"web": 1}
    assert ended["FailedTGAllocs"]["web"]["DimensionExhausted"] == {"memory": 3}
    blocked = (await agent.get(f"/v1/evaluation/{ended['BlockedEval']}")).body
    assert (blocked["Status"], blocked["StatusDescription"]) == ("blocked", "created to place remaining allocations")
    await agent.control("capacity", {"memory_mb": 50_000})
    end = await agent.settled(await agent.job("shop"))
    assert end["Status"] == "successful"


@pytest.mark.parametrize("verb", ["promote", "fail", "pause", "resume"])
async def test_an_ended_deployment_refuses_every_verb(agent: Agent, verb: str):
    ended = await agent.deployment_of(await agent.deployed(a_job()))
    name = "pause" if verb == "resume" else verb
    body = {"All": True, "Pause": verb == "pause"}
    reply = await agent.post(f"/v1/deployment/{name}/{ended['ID']}", body)
    assert (reply.status, reply.text) == (500, f"can't {verb} terminal deployment")


@pytest.mark.parametrize("kind", ["batch", "sysbatch", "none wanted", "no waves"])
async def test_kinds_without_a_deployment(agent: Agent, kind: str):
    job = a_job(count=0 if kind == "none wanted" else 1, update={"MaxParallel": 0 if kind == "no waves" else 1})
    if kind.endswith("batch"):
        job["Type"] = kind
        group = job["TaskGroups"][0]
        group["Update"] = None
        del group["ReschedulePolicy"]
    answer = (await agent.register(job)).body
    path = f"/v1/evaluation/{answer['EvalID']}"
    await eventually(lambda: agent.get(path), lambda reply: reply.body["Status"] == "complete")
    assert await agent.latest("shop") is None
    if kind.endswith("batch"):
        await eventually(
            lambda: agent.allocations("shop"), lambda every: {one["ClientStatus"] for one in every} == {"complete"}
        )
        await eventually(lambda: agent.job("shop"), lambda one: one["Status"] == "dead")


async def test_a_failed_allocation_says_why(agent: Agent):
    await agent.registered(a_job(config=BAD))
    [failed] = await eventually(
        lambda: agent.allocations("shop"), lambda every: every and every[0]["ClientStatus"] == "failed"
    )
    state = (await agent.get(f"/v1/allocation/{failed['ID']}")).body["TaskStates"]["app"]
    assert (state["State"], state["Failed"]) == ("dead", True)
    said = [(event["Type"], event["DisplayMessage"]) for event in state["Events"]]
    assert said == [
        ("Received", "Task received by client"),
        ("Task Setup", "Building Task Directory"),
        ("Started", "Task started by client"),
        ("Terminated", "Exit Code: 1"),
        ("Not Restarting", "Policy allows no restarts"),
        ("Alloc Unhealthy", "Unhealthy because of failed task"),
    ]


async def test_a_failing_task_is_started_again_as_its_policy_says(agent: Agent):
    job = a_job(config=BAD)
    policy = {"Attempts": 2, "Mode": "fail", "Delay": 2 * SECOND, "Interval": 1800 * SECOND}
    job["TaskGroups"][0]["RestartPolicy"] = policy
    await agent.registered(job)
    [failed] = await eventually(
        lambda: agent.allocations("shop"), lambda every: every and every[0]["ClientStatus"] == "failed"
    )
    state = failed["TaskStates"]["app"]
    assert state["Restarts"] == 2
    given_up = 'Exceeded allowed attempts 2 in interval 30m0s and mode is "fail"'
    assert given_up in [event["DisplayMessage"] for event in state["Events"]]


async def test_a_system_job_runs_on_every_node_and_has_a_deployment(agent: Agent):
    job = {**a_job(), "Type": "system"}
    del job["TaskGroups"][0]["ReschedulePolicy"]
    end = await agent.settled(await agent.registered(job))
    assert (end["Status"], counters(end)["HealthyAllocs"]) == ("successful", 3)
    assert len({one["NodeID"] for one in await agent.allocations("shop")}) == 3
