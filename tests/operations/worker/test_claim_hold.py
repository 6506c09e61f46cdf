from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import RECHECK
from bot.errors import NomadUnavailable, TargetGone
from bot.operations.deploys.approve import approve
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.withdraw import withdraw
from bot.operations.worker import dispatch, recheck
from bot.operations.worker import plan as plan_deploy
from bot.operations.worker.claim import Work, withdraw_claimed
from tests.builders import ALICE, BOB, a_catalog
from tests.operations.acts import asked, delivered, events, now, planned, ready, texts

if TYPE_CHECKING:
    from bot.ports import Ports
    from bot.ports.claims import Claim
    from tests.fakes import World

STEPS = {Status.PLANNING: plan_deploy.step, Status.WAITING: recheck.step, Status.READY: dispatch.step}


async def without_place(world: World) -> None:
    """A catalog without checkout in force, past ``apply``, which would have withdrawn what it cuts."""
    async with world.store.begin() as tx:
        await tx.apply_catalog(a_catalog(services={}), world.clock.now())


async def in_state(world: World, status: Status):
    made = {Status.PLANNING: asked, Status.READY: ready}
    deploy = await planned(world, "production") if status is Status.WAITING else await made[status](world)
    assert deploy.status is status
    return deploy


@pytest.mark.parametrize("status", STEPS)
async def test_a_deploy_whose_place_is_gone_is_withdrawn_in_words_and_is_no_workers_loop(world: World, status: Status):
    deploy = await in_state(world, status)
    await without_place(world)
    world.clock.advance(RECHECK)

    assert await STEPS[status](world.ports())

    gone = await now(world, deploy)
    assert (gone.status, gone.detail) == (
        Status.WITHDRAWN,
        "The catalog no longer deploys this service there, or deploys it somewhere else.",
    )
    last = (await events(world, deploy.id))[-1]
    assert (last["type"], last["actor"]) == ("deploy.withdrawn", "system:catalog")
    assert not await STEPS[status](world.ports())
    await delivered(world)
    assert any(text.startswith("D-1 was withdrawn. The catalog no longer") for text in texts(world, "reply"))


async def test_a_place_that_is_back_by_then_is_left_alone(world: World):
    deploy = await asked(world)

    async def back(ports: Ports, claim: Claim) -> None:
        await withdraw_claimed(ports, claim)

    assert await Work(frozenset({Status.PLANNING}), back).once(world.ports())
    assert (await now(world, deploy)).status is Status.PLANNING


async def test_a_click_on_a_deploy_whose_place_is_gone_says_so(world: World):
    deploy = await planned(world, "production")
    await without_place(world)

    with pytest.raises(TargetGone):
        await approve(world.ports(), BOB, deploy.id, plan=1, origin=Origin())
    with pytest.raises(TargetGone):
        await withdraw(world.ports(), ALICE, deploy.id, origin=Origin())


async def test_while_slack_is_silent_the_channel_reads_no_words_that_were_meant_for_a_click(world: World):
    deploy = await ready(world)
    world.directory.silent = True
    await dispatch.step(world.ports())

    assert [reason.text for reason in (await now(world, deploy)).blocked] == [
        "Slack group membership is unavailable right now. Nomatron asks again."
    ]


async def test_what_nomad_says_is_shown_as_it_is(world: World):
    deploy = await ready(world)
    world.nomad.trouble = NomadUnavailable("no leader")
    await dispatch.step(world.ports())

    assert [reason.text for reason in (await now(world, deploy)).blocked] == ["Nomad: no leader"]
