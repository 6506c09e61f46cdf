"""A commit whose end nobody knows is settled by the request's signature."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.errors import AmbiguousCommit, StoreUnavailable
from bot.operations.deploys.approve import Approved, approve
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.request import Requested, request
from tests.builders import ALICE, BOB
from tests.operations.acts import an_ask, events, planned

if TYPE_CHECKING:
    from tests.fakes import World

SIGNED = Origin(signature="5f3a")


def commit_lost(world: World, *, happened: bool, then: Exception | None = None) -> None:
    """The next change is written, or not, and nobody is told which; ``then`` is what a read says after that."""

    async def lost():
        if then is not None:
            world.store.hooks.before("read", then, always=True)
        raise AmbiguousCommit("the connection was lost during the commit")

    when = world.store.hooks.after if happened else world.store.hooks.before
    when("commit", lost)


@pytest.mark.parametrize("happened", [True, False])
async def test_a_request_is_recorded_once_and_answered_as_done(world: World, happened):
    commit_lost(world, happened=happened)

    answer = await request(world.ports(), ALICE, an_ask(), origin=SIGNED)

    assert isinstance(answer, Requested)
    assert not answer.existing
    assert [event["type"] for event in await events(world, answer.deploy.id)] == ["deploy.requested"]


@pytest.mark.parametrize("happened", [True, False])
async def test_a_click_is_recorded_once_and_answered_as_done(world: World, happened):
    deploy = await planned(world, "production")
    commit_lost(world, happened=happened)

    answer = await approve(world.ports(), BOB, deploy.id, plan=1, origin=SIGNED)

    assert isinstance(answer, Approved)
    assert [event["type"] for event in await events(world, deploy.id)].count("deploy.approved") == 1


async def test_where_the_database_stays_away_the_doubt_is_told(world: World):
    commit_lost(world, happened=True, then=StoreUnavailable("gone"))

    with pytest.raises(AmbiguousCommit):
        await request(world.ports(), ALICE, an_ask(), origin=SIGNED)


async def test_without_a_signature_the_doubt_is_told(world: World):
    commit_lost(world, happened=True)

    with pytest.raises(AmbiguousCommit):
        await request(world.ports(), ALICE, an_ask(), origin=Origin())
