from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.domain.actor import CiIdentity, System
from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.replace_rollout import replace_rollout
from tests.builders import ALICE, SAM, a_membership, a_person
from tests.operations.acts import asked, delivered, dispatching, events, now, planned

if TYPE_CHECKING:
    from tests.fakes import World


async def test_its_requester_chooses_it_and_it_is_looked_at_at_once(world: World):
    deploy = await planned(world, "production")
    world.clock.advance(seconds=5)

    answer = await replace_rollout(world.ports(), ALICE, deploy.id, origin=Origin())
    await delivered(world)

    assert not isinstance(answer, Refused)
    assert (answer.replaces, answer.due_at, answer.status) == (True, world.clock.now(), Status.WAITING)
    assert await now(world, deploy) == answer
    assert (await events(world, deploy.id))[-1]["type"] == "deploy.replaces"
    (card,) = world.chat.cards.values()
    assert card.deploy.replaces


async def test_a_pipeline_of_the_requesters_may_choose_it_too(world: World):
    deploy = await planned(world, "production")

    answer = await replace_rollout(world.ports(), CiIdentity("github", "repo", ALICE.id), deploy.id, origin=Origin())

    assert not isinstance(answer, Refused)


@pytest.mark.parametrize("who", [SAM, System("x")])
async def test_nobody_else_may_whatever_they_hold(world: World, who):
    deploy = await planned(world, "production")

    answer = await replace_rollout(world.ports(), who, deploy.id, origin=Origin())

    assert isinstance(answer, Refused)
    assert answer.codes == ("not-the-requester",)
    assert answer.reasons[0].users == (ALICE.id,)
    assert not (await now(world, deploy)).replaces
    assert (await events(world, deploy.id))[-1]["type"] == "action.refused"


async def test_a_requester_who_was_deactivated_may_not(world: World):
    deploy = await planned(world, "production")
    world.directory.snapshot = a_membership(a_person(ALICE, deleted=True))

    answer = await replace_rollout(world.ports(), ALICE, deploy.id, origin=Origin())

    assert isinstance(answer, Refused)


@pytest.mark.parametrize("state", [asked, dispatching])
async def test_too_early_and_too_late_are_answered(world: World, state):
    deploy = await state(world)

    answer = await replace_rollout(world.ports(), ALICE, deploy.id, origin=Origin())

    assert isinstance(answer, Refused)
    assert answer.codes == ("cannot-replace",)
