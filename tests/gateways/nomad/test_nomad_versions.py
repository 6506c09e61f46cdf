"""The versions that Nomad keeps, and what a stop, a scaling step, a revert and a purge do to them."""

from __future__ import annotations

from bot.domain.deploy.base import trace
from bot.domain.deploy.plan import JobState
from tests.gateways.nomad.test_nomad_look import a_base, changed
from tests.gateways.nomad.worlds import a_service


async def kept(world):
    return await world.nomad.versions(world.namespace, world.job_id)


async def test_they_come_newest_first_with_nomads_own_fields(world):
    first = await a_base(world)
    await world.foreign(changed(world, 1))
    versions = await kept(world)
    assert [each["Version"] for each in versions] == [1, 0]
    assert versions[1]["JobModifyIndex"] == first
    assert versions[0] == await world.live()
    assert {each["CreateIndex"] for each in versions} == {versions[0]["CreateIndex"]}
    assert all(each["SubmitTime"] > 0 for each in versions)


async def test_a_missing_job_has_none(world):
    assert await kept(world) == ()


async def test_a_stop_is_a_version_with_an_index_of_its_own(world):
    first = await a_base(world)
    await world.call("DELETE", f"job/{world.job_id}")
    live = await world.live()
    assert live["JobModifyIndex"] > first
    found = trace(live, await kept(world), ())
    # the stopped version is the one before it, and was not registered anew
    assert (found.base.state, found.base.job_version) == (JobState.STOPPED, 0)


async def test_a_purge_begins_a_new_life(world):
    first = await a_base(world)
    await world.forget()
    assert await kept(world) == ()
    await world.foreign(a_service(world.job_id))
    live = await world.live()
    assert (live["Version"], len(await kept(world))) == (0, 1)
    assert live["CreateIndex"] > first


async def test_a_scaling_step_repeats_the_version_before(world):
    job = a_service(world.job_id)
    job["TaskGroups"][0]["Scaling"] = {"Min": 1, "Max": 5, "Enabled": False}
    rollout = await world.rolling(job)
    await world.observed(rollout, lambda seen: seen.deployment and seen.deployment.status == "successful")
    await world.call("POST", f"job/{world.job_id}/scale", {"Count": 2, "Target": {"Group": "web"}})
    live = await world.live()
    assert live["Version"] == 1
    found = trace(live, await kept(world), ())
    assert found.base.job_version == 0


async def test_a_revert_repeats_an_older_version(world):
    await a_base(world)
    await world.foreign(changed(world, 1))
    await world.call("POST", f"job/{world.job_id}/revert", {"JobID": world.job_id, "JobVersion": 0})
    newest, _, oldest = await kept(world)
    assert newest["Version"] == 2
    assert newest["TaskGroups"] == oldest["TaskGroups"]
