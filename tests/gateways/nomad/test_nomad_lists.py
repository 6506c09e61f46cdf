"""Nomad's list of jobs, as our gateway reads it."""

from __future__ import annotations

import pytest

from bot.domain.deploy.rollout import Start
from bot.errors import NomadForbidden, NomadUnavailable
from tests.gateways.nomad.test_nomad_look import a_base
from tests.gateways.nomad.worlds import a_service, eventually

BARE = {"TaskGroups": [{**a_service("")["TaskGroups"][0], "Update": None, "ReschedulePolicy": None}]}


async def listed(world, *ids: str):
    return await world.nomad.listed(world.namespace, ids or (world.job_id,))


async def test_a_job_is_listed_with_its_index_and_what_runs_of_it(world):
    index = await a_base(world)
    live = await world.live()
    (found,) = await eventually(lambda: listed(world), lambda seen: seen[0].running == 1)
    assert (found.job, found.index, found.created) == (world.job_id, index, live["CreateIndex"])
    assert (found.type, found.status, found.stopped, found.start) == ("service", "running", False, Start.REGISTER)
    assert (found.starting, found.unplaced, found.unreachable) == (0, 0, 0)
    assert found.submitted_at is not None


async def test_a_stopped_job_is_dead_and_has_another_index(world):
    index = await a_base(world)
    await world.call("DELETE", f"job/{world.job_id}")
    (found,) = await eventually(lambda: listed(world), lambda seen: seen[0].status == "dead")
    assert found.stopped
    assert found.index > index


async def test_what_has_no_room_is_not_placed(world):
    await world.foreign(a_service(world.job_id, count=2, memory=2**30))
    (found,) = await eventually(lambda: listed(world), lambda seen: seen and seen[0].unplaced)
    assert (found.unplaced, found.running) == (2, 0)


async def test_a_job_that_is_not_there_is_not_listed(world):
    assert await listed(world) == ()
    assert await listed(world, 'no"such', "no`such") == ()


async def test_jobs_that_start_later_say_so(world):
    rules = {"Payload": "optional", "MetaRequired": [], "MetaOptional": []}
    await world.foreign({**a_service(world.job_id), "Type": "batch", "ParameterizedJob": rules, **BARE})
    (found,) = await listed(world)
    assert found.start is Start.DISPATCH


async def test_a_periodic_job_starts_by_its_schedule(world):
    schedule = {"Enabled": True, "SpecType": "cron", "Spec": "0 3 * * *"}
    await world.foreign({**a_service(world.job_id), "Type": "batch", "Periodic": schedule, **BARE})
    (found,) = await listed(world)
    assert found.start is Start.SCHEDULE


async def test_a_list_of_several_pages_is_whole_and_only_what_was_asked_for_comes(simulated, monkeypatch):
    monkeypatch.setattr("bot.gateways.nomad.client.PAGE", 4)
    jobs = [f"job-{number:04}" for number in range(10)]
    for each in jobs:
        await simulated.foreign({**a_service(each), "Type": "batch", **BARE})
    # too many names for a filter
    found = await listed(simulated, *jobs[1:], *(f"missing-{number}" for number in range(500)))
    assert sorted(each.job for each in found) == jobs[1:]


async def test_without_the_right_it_is_forbidden(simulated):
    await simulated.control("pretend", {"acl": "client", "capabilities": {"default": ["read-job"]}})
    with pytest.raises(NomadForbidden):
        await listed(simulated)


async def test_what_does_not_look_like_a_list_of_jobs_is_no_answer(simulated):
    await simulated.control("outage", {"mode": "html"})
    with pytest.raises(NomadUnavailable):
        await listed(simulated)
