from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.deploy.deploy import Status
from bot.errors import StoreBusy
from bot.operations.require import require
from bot.operations.worker import plan as plan_deploy
from bot.operations.worker import register
from bot.operations.worker.claim import PUT_OFF
from tests.operations.acts import asked, dispatching, now

if TYPE_CHECKING:
    from tests.fakes import World

SHORT = timedelta(milliseconds=60)


def slow_until(world: World, happened: asyncio.Event) -> None:
    """Nomad takes a register and answers only once something has happened."""

    async def slow():
        await asyncio.wait_for(happened.wait(), 20)

    world.nomad.hooks.after("register", slow)


async def test_slow_work_keeps_its_lease(world: World):
    deploy = await dispatching(world)
    renewed = asyncio.Event()

    async def beaten():
        renewed.set()

    world.store.renews_for = timedelta(seconds=60)
    # the first beat finds the database busy: the next one has to come all the same
    world.store.hooks.before("renew", StoreBusy("locked"))
    world.store.hooks.after("renew", beaten)
    slow_until(world, renewed)

    working = asyncio.create_task(register.step(world.ports("worker-1", lease=SHORT)))
    await asyncio.wait_for(renewed.wait(), 20)
    assert not await register.step(world.ports("worker-2"))
    await working

    assert (await now(world, deploy)).status is Status.ROLLING


async def test_the_heart_stops_with_the_work(world: World):
    await dispatching(world)

    await register.step(world.ports())

    assert "lease of D-1" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_a_deploy_whose_step_breaks_lets_the_younger_ones_pass_and_is_tried_again(world: World):
    deploy, younger = await asked(world), await asked(world, environment="production")
    world.nomad.trouble = RuntimeError("a bug")
    with pytest.raises(RuntimeError):
        await plan_deploy.step(world.ports())
    world.nomad.trouble = None

    assert await plan_deploy.step(world.ports("worker-2"))
    assert (await now(world, younger)).status is Status.WAITING
    assert not await plan_deploy.step(world.ports("worker-2"))
    world.clock.advance(PUT_OFF)
    assert await plan_deploy.step(world.ports("worker-2"))
    assert (await now(world, deploy)).status is Status.READY


def test_a_record_that_is_never_deleted_is_named_where_it_is_lost_all_the_same():
    assert require("plan", "plan 1 of D-1") == "plan"
    with pytest.raises(LookupError, match="plan 1 of D-1 is no longer in the database"):
        require(None, "plan 1 of D-1")
