from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import RECHECK
from bot.operations.deploys.approve import Approved, approve
from bot.operations.deploys.decide import Origin
from bot.operations.worker import dispatch, recheck
from bot.operations.worker import plan as plan_deploy
from tests.builders import BOB, SAM, a_job
from tests.operations.acts import delivered, newest_plan, now, planned

if TYPE_CHECKING:
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.plan import Job
    from tests.fakes import World


def scaled(count: int, **changes: Any) -> Job:
    return a_job(TaskGroups=[{**a_job()["TaskGroups"][0], "Count": count, "Scaling": {"Min": 1, "Max": 9}}], **changes)


async def replanned(world: World, deploy: Deploy) -> Deploy:
    """The deploy after the worker has seen that its job changed."""
    world.clock.advance(RECHECK)
    assert await recheck.step(world.ports()) or await dispatch.step(world.ports())
    assert (await now(world, deploy)).status is Status.PLANNING
    assert await plan_deploy.step(world.ports())
    return await now(world, deploy)


async def test_if_only_scaled_counts_moved_the_plan_is_updated_in_place_without_a_word(world: World):
    world.nomad.parsed = scaled(2)
    world.nomad.change(scaled(3))
    deploy = await planned(world, "production")
    await approve(world.ports(), BOB, deploy.id, plan=1, origin=Origin())
    await delivered(world)
    said = list(world.chat.said)
    world.nomad.change(scaled(5))

    after = await replanned(world, deploy)
    await delivered(world)

    assert (after.status, after.plan) == (Status.WAITING, 1)
    plan = await newest_plan(world, deploy)
    assert (plan.number, plan.base_version, plan.base_index) == (1, 1, world.nomad.index)
    assert [json.loads(text)["TaskGroups"][0]["Count"] for text in (plan.job, plan.replaced)] == [5, 5]
    assert world.chat.said == said
    # Bob's approval still counts, and a button of plan 1 is still good
    answer = await approve(world.ports(), SAM, deploy.id, plan=1, origin=Origin())
    assert isinstance(answer, Approved)
    assert answer.deploy.status is Status.READY
    world.nomad.change(scaled(6))
    said = list(world.chat.said)

    assert (await replanned(world, deploy)).status is Status.READY

    assert world.chat.said == said
    assert await dispatch.step(world.ports())
    assert (await now(world, deploy)).status is Status.ROLLING
    assert json.loads(world.nomad.registers[-1]["job"])["TaskGroups"][0]["Count"] == 6


async def test_a_plan_that_was_sent_to_nomad_is_never_updated_in_place(world: World):
    """Its attempts carry its base, so they must not be taken for attempts of another one."""
    world.nomad.parsed = scaled(2)
    world.nomad.change(scaled(3))
    deploy = await planned(world, "staging")

    async def scale() -> None:
        world.nomad.change(scaled(5))

    world.nomad.hooks.before("register", scale)
    assert await dispatch.step(world.ports())
    assert (await now(world, deploy)).status is Status.PLANNING

    assert await plan_deploy.step(world.ports())

    assert (await now(world, deploy)).plan == 2


async def test_a_version_without_any_difference_makes_a_plan_of_its_own(world: World):
    world.nomad.change(scaled(3))
    deploy = await planned(world, "production")
    world.nomad.change(scaled(3))

    assert (await replanned(world, deploy)).plan == 2
