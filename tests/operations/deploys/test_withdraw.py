"""What of a withdrawn deploy is seen; who may withdraw is beside the other decisions in ``test_approve``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.message import PLANNING_SHOWN_AFTER
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.withdraw import withdraw
from bot.operations.outbox import deliver
from tests.builders import ALICE, DEVELOPERS, NORA, SRE, a_membership, a_person
from tests.operations.acts import asked, delivered, events, planned, ready, rolling

if TYPE_CHECKING:
    from tests.fakes import World


@pytest.mark.parametrize("state", [planned, ready])
async def test_a_shown_deploy_is_shown_as_withdrawn(world: World, state):
    deploy = await (ready(world) if state is ready else planned(world, "production"))
    await delivered(world)

    await withdraw(world.ports(), ALICE, deploy.id, origin=Origin())
    await delivered(world)

    (card,) = world.chat.cards.values()
    assert card.deploy.status is Status.WITHDRAWN
    body = (await events(world, deploy.id))[-1]
    assert (body["type"], body["actor"]) == ("deploy.withdrawn", ALICE.key)


async def test_withdrawn_while_its_first_message_is_on_its_way_that_message_is_corrected(world: World):
    deploy = await asked(world)
    world.clock.advance(PLANNING_SHOWN_AFTER)

    async def withdrawing():
        await withdraw(world.ports(), ALICE, deploy.id, origin=Origin())

    world.chat.hooks.before("post_card", withdrawing)
    assert await deliver.step(world.ports())
    (card,) = world.chat.cards.values()
    assert card.deploy.status is Status.PLANNING

    await delivered(world)

    (card,) = world.chat.cards.values()
    assert card.deploy.status is Status.WITHDRAWN


async def test_withdrawn_between_taking_its_first_message_and_posting_it_that_message_is_corrected(world: World):
    deploy = await asked(world)
    later = world.clock.advance(PLANNING_SHOWN_AFTER)
    parcel = await world.store.claim_parcel(owner="another", lease=world.limits.lease, now=later)
    assert parcel is not None

    await withdraw(world.ports(), ALICE, deploy.id, origin=Origin())
    await world.store.parcel_done(parcel)
    await delivered(world)

    (card,) = world.chat.cards.values()
    assert card.deploy.status is Status.WITHDRAWN


async def test_who_may_not_is_told_that_the_requester_and_the_permission_can(world: World):
    deploy = await planned(world, "production")

    answer = await withdraw(world.ports(), NORA, deploy.id, origin=Origin())

    assert isinstance(answer, Refused)
    assert (answer.codes, answer.reasons[0].users) == (("no-permission",), (ALICE.id,))
    assert answer.reasons[0].groups == (DEVELOPERS, SRE)


async def test_a_requester_who_was_deactivated_is_not_sent_to_themselves(world: World):
    deploy = await planned(world, "production")
    world.directory.snapshot = a_membership(a_person(ALICE, deleted=True))

    answer = await withdraw(world.ports(), ALICE, deploy.id, origin=Origin())

    assert isinstance(answer, Refused)
    assert (answer.codes, answer.reasons[0].users) == (("person-deactivated",), ())


async def test_what_rolls_cannot_be_withdrawn(world: World):
    deploy = await rolling(world)

    answer = await withdraw(world.ports(), ALICE, deploy.id, origin=Origin())

    assert isinstance(answer, Refused)
    assert answer.codes == ("cannot-withdraw",)
    assert "already rolling out" in answer.reasons[0].text
