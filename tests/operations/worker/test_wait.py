"""The wait after the last approval: told at the approval, held at the claim, over at its instant."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.operations.deploys.decide import NOWHERE
from bot.operations.deploys.retract import retract
from bot.operations.worker import dispatch
from tests.builders import SAM
from tests.operations.acts import applied, delivered, environments, now, ready

if TYPE_CHECKING:
    from tests.fakes import World

HOUR = timedelta(hours=1)


async def waits(world: World, **changes) -> None:
    """An hour's wait in production."""
    await applied(world, environments=environments("production", **{"wait": HOUR, **changes}))


async def test_the_last_approver_is_told_and_the_deploy_goes_when_the_wait_is_over(world: World):
    await waits(world)
    deploy = await ready(world)
    over = world.clock.now() + HOUR
    assert [(reason.code, reason.possible_at) for reason in deploy.blocked] == [("wait-not-over", over)]

    assert await dispatch.step(world.ports())
    await delivered(world)
    held = await now(world, deploy)
    assert held.status is Status.READY
    # a minute, not 15 seconds: only the live job may change meanwhile
    assert held.due_at == world.clock.now() + timedelta(minutes=1)
    assert not await dispatch.step(world.ports())

    world.clock.advance(HOUR - timedelta(seconds=5))
    assert await dispatch.step(world.ports())
    assert (await now(world, deploy)).due_at == over
    assert world.nomad.registers == []

    world.clock.advance(timedelta(seconds=5))
    assert await dispatch.step(world.ports())
    assert (await now(world, deploy)).status is Status.ROLLING


async def test_during_the_wait_an_approval_can_be_taken_back(world: World):
    await waits(world)
    deploy = await ready(world)

    answer = await retract(world.ports(), SAM, deploy.id, origin=NOWHERE)

    assert not isinstance(answer, Refused), answer
    assert (await now(world, deploy)).status is Status.WAITING


async def test_a_new_catalog_without_a_wait_lets_it_go_at_once(world: World):
    await waits(world)
    deploy = await ready(world)
    assert await dispatch.step(world.ports())

    await waits(world, wait=timedelta(0))
    assert await dispatch.step(world.ports())

    assert (await now(world, deploy)).status is Status.ROLLING
