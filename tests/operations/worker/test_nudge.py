from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.deploy.deploy import Status
from bot.operations.worker import follow
from bot.operations.worker.nudge import nudge, nudge_all
from bot.ports.nomad import JobEvent
from tests.operations.acts import change, dispatching, now, planned, rolling, rolling_in_staging

if TYPE_CHECKING:
    from bot.domain.deploy.deploy import Deploy
    from tests.fakes import World

OURS = JobEvent("production", "checkout")


async def moved(world: World, *moves: JobEvent, cluster: str = "main") -> int:
    world.clock.advance(seconds=1)
    return await nudge(world.ports(), cluster, moves)


async def waiting_for_the_poll(world: World) -> Deploy:
    """A rollout that was looked at just now."""
    deploy = await rolling(world)
    await change(world, replace(deploy, due_at=world.clock.now() + follow.POLL))
    return await now(world, deploy)


async def test_a_moved_job_has_its_rollout_looked_at_now(world: World):
    deploy = await waiting_for_the_poll(world)
    rings = world.bell.rings

    assert await moved(world, JobEvent("staging", "checkout"), OURS) == 1

    assert (await now(world, deploy)).due_at == world.clock.now()
    assert world.bell.rings == rings + 1
    assert await follow.step(world.ports())


async def test_a_burst_of_many_jobs_is_one_change(world: World):
    deploys = [await rolling(world), await rolling_in_staging(world)]
    for each in deploys:
        await change(world, replace(await now(world, each), due_at=world.clock.now() + follow.POLL))
    rings = world.bell.rings

    assert await moved(world, JobEvent("staging", "checkout"), OURS, JobEvent("production", "cart")) == 2

    assert {(await now(world, each)).due_at for each in deploys} == {world.clock.now()}
    assert world.bell.rings == rings + 1


async def test_one_that_is_due_keeps_its_turn_and_one_that_is_looked_at_sees_it(world: World):
    deploy = await waiting_for_the_poll(world)
    world.clock.advance(follow.POLL)
    due = (await now(world, deploy)).due_at

    assert await moved(world, OURS) == 0
    await nudge_all(world.ports(), deploy.lane)
    assert (await now(world, deploy)).due_at == due

    assert await follow.WORK.claim(world.ports())
    assert await moved(world, OURS) == 1
    later = world.clock.advance(seconds=1)
    await nudge_all(world.ports(), deploy.lane)
    assert (await now(world, deploy)).due_at == later


async def test_what_rolls_out_nowhere_waits_for_no_write_lock(world: World):
    await rolling(world)
    world.store.hooks.before("begin", AssertionError("it must not write"))

    assert await moved(world, JobEvent("staging", "checkout"), JobEvent("production", "cart")) == 0


async def test_where_a_stream_broke_every_rollout_of_its_lane_is_looked_at_now(world: World):
    deploy = await waiting_for_the_poll(world)
    waiting = await planned(world, "production", version="v1.5.0")
    world.clock.advance(seconds=1)
    world.bell.rung.clear()

    await nudge_all(world.ports(), "elsewhere")
    assert await now(world, deploy) == deploy
    await nudge_all(world.ports(), deploy.lane)

    assert (await now(world, deploy)).due_at == world.clock.now()
    assert await now(world, waiting) == waiting
    assert Status.ROLLING in world.bell.rung[-1]
    assert await follow.step(world.ports())


async def test_one_that_is_being_dispatched_is_looked_at_too(world: World):
    deploy = await dispatching(world)
    await change(world, replace(deploy, due_at=world.clock.now() + follow.POLL))

    assert await moved(world, OURS) == 1


@pytest.mark.parametrize(
    ("move", "cluster"),
    [(JobEvent("staging", "checkout"), "main"), (JobEvent("production", "cart"), "main"), (OURS, "other")],
)
async def test_other_jobs_namespaces_and_clusters_are_none_of_its_business(world: World, move, cluster: str):
    deploy = await waiting_for_the_poll(world)
    rings = world.bell.rings

    assert await moved(world, move, cluster=cluster) == 0

    assert await now(world, deploy) == deploy
    assert world.bell.rings == rings


async def test_what_waits_for_people_is_not_woken(world: World):
    deploy = await planned(world, "production")

    assert await moved(world, OURS) == 0
    assert await now(world, deploy) == deploy


async def test_one_that_ended_right_before_stays_as_it_ended(world: World):
    deploy = await waiting_for_the_poll(world)
    ended = deploy.advance(Status.SUCCEEDED, world.clock.now() + timedelta(seconds=1))
    world.store.hooks.before("begin", lambda: change(world, ended))

    await moved(world, OURS)

    assert await now(world, deploy) == ended
