"""Plan: what registering would change, on every Nomad."""

from __future__ import annotations

import pytest

from bot.domain.jobdiff.changes import reason
from bot.errors import NomadRefused
from bot.gateways.nomad.plan import ONLY_OURS
from bot.ports.nomad import Known
from tests.gateways.nomad.worlds import a_batch, a_service

NOTHING: frozenset[str] = frozenset()


async def planned(world, job, show=NOTHING):
    live = await world.nomad.job(world.namespace, world.job_id)
    return await world.nomad.plan(world.namespace, job, live, show)


async def running(world, job):
    """The job, deployed."""
    rollout = await world.rolling(job)
    await world.observed(rollout, lambda seen: seen.stable)
    return await world.live()


async def test_a_new_job(world):
    plan = await planned(world, a_service(world.job_id, count=2))
    assert (plan.base_index, plan.unchanged, plan.effect) == (0, False, "web: 2 started")
    assert any(change.path[-1] == "count" and change.new == "2" for change in plan.changes)


async def test_the_same_again_changes_nothing(world):
    live = await running(world, a_service(world.job_id))
    plan = await planned(world, a_service(world.job_id))
    assert (plan.base_index, plan.unchanged, plan.changes) == (live["JobModifyIndex"], True, ())
    assert plan.effect == "no allocation changes"


async def test_planning_changes_nothing(world):
    live = await running(world, a_service(world.job_id))
    await planned(world, a_service(world.job_id, env={"A": "1"}))
    after = await world.live()
    assert (after["Version"], after["JobModifyIndex"]) == (live["Version"], live["JobModifyIndex"])


async def test_an_env_change_is_redacted_and_replaces(world):
    await running(world, a_service(world.job_id, count=2, env={"DB_PASSWORD": "hunter2", "LOG_LEVEL": "info"}))
    job = a_service(world.job_id, count=2, env={"DB_PASSWORD": "hunter3", "LOG_LEVEL": "debug"})
    plan = await planned(world, job, frozenset({"LOG_LEVEL"}))
    values = {change.path[-1]: (change.old, change.new, change.hidden) for change in plan.changes}
    assert values == {"env LOG_LEVEL": ("info", "debug", False), "env DB_PASSWORD": ("", "", True)}
    assert "hunter" not in repr(plan)
    assert plan.effect == "web: 2 replaced one by one"


async def test_a_canary_and_what_follows_it(world):
    await running(world, a_service(world.job_id, count=2))
    update = {"Canary": 1, "AutoRevert": True}
    plan = await planned(world, a_service(world.job_id, count=2, env={"A": "1"}, update=update))
    assert plan.effect == "web: 1 canary now, 1 replaced after promotion, auto-revert on"


async def test_missing_resources_are_named(world):
    plan = await planned(world, a_service(world.job_id, memory=2**30))
    assert len(plan.warnings) >= 1
    assert plan.warnings[0].startswith(f"web: 1 cannot be placed: needs {2**30} MB memory;")
    assert "exhausted" in plan.warnings[0]


async def test_a_changed_meta_is_named(world):
    await running(world, a_service(world.job_id))
    plan = await planned(world, {**a_service(world.job_id), "Meta": {"owner": "hunter2"}})
    assert "meta changes (owner): this alone makes Nomad replace every allocation" in plan.warnings
    assert plan.effect == "web: 1 replaced"
    assert "hunter2" not in repr(plan)


async def test_a_periodic_job_says_that_it_waits(world):
    cron = {"Enabled": True, "SpecType": "cron", "Spec": "0 0 1 1 *", "ProhibitOverlap": True}
    plan = await planned(world, a_batch(world.job_id, Periodic=cron))
    assert plan.effect.startswith("registered; starts on its schedule")


async def test_fields_that_are_nomads_own_are_not_submitted(world):
    live = await running(world, a_service(world.job_id))
    plan = await planned(world, {**live, "Version": 99, "Stop": True})
    assert plan.unchanged


async def test_a_job_that_nomad_refuses(world):
    job = a_service(world.job_id)
    job["TaskGroups"][0]["Tasks"][0]["Driver"] = ""
    with pytest.raises(NomadRefused) as caught:
        await planned(world, job)
    assert any("Missing task driver" in line for line in caught.value.lines)
    assert not any("error occurred" in line for line in caught.value.lines)


async def test_an_id_with_a_slash_is_one_job(world):
    world.job_id += "/a+b"
    live = await running(world, a_service(world.job_id))
    assert live["ID"] == world.job_id
    assert (await planned(world, a_service(world.job_id))).unchanged


async def test_a_takeover_shows_what_the_running_job_loses(world):
    await running(world, a_service(world.job_id, memory=64, env={"DB_URL": "x"}))
    plan = await planned(world, a_service(world.job_id, memory=32))
    said = [f"{reason(change)}: {change.path[-1]}" for change in plan.changes if change.flags]
    assert said == ["env removed: env DB_URL", "memory lowered: memory MB"]


async def test_what_nomads_diff_leaves_out_is_listed_and_is_no_unchanged_plan(world):
    await running(world, a_service(world.job_id))
    job = a_service(world.job_id)
    job["TaskGroups"][0]["Tasks"][0]["RestartPolicy"] = {"Attempts": 7}
    plan = await planned(world, job)
    assert [change.path[-2:] for change in plan.changes] == [("restart", "attempts")]
    assert not plan.unchanged


async def test_settings_of_the_request_are_lines_of_the_plan(world):
    known = Known(overrides={"count": "1"})
    live = await running(world, a_service(world.job_id))
    plan = await world.nomad.plan(world.namespace, a_service(world.job_id), live, NOTHING, known=known)
    assert [change.path[-1] for change in plan.changes] == ["setting count"]
    assert plan.unchanged


async def test_our_own_frozen_job_is_what_is_compared(world):
    ours = a_service(world.job_id)
    live = await running(world, ours)
    known = Known(ours=a_service(world.job_id, env={"A": "1"}))
    plan = await world.nomad.plan(world.namespace, ours, live, NOTHING, known=known)
    assert [change.path[-1] for change in plan.changes] == ["env A"]
    assert not plan.unchanged
    assert ONLY_OURS in plan.warnings


async def test_an_env_value_that_is_the_version_is_shown(world):
    live = await running(world, a_service(world.job_id, env={"VERSION": "v1.4.1", "OTHER": "a"}))
    job = a_service(world.job_id, env={"VERSION": "v1.4.2", "OTHER": "b"})
    known = Known(versions=frozenset({"v1.4.1", "v1.4.2"}))
    plan = await world.nomad.plan(world.namespace, job, live, NOTHING, known=known)
    assert {(each.path[-1], each.old, each.new, each.hidden) for each in plan.changes} == {
        ("env VERSION", "v1.4.1", "v1.4.2", False),
        ("env OTHER", "", "", True),
    }
