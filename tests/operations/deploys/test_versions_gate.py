"""The gate of `versions`: at request, for a promotion and its offers, and at the claim."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.catalog.environment import Versions
from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.operations.deploys.promotable import next_environments, promotable
from bot.operations.deploys.promote import Promotion, promote
from bot.operations.deploys.request import request
from bot.operations.worker import dispatch
from tests.builders import ALICE
from tests.operations.acts import (
    HERE,
    SOAK,
    after_staging,
    an_ask,
    applied,
    delivered,
    environments,
    events,
    now,
    ready,
    succeeded,
)

if TYPE_CHECKING:
    from tests.fakes import World

NO_LATEST = Versions(deny=("latest|main",))


async def no_latest(world: World) -> None:
    """Production comes after staging, and takes no `latest`."""
    catalog = await after_staging(world)
    production = replace(catalog.environments["production"], versions=NO_LATEST)
    known = {**catalog.environments, "production": production}
    await applied(world, environments=known, grants=catalog.grants, services=catalog.services)


async def test_t3_a_tag_that_moves_is_refused_and_gets_no_number(world: World):
    await applied(world, environments=environments("production", versions=NO_LATEST))

    answer = await request(world.ports(), ALICE, an_ask(environment="production", version="latest"), origin=HERE)

    assert isinstance(answer, Refused)
    assert answer.codes == ("version-refused",)
    assert answer.reasons[0].text.startswith("production refuses the version `latest`, because it matches")
    assert (await events(world))[-1]["data"]["codes"] == ["version-refused"]
    async with world.store.read() as reading:
        assert await reading.open_deploys("checkout", "production") == ()


async def test_another_environment_takes_it_and_offers_it_to_none_that_refuses_it(world: World):
    await no_latest(world)
    deploy = await succeeded(world, version="latest")
    world.clock.advance(SOAK)

    nowhere = await promotable(world.ports(), deploy.id)
    what = Promotion(service="", environment=None, overrides={}, reason=None, deploy_id=deploy.id)
    answer = await promote(world.ports(), ALICE, what, origin=HERE)
    async with world.store.read() as reading:
        catalog = (await reading.active_catalog()).catalog
        offered = await next_environments(reading, catalog, deploy, world.clock.now())

    assert isinstance(nowhere, Refused)
    assert isinstance(answer, Refused)
    assert (nowhere.codes, answer.codes) == (("version-refused",), ("version-refused",))
    assert offered.environments == ()


async def test_a_version_that_it_takes_is_offered(world: World):
    await no_latest(world)
    deploy = await succeeded(world)
    world.clock.advance(SOAK)

    async with world.store.read() as reading:
        catalog = (await reading.active_catalog()).catalog
        offered = await next_environments(reading, catalog, deploy, world.clock.now())

    assert offered.environments == ("production",)


async def test_t15_the_claim_asks_the_catalog_in_force_again_and_goes_on_if_it_takes_the_version(world: World):
    deploy = await ready(world, version="latest")
    await applied(world, environments=environments("production", versions=NO_LATEST))

    assert await dispatch.step(world.ports())
    await delivered(world)

    held = await now(world, deploy)
    assert held.status is Status.READY
    assert [reason.code for reason in held.blocked] == ["version-refused"]
    card = next(card for card in world.chat.cards.values() if card.deploy.id == deploy.id)
    assert card.deploy.blocked == held.blocked
    assert world.nomad.registers == []

    await applied(world)
    assert await dispatch.step(world.ports())
    assert (await now(world, deploy)).status is Status.ROLLING
