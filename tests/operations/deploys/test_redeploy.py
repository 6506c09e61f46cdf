from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.errors import Replayed
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.redeploy import again
from bot.operations.deploys.request import Requested
from tests.builders import ALICE, BOB, NORA
from tests.operations.acts import HERE, events, planned

if TYPE_CHECKING:
    from bot.domain.deploy.deploy import Deploy
    from tests.fakes import World


async def unchanged(world: World, **changes) -> Deploy:
    """A deploy that had nothing to do."""
    world.nomad.unchanged = True
    deploy = await planned(world, **changes)
    assert deploy.status is Status.UNCHANGED
    return deploy


async def test_it_asks_for_the_same_with_a_nonce_and_is_recorded_so(world: World):
    first = await unchanged(world, overrides={"count": 3}, reason="SHOP-981")

    answer = await again(world.ports(), BOB, first.id, origin=HERE)

    assert isinstance(answer, Requested)
    deploy = answer.deploy
    assert (deploy.number, deploy.nonce, deploy.requester) == ("D-2", "D-1", BOB)
    same = ("service", "environment", "version", "release", "overrides", "reason")
    assert [getattr(deploy, name) for name in same] == [getattr(first, name) for name in same]
    assert (await events(world, deploy.id))[0]["data"]["again"] is True


async def test_clicked_twice_it_answers_with_the_one_that_is_open(world: World):
    first = await unchanged(world)
    once = await again(world.ports(), ALICE, first.id, origin=HERE)

    twice = await again(world.ports(), ALICE, first.id, origin=HERE)

    assert isinstance(once, Requested)
    assert twice == Requested(once.deploy, existing=True)


async def test_the_gates_of_a_request_hold(world: World):
    first = await unchanged(world)

    answer = await again(world.ports(), NORA, first.id, origin=HERE)

    assert isinstance(answer, Refused)
    assert answer.codes == ("no-permission",)


@pytest.mark.parametrize("known", [True, False])
async def test_only_a_deploy_that_had_nothing_to_do_can_be_forced(world: World, known):
    deploy = await planned(world)

    answer = await again(world.ports(), ALICE, deploy.id if known else 99, origin=HERE)

    assert isinstance(answer, Refused)
    assert answer.codes == ("cannot-again",)


async def test_a_replayed_click_asks_for_nothing(world: World):
    first = await unchanged(world)
    origin = Origin(signature="c" * 64)
    await again(world.ports(), ALICE, first.id, origin=origin)

    with pytest.raises(Replayed):
        await again(world.ports(), ALICE, first.id, origin=origin)
