"""Observe: rollouts followed to their ends, judged as the worker does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.deploy.follow import judge
from bot.domain.deploy.rollout import OurVersion, RolloutKind, RolloutStatus
from bot.domain.deploy.sentences import waiting_for, why_ended
from bot.errors import NomadForbidden, NomadUnavailable
from tests.clocks import NOON
from tests.gateways.nomad.worlds import SECOND, a_batch, a_service, eventually

SUCCEEDED, FAILED = RolloutStatus.SUCCEEDED, RolloutStatus.FAILED
RUNNING, SUPERSEDED = RolloutStatus.RUNNING, RolloutStatus.SUPERSEDED
SLOW = {"MinHealthyTime": 600 * SECOND, "HealthyDeadline": 1200 * SECOND, "ProgressDeadline": 1800 * SECOND}


GOOD = {"command": "/bin/sleep", "args": ["3600"]}


def a_sysbatch(job_id, **options):
    job = a_batch(job_id, Type="sysbatch", **options)
    del job["TaskGroups"][0]["ReschedulePolicy"]
    return job


def a_system(job_id, **options):
    job = a_service(job_id, **options)
    del job["TaskGroups"][0]["ReschedulePolicy"]
    return {**job, "Type": "system"}


def with_memory(job, memory):
    job["TaskGroups"][0]["Tasks"][0]["Resources"]["MemoryMB"] = memory
    return job


def nowhere(job):
    job["TaskGroups"][0]["Constraints"] = [{"LTarget": "${attr.kernel.name}", "RTarget": "nosuch", "Operand": "="}]
    return job


async def followed(world, rollout):
    """The rollout at its end, and what it brought besides; the notes on the way are on the world."""
    current = [rollout]

    async def look():
        seen = await world.nomad.observe(world.namespace, world.job_id, current[0])
        current[:] = judge(current[0], seen, NOON)
        return current

    ended, *more = await eventually(look, lambda found: found[0].status is not RUNNING)
    return ended, more


async def deployed(world, job, base=0):
    rollout = await world.rolling(job, base)
    ended, _ = await followed(world, rollout)
    assert ended.status is SUCCEEDED, ended.detail
    return await world.live()


async def test_a_first_deployment_to_its_success(world):
    rollout = await world.rolling(a_service(world.job_id, count=2))
    seen = await world.observed(rollout, lambda seen: seen.deployment is not None)
    assert seen.deployment.job_spec_modify_index == rollout.job_modify_index
    assert seen.wanted == {"web": 2}
    assert seen.deployment_expected
    assert seen.progress_deadline == timedelta(seconds=10)
    ended, _ = await followed(world, rollout)
    assert (ended.status, ended.detail) == (SUCCEEDED, "Deployment completed successfully")
    assert (ended.healthy, ended.wanted) == (2, 2)
    seen = await world.nomad.observe(world.namespace, world.job_id, rollout)
    assert seen.stable
    assert {each.client_status for each in seen.allocations} == {"running"}


async def test_a_failure_has_its_first_event_and_exit_code(world):
    ended, more = await followed(world, await world.rolling(a_service(world.job_id, good=False)))
    assert (ended.status, more) == (FAILED, [])
    assert ended.failure.event == "Terminated"
    assert ended.failure.exit_code == 1
    assert (ended.failure.group, ended.failure.task) == ("web", "app")
    assert "Exit Code: 1" in why_ended(ended)


async def test_an_automatic_revert_is_followed_to_its_own_end(world):
    update = {"AutoRevert": True}
    live = await deployed(world, a_service(world.job_id, update=update))
    bad = a_service(world.job_id, good=False, update=update)
    ended, (revert,) = await followed(world, await world.rolling(bad, live["JobModifyIndex"]))
    assert (ended.status, ended.reverted_to) == (FAILED, 0)
    assert "Nomad reverted to version 0, as version 2" in why_ended(ended)
    assert (revert.kind, revert.job_version) == (RolloutKind.REVERT, 2)
    assert revert.job_modify_index == (await world.live())["JobModifyIndex"]
    back, _ = await followed(world, revert)
    assert back.status is SUCCEEDED


async def test_canaries_wait_for_people(world):
    live = await deployed(world, a_service(world.job_id, count=2))
    job = a_service(world.job_id, count=2, env={"A": "1"}, update={"Canary": 1})
    rollout = await world.rolling(job, live["JobModifyIndex"])
    healthy = lambda seen: seen.deployment and seen.deployment.groups[0].healthy == 1  # noqa: E731 - read once
    seen = await world.observed(rollout, healthy)
    (told,) = judge(rollout, seen, NOON)
    command = f"nomad deployment promote {seen.deployment.id}"
    assert waiting_for(told) == f"waiting for canary promotion (1 of 1 healthy), without a time limit: {command}"
    body = {"DeploymentID": seen.deployment.id, "All": True}
    await world.call("POST", f"deployment/promote/{seen.deployment.id}", body)
    ended, _ = await followed(world, told)
    assert ended.status is SUCCEEDED


async def test_a_revert_to_a_version_with_canaries_waits_for_people(world):
    careful = {"AutoRevert": True, "Canary": 1, "MaxParallel": 2}
    live = await deployed(world, a_service(world.job_id, count=2, update=careful))
    bad = a_service(world.job_id, count=2, good=False, update={"AutoRevert": True})
    ended, (revert,) = await followed(world, await world.rolling(bad, live["JobModifyIndex"]))
    assert ended.status is FAILED
    healthy = lambda seen: seen.deployment and seen.deployment.groups[0].healthy == 2  # noqa: E731 - read once
    seen = await world.observed(revert, healthy)
    (told,) = judge(revert, seen, NOON)
    assert told.status is RUNNING
    assert waiting_for(told).startswith(
        "Nomad's own rollback is waiting for canary promotion (1 of 1 healthy), without a time limit"
    )
    body = {"DeploymentID": seen.deployment.id, "All": True}
    await world.call("POST", f"deployment/promote/{seen.deployment.id}", body)
    back, _ = await followed(world, told)
    assert back.status is SUCCEEDED


async def test_a_paused_one_says_how_it_goes_on(world):
    rollout = await world.rolling(a_service(world.job_id, update=SLOW))
    seen = await world.observed(rollout, lambda seen: seen.deployment)
    body = {"DeploymentID": seen.deployment.id, "Pause": True}
    await world.call("POST", f"deployment/pause/{seen.deployment.id}", body)
    (told,) = judge(rollout, await world.observed(rollout, lambda seen: seen.deployment.status == "paused"), NOON)
    assert waiting_for(told) == f"paused in Nomad: nomad deployment resume {seen.deployment.id}"


async def test_no_room_goes_on_and_says_so(world):
    rollout = await world.rolling(a_service(world.job_id, memory=2**30))
    seen = await world.observed(rollout, lambda seen: seen.unplaced)
    (told,) = judge(rollout, seen, NOON)
    assert told.status is RUNNING
    assert waiting_for(told).startswith(f"no capacity: web: 1 cannot be placed: needs {2**30} MB memory; ")


async def test_a_newer_version_supersedes(world):
    rollout = await world.rolling(a_service(world.job_id, update=SLOW))
    await world.observed(rollout, lambda seen: seen.deployment)
    await world.foreign(a_service(world.job_id, env={"A": "1"}))
    ended, _ = await followed(world, rollout)
    assert (ended.status, ended.detail) == (SUPERSEDED, "Cancelled due to newer version of job")


async def test_a_stopped_job(world):
    rollout = await world.rolling(a_service(world.job_id, update=SLOW))
    await world.observed(rollout, lambda seen: seen.deployment)
    await world.call("DELETE", f"job/{world.job_id}")
    ended, _ = await followed(world, rollout)
    assert ended.status is FAILED


async def test_a_job_that_is_gone(world):
    rollout = await world.rolling(a_service(world.job_id))
    await world.forget()
    assert not (await world.nomad.observe(world.namespace, world.job_id, rollout)).exists
    ended, _ = await followed(world, rollout)
    assert (ended.status, ended.detail) == (FAILED, "the job is gone: somebody purged it")


@pytest.mark.parametrize(
    ("spec", "status", "detail"),
    [
        (a_batch, SUCCEEDED, "1 allocation completed"),
        (lambda job_id: a_batch(job_id, good=False), FAILED, "1 allocation failed; task app of web: Terminated"),
        (lambda job_id: a_batch(job_id, ParameterizedJob={"Payload": "optional"}), SUCCEEDED, "registered: "),
        (a_sysbatch, SUCCEEDED, "completed"),
        (lambda job_id: a_service(job_id, count=0), SUCCEEDED, "registered: nothing has to run"),
        (lambda job_id: a_service(job_id, count=2, update={"MaxParallel": 0}), SUCCEEDED, "2 of 2 running"),
    ],
    ids=["batch", "failing batch", "parameterized", "sysbatch", "count 0", "max_parallel 0"],
)
async def test_jobs_without_a_deployment(world, spec, status, detail):
    rollout = await world.rolling(spec(world.job_id))
    seen = await world.nomad.observe(world.namespace, world.job_id, rollout)
    assert not seen.deployment_expected
    ended, _ = await followed(world, rollout)
    assert ended.status is status, ended.detail
    assert detail in why_ended(ended)


async def test_a_landing_without_an_evaluation_id_is_followed_too(world):
    rollout = await world.rolling(a_service(world.job_id))
    ended, _ = await followed(world, replace(rollout, evaluation=""))
    assert ended.status is SUCCEEDED


async def test_a_landing_without_an_index_is_followed_by_its_version(world):
    rollout = await world.rolling(a_service(world.job_id))
    ended, _ = await followed(world, replace(rollout, job_modify_index=None))
    assert (ended.status, ended.detail) == (SUCCEEDED, "Deployment completed successfully")


async def test_a_landing_of_an_unknown_version_is_superseded(world):
    rollout = await world.rolling(a_service(world.job_id))
    ended, _ = await followed(world, replace(rollout, job_modify_index=None, job_version=None))
    assert ended.status is SUPERSEDED


def a_talker(job_id, script):
    job = a_service(job_id, good=False, env={"GREETING": "opensesame99"})
    job["TaskGroups"][0]["Tasks"][0]["Config"] = {"command": "/bin/sh", "args": ["-c", script]}
    return job


async def test_the_end_of_a_failed_tasks_log_has_no_hidden_values(world):
    script = "echo begin >&2; echo DB is postgres://app:hunter2secret@db/x >&2; echo opensesame99 >&2; exit 3"
    ended, _ = await followed(world, await world.rolling(a_talker(world.job_id, script)))

    def tail(lines, failure=ended.failure):
        return world.nomad.log_tail(world.namespace, world.job_id, failure, lines)

    assert (await tail(20)).splitlines()[0] == "begin"
    database, greeting = (await tail(2)).splitlines()
    assert (database[:6], "(hidden)" in database, "hunter2secret" in database) == ("DB is ", True, False)
    assert greeting == "(hidden)"
    gone = replace(ended.failure, allocation="00000000-0000-0000-0000-000000000000")
    assert await tail(20, gone) == ""
    await world.forget()
    assert await tail(20) == ""


async def test_a_task_that_said_nothing_has_no_log(world):
    ended, _ = await followed(world, await world.rolling(a_service(world.job_id, good=False)))
    assert await world.nomad.log_tail(world.namespace, world.job_id, ended.failure, 20) == ""


@pytest.mark.parametrize("capabilities", [["read-job"], []])
async def test_without_the_right_to_read_logs_there_is_none(simulated, capabilities):
    ended, _ = await followed(simulated, await simulated.rolling(a_talker(simulated.job_id, "echo begin >&2; exit 3")))
    await simulated.control("pretend", {"acl": "client", "capabilities": {"default": capabilities}})
    assert await simulated.nomad.log_tail(simulated.namespace, simulated.job_id, ended.failure, 20) == ""


# --- success is proven -----------------------------------------------------------------------------------------------

PURGED = "somebody purged the job and registered it anew"


async def remade(world, job):
    """Purge the job, and register one with the same id that ends well."""
    await world.forget()
    await world.foreign(job)


@pytest.mark.parametrize("spec", [a_batch, a_sysbatch])
async def test_a_job_that_was_purged_and_made_anew_while_it_ran(world, spec):
    ours = spec(world.job_id)
    ours["TaskGroups"][0]["Tasks"][0]["Config"] = GOOD
    rollout = await world.rolling(ours)
    await world.observed(rollout, lambda seen: [each for each in seen.allocations if each.client_status == "running"])

    await remade(world, spec(world.job_id))
    await eventually(
        lambda: world.call("GET", f"job/{world.job_id}/allocations"),
        lambda found: found and all(each["ClientStatus"] == "complete" for each in found),
    )

    ended, _ = await followed(world, rollout)
    assert (ended.status, ended.detail[: len(PURGED)]) == (FAILED, PURGED)


async def test_a_service_that_was_purged_and_made_anew_before_the_first_look(world):
    rollout = await world.rolling(a_service(world.job_id))
    await remade(world, a_service(world.job_id))
    await eventually(world.live, lambda job: job["Stable"])

    ended, _ = await followed(world, rollout)
    assert (ended.status, ended.detail[: len(PURGED)]) == (FAILED, PURGED)


@pytest.mark.parametrize("later", [0, 3], ids=["at version 0", "with other versions since"])
async def test_a_version_that_a_restored_nomad_does_not_have(simulated, later):
    def version(value):
        return a_service(simulated.job_id, env={"A": str(value)}, update=SLOW)

    await simulated.foreign(version(0))
    await simulated.control("snapshot")
    await simulated.foreign(version(1))
    rollout = await simulated.rolling(version(2), (await simulated.live())["JobModifyIndex"])

    await simulated.control("snapshot", {"restore": True})
    # until Nomad counts beyond what it had before: an index must not come a second time by chance
    index = number = 0
    while index <= rollout.job_modify_index:
        number += 1
        other = {**version(number), "ID": f"{simulated.job_id}-other"}
        index = (await simulated.call("POST", "jobs", {"Job": other}))["JobModifyIndex"]
    for number in range(later):
        await simulated.foreign(version(10 + number))

    seen = await simulated.nomad.observe(simulated.namespace, simulated.job_id, rollout)
    assert seen.ours is OurVersion.UNDONE
    ended, _ = await followed(simulated, rollout)
    assert ended.status is FAILED
    assert (
        ended.detail
        == f"Nomad no longer has version 2, and its job is at version {later}: was Nomad restored from a snapshot?"
    )


async def test_a_version_that_nomad_has_dropped_is_superseded(world):
    rollout = await world.rolling(a_batch(world.job_id, ParameterizedJob={"Payload": "optional"}))
    for number in range(7):
        await world.foreign(a_batch(world.job_id, ParameterizedJob={"Payload": "optional"}, Priority=60 + number))

    ended, _ = await followed(world, rollout)
    assert (ended.status, "or Nomad no longer keeps version 0" in ended.detail) == (SUPERSEDED, True)


@pytest.mark.parametrize("spec", [a_system, a_sysbatch])
async def test_a_job_for_every_node_that_its_constraint_keeps_off_every_node(world, spec):
    ended, _ = await followed(world, await world.rolling(nowhere(spec(world.job_id))))

    nodes = len(await world.call("GET", "nodes"))
    counted = f"{nodes} of {nodes} {'node' if nodes == 1 else 'nodes'}"
    words = f"it runs on no node: web: constraint ${{attr.kernel.name}} = nosuch rules out {counted}"
    assert (ended.status, ended.detail) == (FAILED, words)


async def test_a_job_for_every_node_of_datacenters_without_nodes(world):
    ended, _ = await followed(world, await world.rolling({**a_system(world.job_id), "Datacenters": ["mars"]}))
    assert ended.detail == "it runs on no node: web: no ready node is in its datacenters and node pool"


@pytest.mark.parametrize("spec", [a_system, a_sysbatch])
async def test_a_job_for_every_node_that_needs_more_memory_than_any_has(world, spec):
    rollout = await world.rolling(with_memory(spec(world.job_id), 2**30))

    seen = await world.observed(rollout, lambda seen: seen.evaluated and seen.unplaced)
    (told,) = judge(rollout, seen, NOON)
    nodes = len(await world.call("GET", "nodes"))
    assert (told.status, told.healthy, told.wanted) == (RUNNING, 0, nodes)
    counted = f"{nodes} of {nodes} {'node' if nodes == 1 else 'nodes'}"
    words = f"no capacity: it runs on no node: web: {counted} cannot run it: needs {2**30} MB memory"
    assert waiting_for(told) == words


@pytest.mark.parametrize("spec", [a_system, a_sysbatch])
async def test_a_job_for_every_node_that_one_of_them_lacks_room_for(simulated, spec):
    filler = with_memory(a_service(f"{simulated.job_id}-filler"), 16_000)
    filler["TaskGroups"][0]["Constraints"] = [{"LTarget": "${node.unique.name}", "RTarget": "node-1", "Operand": "="}]
    await simulated.foreign(filler)
    rollout = await simulated.rolling(with_memory(spec(simulated.job_id), 1000))
    good = "complete" if spec is a_sysbatch else "running"

    def has_run(seen):
        return [each.client_status for each in seen.allocations] == [good] * 2 and (
            spec is a_sysbatch or seen.deployment.status == "successful"
        )

    (told,) = judge(rollout, await simulated.observed(rollout, has_run), NOON)
    assert (told.status, told.healthy, told.wanted) == (RUNNING, 2, 3)
    assert waiting_for(told) == "no capacity: web: 1 of 3 nodes cannot run it: needs 1000 MB memory"

    await simulated.call("DELETE", f"job/{simulated.job_id}-filler")
    ended, _ = await followed(simulated, told)
    assert ended.status is SUCCEEDED


PERIODIC = {"Spec": "0 0 1 1 *", "SpecType": "cron", "Enabled": True}


@pytest.mark.parametrize(
    ("more", "detail"),
    [
        ({"Periodic": PERIODIC}, "registered: it starts on its schedule"),
        ({"Periodic": {**PERIODIC, "Enabled": False}}, "registered: its schedule is off, so nothing starts it"),
        (
            {"Periodic": PERIODIC, "ParameterizedJob": {"Payload": "optional"}},
            "registered: it starts when it is dispatched",
        ),
    ],
    ids=["periodic", "off", "parameterized and periodic"],
)
async def test_a_job_that_starts_later_says_what_starts_it_and_counts_nothing(world, more, detail):
    plan = await world.nomad.plan(world.namespace, a_batch(world.job_id, **more), None, frozenset())
    assert plan.effect.split(", next at")[0].replace(";", ":").removeprefix("registered: ") in detail
    rollout = await world.rolling(a_batch(world.job_id, **more))
    ended, _ = await followed(world, rollout)
    assert (ended.status, ended.detail, ended.wanted) == (SUCCEEDED, detail, 0)
    await world.call("DELETE", f"job/{world.job_id}")
    stopped, _ = await followed(world, rollout)
    assert (stopped.status, stopped.detail, stopped.wanted) == (FAILED, "the job was stopped", 0)


@pytest.mark.parametrize(
    ("mode", "error", "words"),
    [
        ("refuse", NomadUnavailable, "cannot be reached"),
        ("hang", NomadUnavailable, "took too long to answer"),
        ("html", NomadUnavailable, "answered 502 with a web page"),
        ("error500", NomadUnavailable, "answered 500: No cluster leader"),
        ("forbidden", NomadForbidden, "does not allow our token to do this: Permission denied"),
    ],
)
async def test_outages_have_clear_messages(simulated, mode, error, words):
    rollout = await simulated.rolling(a_service(simulated.job_id))
    await simulated.control("outage", {"mode": mode})
    with pytest.raises(error, match=words):
        await simulated.nomad.observe(simulated.namespace, simulated.job_id, rollout)
    await simulated.control("outage", {"mode": "none"})
    assert (await simulated.nomad.observe(simulated.namespace, simulated.job_id, rollout)).exists
