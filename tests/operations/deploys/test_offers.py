"""What one person can promote now."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.actor import System
from bot.operations.deploys.promotable import offers_for
from bot.operations.worker import offer
from tests.builders import ALICE, GUS, NORA, a_service
from tests.operations.acts import after_staging, applied, asked, ended, environments, succeeded

if TYPE_CHECKING:
    from bot.domain.actor import Actor
    from tests.fakes import World


async def offered(world: World, actor: Actor = ALICE) -> list[str]:
    """What the person can promote, after the worker has looked at all that is due."""
    while await offer.step(world.ports()):
        pass
    return [each.text for each in await offers_for(world.ports(), actor)]


async def test_it_is_the_newest_success_of_each_service_with_where_it_may_go(world: World):
    services = {name: a_service(name) for name in ("checkout", "mailer")}
    catalog = await after_staging(world, soak=timedelta(0))
    await applied(world, environments=catalog.environments, grants=catalog.grants, services=services)
    await succeeded(world)
    world.clock.advance(seconds=1)
    await ended(world, await asked(world, service="mailer"))

    assert await offered(world) == ["D-2 (mailer v1.4.2 to production)", "D-1 (checkout v1.4.2 to production)"]


async def test_nothing_is_offered_to_those_who_may_not(world: World):
    await after_staging(world, soak=timedelta(0))
    await succeeded(world)

    assert await offers_for(world.ports(), ALICE) == ()
    assert await offered(world) == ["D-1 (checkout v1.4.2 to production)"]
    assert [await offered(world, who) for who in (NORA, GUS, System("worker"))] == [[], [], []]


async def test_what_the_new_catalog_no_longer_allows_is_not_offered(world: World):
    catalog = await after_staging(world, soak=timedelta(0))
    await succeeded(world)
    assert await offered(world)
    await applied(world, environments=environments("production"), grants=catalog.grants, services=catalog.services)

    assert [each.text for each in await offers_for(world.ports(), ALICE)] == []


async def test_while_slack_does_not_say_who_somebody_is_nothing_is_offered(world: World):
    await after_staging(world, soak=timedelta(0))
    await succeeded(world)
    await offered(world)
    world.directory.silent = True

    assert await offers_for(world.ports(), ALICE) == ()


async def test_so_many_places_are_looked_at_and_no_more(world: World):
    catalog = await after_staging(world, soak=timedelta(0))
    services = {name: a_service(name) for name in ("checkout", "mailer")}
    await applied(world, environments=catalog.environments, grants=catalog.grants, services=services)
    await succeeded(world)
    await ended(world, await asked(world, service="mailer"))
    assert len(await offered(world)) == 2

    assert [each.text for each in await offers_for(world.ports(), ALICE, 1)] == ["D-1 (checkout v1.4.2 to production)"]
