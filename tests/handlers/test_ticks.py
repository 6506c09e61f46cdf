"""What the scheduler does by the clock."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.deploy import Status
from bot.errors import Replayed, StoreBusy
from handlers import ticks
from tests.operations.acts import asked, now
from tests.operations.conftest import bare, world

if TYPE_CHECKING:
    from apscheduler.job import Job

    from tests.fakes import World

__all__ = ["bare", "world"]


def tick(world: World, name: str) -> Job:
    scheduler = ticks.scheduled(world.ports())
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
