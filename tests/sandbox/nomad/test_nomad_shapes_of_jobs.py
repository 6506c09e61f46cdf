"""Jobs of other shapes: several groups and tasks, system jobs, odd deadlines, places that are not there."""

from __future__ import annotations

import asyncio
from copy import deepcopy

from tests.sandbox.nomad.agent import BAD, SECOND, Agent, Json, a_job, counters, eventually


def with_groups(*names: str, **images: str) -> Json:
    job = a_job()
    group = job["TaskGroups"][0]
    job["TaskGroups"] = [{**deepcopy(group), "Name": name} for name in names]
    for each in job["TaskGroups"]:
        each["Tasks"][0]["Config"]["image"] = images.get(each["Name"], "shop:1")
    return job


def with_tasks(*tasks: Json) -> Json:
    job = a_job()
    [task] = job["TaskGroups"][0]["Tasks"]
    job["TaskGroups"][0]["Tasks"] = [{**deepcopy(task), **one} for one in tasks]
    return job


async def alive(agent: Agent) -> list[Json]:
    return [one for one in await agent.allocations("shop") if one["DesiredStatus"] == "run"]


async def test_only_the_changed_group_is_in_the_deployment(agent: Agent):
    await agent.deployed(with_groups("web", "api"))
    job = await agent.registered(with_groups("web", "api", api="shop:2"))
    end = await agent.settled(job)
    assert end["Status"] == "successful"
    assert end["TaskGroups"]["api"]["PlacedAllocs"] == 1
    versions = {one["TaskGroup"]: one["JobVersion"] for one in await alive(agent)}
    assert versions == {"web": 1, "api": 1}


async def test_a_removed_group_is_stopped(agent: Agent):
    await agent.deployed(with_groups("web", "api"))
    plan = (await agent.post("/v1/job/shop/plan", {"Job": with_groups("web"), "Diff": True})).body
    assert plan["Annotations"]["DesiredTGUpdates"]["api"]["Stop"] == 1
    await agent.registered(with_groups("web"))
    await eventually(lambda: alive(agent), lambda some: [one["TaskGroup"] for one in some] == ["web"])


async def test_the_sibling_of_a_failed_task_is_ended(agent: Agent):
    await agent.registered(with_tasks({"Name": "app"}, {"Name": "bad", "Config": BAD}))
    [failed] = await eventually(
        lambda: agent.allocations("shop"), lambda every: every and every[0]["ClientStatus"] == "failed"
    )
    states = failed["TaskStates"]
    assert (states["bad"]["Failed"], states["app"]["Failed"]) == (True, False)
    assert 'Task\'s sibling "bad" failed' in [event["DisplayMessage"] for event in states["app"]["Events"]]


async def test_a_prestart_task_is_through_before_the_others_run(agent: Agent):
    hook = {"Hook": "prestart", "Sidecar": False}
    await agent.deployed(with_tasks({"Name": "migrate", "Lifecycle": hook}, {"Name": "app"}))
    [one] = await alive(agent)
    assert {name: state["State"] for name, state in one["TaskStates"].items()} == {"migrate": "dead", "app": "running"}


async def test_what_keeps_restarting_is_unhealthy_at_its_deadline(agent: Agent):
    job = a_job(config=BAD, update={"HealthyDeadline": 20 * SECOND, "ProgressDeadline": 30 * SECOND})
    policy = {"Attempts": 1, "Mode": "delay", "Delay": 5 * SECOND, "Interval": 1800 * SECOND}
    job["TaskGroups"][0]["RestartPolicy"] = policy
    end = await agent.settled(await agent.registered(job))
    assert (end["StatusDescription"], counters(end)["UnhealthyAllocs"]) == ("Failed due to unhealthy allocations", 1)
    [one] = await agent.allocations("shop")
    assert one["ClientStatus"] != "failed"
    assert one["DeploymentStatus"]["Healthy"] is False
    said = [
        event["DisplayMessage"] for event in one["TaskStates"]["app"]["Events"] if event["Type"] == "Alloc Unhealthy"
    ]
    assert said[0].startswith("Task not running for min_healthy_time of 10s by healthy_deadline of 20s")


async def test_the_deadline_of_an_earlier_deployment_judges_nothing_in_a_later_one(agent: Agent):
    await agent.deployed(a_job(update={"HealthyDeadline": 40 * SECOND}))
    slow = {"MinHealthyTime": 1200 * SECOND, "HealthyDeadline": 2400 * SECOND, "ProgressDeadline": 3600 * SECOND}
    job = await agent.registered(a_job(update=slow))
    [kept] = await eventually(lambda: alive(agent), lambda some: some[0]["JobVersion"] == 1)
    assert kept["DeploymentStatus"] is None
    # until well behind the first deployment's forty seconds
    await asyncio.sleep(0.6)
    [kept] = await alive(agent)
    assert kept["DeploymentStatus"] is None
    assert (await agent.deployment_of(job))["Status"] == "running"


async def test_without_a_progress_deadline_the_first_unhealthy_one_ends_it(agent: Agent):
    patient = {"Attempts": 0, "Delay": 30 * SECOND, "DelayFunction": "constant", "Unlimited": True}
    job = a_job(config=BAD, reschedule=patient, update={"ProgressDeadline": 0})
    end = await agent.settled(await agent.registered(job))
    assert end["StatusDescription"] == "Failed due to unhealthy allocations"


