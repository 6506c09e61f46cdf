from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.replan import replan
from tests.builders import ALICE, BOB, NORA
from tests.operations.acts import asked, delivered, dispatching, events, planned, ready

if TYPE_CHECKING:
    from tests.fakes import World


@pytest.mark.parametrize("state", [planned, ready])
async def test_whoever_may_request_may_have_it_planned_anew(world: World, state):
    deploy = await (ready(world) if state is ready else planned(world, "production"))

    answer = await replan(world.ports(), BOB, deploy.id, origin=Origin())
    await delivered(world)

    assert not isinstance(answer, Refused)
    assert (answer.status, answer.detail) == (Status.PLANNING, "Somebody requested a new plan.")
    assert answer.due_at == world.clock.now()
    body = (await events(world, deploy.id))[-1]
    assert (body["type"], body["actor"]) == ("deploy.replanning", BOB.key)
    (card,) = world.chat.cards.values()
    assert card.deploy == answer


async def test_without_the_permission_it_is_refused_and_recorded(world: World):
    deploy = await planned(world, "production")

    answer = await replan(world.ports(), NORA, deploy.id, origin=Origin())

    assert isinstance(answer, Refused)
    assert answer.codes == ("no-permission",)
    data = (await events(world, deploy.id))[-1]["data"]
    assert (data["act"], data["codes"]) == ("replan", ["no-permission"])
    assert data["judged"]["people"][NORA.id] == []


@pytest.mark.parametrize(("state", "words"), [(asked, "is still being planned"), (dispatching, "already on its way")])
async def test_too_early_and_too_late_are_answered_in_words(world: World, state, words: str):
    deploy = await state(world)

    answer = await replan(world.ports(), ALICE, deploy.id, origin=Origin())

    assert isinstance(answer, Refused)
    assert answer.codes == ("cannot-replan",)
    assert words in answer.reasons[0].text
