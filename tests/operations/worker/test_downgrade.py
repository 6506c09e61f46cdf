from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.domain.deploy.plan import Flag
from tests.operations.acts import newest_plan, planned, succeeded

if TYPE_CHECKING:
    from tests.fakes import World


async def test_going_back_to_an_older_version_is_flagged_and_said_on_the_plan(world: World):
    await succeeded(world, version="v2.2.2")

    plan = await newest_plan(world, await planned(world, version="v2.2.1"))

    (first, *_) = plan.changes
    assert (first.path, first.old, first.new, first.flags) == (
        ("version",),
        "v2.2.2",
        "v2.2.1",
        (Flag.OLDER_VERSION,),
    )
    assert plan.warnings[0] == "It replaces v2.2.2 by the older v2.2.1."


async def test_without_semantic_versions_the_one_that_ran_first_there_is_older(world: World):
    await succeeded(world, version="c0ffee1")
    world.clock.advance(seconds=1)
    await succeeded(world, version="beef222")

    plan = await newest_plan(world, await planned(world, version="c0ffee1"))

    assert plan.changes[0].flags == (Flag.OLDER_VERSION,)


@pytest.mark.parametrize("version", ["v2.2.2", "v2.2.3", "beef222"])
async def test_any_other_version_is_no_step_back(world: World, version: str):
    await succeeded(world, version="v2.2.2")

    plan = await newest_plan(world, await planned(world, version=version))

    assert (plan.changes, plan.warnings) == ((), ())


async def test_the_first_version_of_a_job_is_no_step_back(world: World):
    deploy = await planned(world)

    assert (await newest_plan(world, deploy)).warnings == ()