async def test_a_manual_health_check_is_nobodys_to_answer_but_the_deadlines(agent: Agent):
    job = a_job(update={"HealthCheck": "manual", "HealthyDeadline": 20 * SECOND, "ProgressDeadline": 30 * SECOND})
    end = await agent.settled(await agent.registered(job))
    assert end["StatusDescription"] == "Failed due to progress deadline"


async def test_a_datacenter_without_nodes_places_nothing_and_says_so(agent: Agent):
    answer = (await agent.register({**a_job(), "Datacenters": ["mars"]})).body
    path = f"/v1/evaluation/{answer['EvalID']}"
    ended = (await eventually(lambda: agent.get(path), lambda reply: reply.body["Status"] == "complete")).body
    metric = ended["FailedTGAllocs"]["web"]
    assert (metric["NodesAvailable"], metric["NodesEvaluated"], metric["NodesInPool"]) == ({}, 0, 3)
    assert ended["BlockedEval"]


async def test_a_constraint_that_no_node_meets_is_named_by_a_plan(agent: Agent):
    pink = {"LTarget": "${meta.colour}", "RTarget": "pink", "Operand": "="}
    plan = (await agent.post("/v1/job/shop/plan", {"Job": {**a_job(), "Constraints": [pink]}, "Diff": True})).body
    assert plan["FailedTGAllocs"]["web"]["ConstraintFiltered"] == {"${meta.colour} = pink": 3}
    assert plan["CreatedEvals"][0]["Status"] == "blocked"


async def test_a_replacement_without_room_leaves_the_old_one_running(agent: Agent):
    await agent.deployed(a_job())
    await agent.registered(a_job(memory=2**30))
    blocked = await eventually(
        lambda: agent.get("/v1/evaluations"), lambda reply: any(one["Status"] == "blocked" for one in reply.body)
    )
    assert [one["JobVersion"] for one in await alive(agent)] == [0]
    await agent.registered(a_job(memory=65))
    waiting = next(one["ID"] for one in blocked.body if one["Status"] == "blocked")
    ended = await eventually(
        lambda: agent.get(f"/v1/evaluation/{waiting}"), lambda reply: reply.body["Status"] == "canceled"
    )
    assert ended.body["StatusDescription"].endswith('" successful')


async def test_a_system_job_is_updated_node_by_node(agent: Agent):
    def system(image: str, **more: object) -> Json:
        job = {**a_job(config={"image": image}), "Type": "system", **more}
        del job["TaskGroups"][0]["ReschedulePolicy"]
        return job

    await agent.deployed(system("shop:1"))
    plan = (await agent.post("/v1/job/shop/plan", {"Job": system("shop:2"), "Diff": True})).body
    updates = plan["Annotations"]["DesiredTGUpdates"]["web"]
    assert (updates["DestructiveUpdate"], updates["Place"]) == (3, 3)
    await agent.deployed(system("shop:2"))
    assert [one["JobVersion"] for one in await alive(agent)] == [1, 1, 1]
    await agent.deployed(system("shop:2", Priority=60))
    assert [one["JobVersion"] for one in await alive(agent)] == [2, 2, 2]
    await agent.registered(system("shop:2", Datacenters=["mars"]))
    await eventually(lambda: alive(agent), lambda some: some == [])


async def test_lists_are_filtered_by_namespace_prefix_and_number(agent: Agent):
    await agent.deployed(a_job("cart"))
    await agent.deployed(a_job("shop"))
    for kind in ("deployments", "evaluations", "allocations"):
        every = (await agent.get(f"/v1/{kind}", namespace="*")).body
        assert {one["JobID"] for one in every} == {"cart", "shop"}
        newest = (await agent.get(f"/v1/{kind}", reverse="true", per_page="1")).body
        assert [one["ID"] for one in newest] == [every[-1]["ID"]]
        assert [one["ID"] for one in (await agent.get(f"/v1/{kind}", prefix=every[0]["ID"])).body] == [every[0]["ID"]]
        assert (await agent.get(f"/v1/{kind}", namespace="staging")).body == []
    deployment = await agent.latest("shop")
    assert deployment
    placed = (await agent.get(f"/v1/deployment/allocations/{deployment['ID']}")).body
    assert [one["JobID"] for one in placed] == ["shop"]
    by_evaluation = (await agent.get(f"/v1/evaluation/{placed[0]['EvalID']}/allocations")).body
    assert [one["ID"] for one in by_evaluation] == [placed[0]["ID"]]


async def test_the_log_of_a_service_says_what_it_is(agent: Agent):
    await agent.deployed(a_job())
    [one] = await alive(agent)
    path = f"/v1/client/fs/logs/{one['ID']}"
    text = (await agent.get(path, task="app", type="stdout", plain="true")).text
    assert "starting registry.example/shop:v1.4.2" in text
    assert text.endswith("ready\n")
    tail = (await agent.get(path, task="app", type="stdout", plain="true", origin="end", offset="6")).text
    assert tail == "ready\n"
    for query in ({}, {"task": "app", "type": "stdall"}):
        assert (await agent.get(path, **query)).status == 400


async def test_the_log_of_a_failed_task_says_that_it_ended(agent: Agent):
    await agent.control("fail", {"match": "v1.4.2"})
    await agent.registered(a_job())
    [one] = await eventually(
        lambda: agent.allocations("shop"), lambda every: every and every[0]["ClientStatus"] == "failed"
    )
    path = f"/v1/client/fs/logs/{one['ID']}"
    assert "exit status 1" in (await agent.get(path, task="app", type="stderr", plain="true")).text
