"""What the scheduler does by the clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.deploy.deploy import Status
from bot.domain.digest.schedule import SETTLED_AFTER
from bot.errors import Replayed, StoreBusy
from bot.operations.deploys.withdraw import withdraw
from handlers import ticks
from tests.builders import ALICE
from tests.operations.acts import HERE, asked, now, planned
from tests.operations.closing import locked, locks
from tests.operations.conftest import bare, world
from tests.operations.digests import FIRST, clock_at, configured, sent, shown

if TYPE_CHECKING:
    from apscheduler.job import Job

    from tests.fakes import World

__all__ = ["bare", "world"]


def tick(world: World, name: str) -> Job:
    scheduler = ticks.build_scheduler(world.ports())
    (found,) = [job for job in scheduler.get_jobs() if job.args[1].__name__ == name]
    return found


async def run(job: Job) -> None:
    await job.func(*job.args)


async def test_what_nobody_decided_in_time_expires(world: World):
    deploy = await asked(world)
    world.clock.advance(hours=24)
    rings = world.bell.rings

    await run(tick(world, "_expire"))

    assert (await now(world, deploy)).status is Status.EXPIRED
    assert world.bell.rings > rings


async def test_nothing_is_woken_where_nothing_expires(world: World):
    await asked(world)
    rings = world.bell.rings

    await run(tick(world, "_expire"))

    assert world.bell.rings == rings


async def test_a_lock_whose_time_is_over_is_said_to_have_ended(world: World):
    await locked(world, lasts="1h")
    rings = world.bell.rings
    await run(tick(world, "_end_locks"))
    assert (len(await locks(world)), world.bell.rings) == (1, rings)
    world.clock.advance(hours=1)

    await run(tick(world, "_end_locks"))

    assert await locks(world) == ()
    assert world.bell.rings > rings


async def test_a_signature_is_kept_for_its_window_and_then_forgotten(world: World):
    async with world.store.begin() as tx:
        await tx.remember_request("a" * 64, world.clock.now())
    world.clock.advance(ticks.REPLAY_WINDOW - timedelta(seconds=1))
    await run(tick(world, "_forget"))
    with pytest.raises(Replayed):
        async with world.store.begin() as tx:
            await tx.remember_request("a" * 64, world.clock.now())
    world.clock.advance(seconds=2)

    await run(tick(world, "_forget"))

    async with world.store.begin() as tx:
        await tx.remember_request("a" * 64, world.clock.now())


async def test_trouble_is_a_line_in_the_log_and_the_next_tick_comes(world: World, caplog: pytest.LogCaptureFixture):
    async def busy(_: object) -> None:
        raise StoreBusy("locked")

    job = tick(world, "_expire")

    await job.func(world.ports(), busy)

    assert "a tick failed" in caplog.text


async def test_a_clock_that_is_set_back_delays_nothing(world: World):
    scheduler, ran = ticks.build_scheduler(world.ports()), asyncio.Event()
    scheduler.remove_all_jobs()

    async def told() -> None:
        ran.set()

    # as it stands after the clock was set back by an hour
    at = datetime.now(UTC) + timedelta(hours=1)
    scheduler.add_job(told, "interval", seconds=5, next_run_time=at)
    scheduler.start()
    try:
        async with asyncio.timeout(10):
            await ran.wait()
    finally:
        scheduler.shutdown(wait=False)


class TestDigests:
    async def test_what_is_due_is_put_into_the_outbox_and_the_workers_are_woken(self, world: World):
        await configured(world)
        clock_at(world, FIRST)
        rings = world.bell.rings

        await run(tick(world, "_digests"))
        assert world.bell.rings > rings
        await sent(world)

        assert shown(world) == [FIRST]

    async def test_nobody_is_woken_where_nothing_is_due(self, world: World):
        await configured(world)
        rings = world.bell.rings

        await run(tick(world, "_digests"))

        assert world.bell.rings == rings

    async def test_it_runs_once_at_the_start_and_then_each_minute_when_that_minutes_digests_are_settled(
        self, world: World
    ):
        job = tick(world, "_digests")
        runs, last = [], datetime(2026, 11, 22, 8, 59, 30, tzinfo=UTC)
        for _ in range(3):
            last = job.trigger.get_next_fire_time(last, last)
            runs.append(last.strftime("%H:%M:%S"))

        assert job.next_run_time <= datetime.now(UTC)
        assert runs == ["09:00:20", "09:01:20", "09:02:20"]
        assert timedelta(seconds=20) > SETTLED_AFTER

    async def test_a_run_that_comes_late_is_made_and_several_are_one(self, world: World):
        job = tick(world, "_digests")

        assert (job.misfire_grace_time, job.coalesce, job.max_instances) == (None, True, 1)


async def test_an_old_plan_no_longer_keeps_its_job(world: World):
    deploy = await planned(world)
    await withdraw(world.ports(), ALICE, deploy.id, origin=HERE)
    world.clock.advance(days=91)

    await run(tick(world, "_retain"))

    async with world.store.read() as reading:
        plan = await reading.plan(deploy.id, 1)
    assert plan is not None
    assert not plan.is_kept
