from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.actor import CiIdentity
from bot.domain.deploy.deploy import Status
from bot.errors import NomadUnavailable
from bot.operations.deploys.request import request
from bot.operations.worker import expire
from bot.operations.worker import plan as plan_deploy
from tests.builders import ALICE, a_job
from tests.operations.acts import (
    HERE,
    an_ask,
    asked,
    change,
    delivered,
    dispatching,
    events,
    now,
    planned,
    ready,
    texts,
)

if TYPE_CHECKING:
    from tests.fakes import World

DAY = timedelta(hours=24)


@pytest.mark.parametrize("state", [asked, planned, ready])
async def test_what_nobody_decided_in_time_expires(world: World, state):
    deploy = await state(world)
    world.clock.advance(DAY - timedelta(seconds=1))
    assert not await expire.step(world.ports())
    world.clock.advance(seconds=1)

    assert await expire.step(world.ports())
    assert not await expire.step(world.ports())

    body = (await events(world, deploy.id))[-1]
    assert (await now(world, deploy)).status is Status.EXPIRED
    assert (body["type"], body["actor"]) == ("deploy.expired", "system:expiry")


async def test_its_message_says_what_it_waited_for_and_its_requester_is_told(world: World):
    await planned(world, "production")
    await asked(world)
    world.clock.advance(DAY)

    await expire.step(world.ports())
    await delivered(world)

    details = {card.deploy.number: card.deploy.detail for card in world.chat.cards.values()}
    assert details == {
        "D-1": "Its time was over before it got a decision.",
        "D-2": "Its time was over before it got its plan.",
    }
    assert {
        "D-1 expired. Its time was over before it got a decision.",
        "D-2 expired. Its time was over before it got its plan.",
    } <= set(texts(world, "reply"))
    assert all(note.mention == (ALICE.id,) for _, note, _ in world.chat.said if "expired" in note.text)


async def test_what_is_on_its_way_does_not_expire(world: World):
    deploy = await dispatching(world)
    world.clock.advance(DAY * 3)

    assert not await expire.step(world.ports())
    assert (await now(world, deploy)).status is Status.DISPATCHING


async def test_one_that_was_decided_between_the_look_and_the_lock_is_left_alone(world: World):
    deploy = await planned(world, "production")
    world.clock.advance(DAY)
    world.store.hooks.before("begin", lambda: change(world, deploy.advance(Status.WITHDRAWN, world.clock.now())))

    assert await expire.step(world.ports())
    assert (await now(world, deploy)).status is Status.WITHDRAWN


async def test_after_an_outage_an_old_one_expires_before_it_is_planned(world: World):
    world.nomad.trouble = NomadUnavailable("away")
    deploy = await planned(world)
    world.nomad.trouble = None
    world.clock.advance(DAY)

    assert await plan_deploy.step(world.ports())

    assert (await now(world, deploy)).status is Status.EXPIRED


async def test_a_plan_that_moved_starts_the_time_anew(world: World):
    deploy = await planned(world, "production")
    world.clock.advance(hours=23)
    world.nomad.change(a_job())
    await change(world, (await now(world, deploy)).advance(Status.PLANNING, world.clock.now()))
    assert await plan_deploy.step(world.ports())
    world.clock.advance(hours=23)

    assert not await expire.step(world.ports())


async def test_a_pipelines_deploy_expires_with_the_person_behind_it_told(world: World):
    await request(world.ports(), CiIdentity("github", "repo", ALICE.id), an_ask(), origin=HERE)
    world.clock.advance(DAY)

    await expire.step(world.ports())
    await delivered(world)

    assert [note.mention for _, note, _ in world.chat.said] == [(ALICE.id,)]
