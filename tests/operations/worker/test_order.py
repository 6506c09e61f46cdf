from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.decision import Reason
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.plan import Flag
from bot.errors import NomadUnavailable
from bot.operations.worker import dispatch, plan
from tests.builders import a_plan
from tests.operations.acts import asked, change, delivered, newest_plan, now, planned, ready, succeeded, texts

if TYPE_CHECKING:
    from bot.domain.deploy.deploy import Deploy
    from tests.fakes import World


async def dispatched(world: World, deploy: Deploy) -> Deploy:
    """The deploy after everything that is due was taken through the gates."""
    while await dispatch.step(world.ports()):
        pass
    return await now(world, deploy)


async def two_ready(world: World) -> tuple[Deploy, Deploy]:
    first = await ready(world)
    world.clock.advance(seconds=1)
    return first, await ready(world, version="v1.5.0")


async def test_one_that_is_planned_again_keeps_its_place_and_three_go_in_the_order_of_their_requests(world: World):
    """The next two are planned again whenever a version lands, and the younger plan may be ready first."""
    deploys = [await asked(world, version=version) for version in ("v2.2.0", "v2.2.1", "v2.2.2")]
    went: list[int] = []
    put_off = set()

    for _ in range(30):
        for step in (dispatch.step, plan.step):
            second = await now(world, deploys[1])
            if second.status is Status.PLANNING and second.changed_at not in put_off:
                put_off.add(second.changed_at)
                await change(world, replace(second, due_at=world.clock.now() + timedelta(seconds=3)))
            await step(world.ports())
        for deploy in deploys:
            seen = await now(world, deploy)
            if seen.status is Status.ROLLING:
                went.append(seen.id)
                await change(world, seen.advance(Status.SUCCEEDED, world.clock.now()))
        world.clock.advance(seconds=1)

    assert went == [deploy.id for deploy in deploys]


async def test_one_whose_plan_nomad_holds_up_lets_others_pass_and_both_threads_say_so(world: World):
    older, younger = await two_ready(world)
    await change(world, older.advance(Status.PLANNING, world.clock.now()))
    assert [reason.code for reason in (await dispatched(world, younger)).blocked] == ["turn"]
    world.nomad.trouble = NomadUnavailable("no leader")
    assert await plan.step(world.ports())
    world.nomad.trouble = None

    # the failed plan makes it due at once
    assert (await dispatched(world, younger)).status is Status.ROLLING
    await delivered(world)
    goes = "D-2 (v1.5.0) was requested later and goes first. Nomad: no leader. This deploy goes after it"
    told = {"D-2 goes before deploys that were requested earlier:", f"{goes}, with a new plan."}
    assert told <= set(texts(world, "reply"))


async def test_of_many_that_it_goes_before_a_few_are_named(world: World):
    held = [await asked(world, version=f"v1.0.{n}") for n in range(dispatch._MOST_TOLD + 2)]
    for deploy in held:
        await change(world, replace(deploy, blocked=(Reason("nomad-unavailable", "Nomad: no leader"),)))
    world.clock.advance(seconds=1)
    last = await asked(world, version="v1.1.0")
    await change(world, replace(last, status=Status.READY, plan=1, due_at=world.clock.now()))
    async with world.store.begin() as tx:
        await tx.add_plan(a_plan(last.id, base_index=0))

    assert (await dispatched(world, last)).status is Status.ROLLING
    await delivered(world)

    (note,) = [note for _, note, _ in world.chat.said if note.text.startswith(f"{last.number} goes before")]
    assert note.lines[0] == "D-1 (v1.0.0): Nomad: no leader."
    assert (len(note.lines), note.lines[-1]) == (dispatch._MOST_TOLD + 1, "2 more.")


# --- older versions --------------------------------------------------------------------------------------------------


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
