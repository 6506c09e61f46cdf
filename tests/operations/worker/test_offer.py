"""What a message offers to promote, and when it is drawn anew."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.catalog.environment import After
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import RECHECK
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.reject import reject
from bot.operations.worker import offer
from bot.operations.worker import plan as plan_deploy
from tests.builders import SAM, a_job, a_placement, a_service, an_environment, every_deploy
from tests.operations.acts import (
    SOAK,
    after_staging,
    applied,
    asked,
    delivered,
    ended,
    environments,
    now,
    planned,
    succeeded,
)

if TYPE_CHECKING:
    from bot.domain.catalog.environment import Environment
    from bot.domain.deploy.deploy import Deploy
    from tests.fakes import World

SECOND = timedelta(seconds=1)


async def offered(world: World, deploy: Deploy) -> tuple[str, ...]:
    """What its message offers, after all that is due was looked at."""
    while await offer.step(world.ports()):
        pass
    await delivered(world)
    shown = [card for card in world.chat.cards.values() if card.deploy.id == deploy.id]
    found = await now(world, deploy)
    assert shown[-1].promotes_to == found.offers
    return found.offers


async def test_it_is_offered_when_it_has_soaked_and_not_before(world: World):
    await after_staging(world)
    deploy = await succeeded(world)
    assert await offered(world, deploy) == ()
    assert (await now(world, deploy)).due_at == deploy.changed_at + SOAK

    world.clock.advance(SOAK)

    assert await offered(world, deploy) == ("production",)


async def test_a_message_is_drawn_anew_only_where_the_offer_changes(world: World):
    await after_staging(world)
    deploy = await succeeded(world)
    world.clock.advance(SOAK)
    await offered(world, deploy)
    drawn = world.chat.drawn

    world.clock.advance(RECHECK)

    assert await offered(world, deploy) == ("production",)
    assert world.chat.drawn == drawn


async def test_where_nothing_happens_nothing_is_looked_at_and_one_success_has_its_own_service_looked_at(world: World):
    """After a soak, and after a catalog that changes something else, too."""
    names = ("checkout", "mailer", "report")
    await after_staging(world)
    services = {name: a_service(name, job=f"{name}-{{environment}}") for name in names}
    await applied(world, services=services, environments=soaking())
    deploys = [await succeeded(world, service=name) for name in names]
    world.clock.advance(SOAK)
    for deploy in deploys:
        assert await offered(world, deploy) == ("production",)
    await applied(world, services=services, environments=soaking(), admin_channel="C0OPS00002")

    for _ in range(60):
        world.clock.advance(minutes=1)
        assert not await offer.step(world.ports())

    await succeeded(world, service="mailer", version="v1.5.0")
    async with world.store.read() as reading:
        due = [each.id for each in await every_deploy(reading) if each.due_at == world.clock.now()]
    assert due == [2, 4]


def soaking() -> dict[str, Environment]:
    return environments("production", after=(After(environment="staging", soak=SOAK),))


async def test_it_is_taken_back_when_the_success_is_too_long_ago(world: World):
    week = timedelta(days=7)
    await after_staging(world, within=week)
    deploy = await succeeded(world)
    for days in range(8):
        world.clock.advance(SOAK if not days else timedelta(days=1))
        assert await offered(world, deploy) == ("production",)
    world.clock.advance(SECOND)

    assert await offered(world, deploy) == ()
    assert (await now(world, deploy)).due_at is None


async def test_where_nothing_comes_after_it_is_looked_at_once(world: World):
    deploy = await succeeded(world)

    assert await offered(world, deploy) == ()
    assert (await now(world, deploy)).due_at is None


async def test_while_it_is_on_its_way_it_is_not_offered_and_after_a_no_again(world: World):
    await after_staging(world)
    deploy = await succeeded(world)
    world.clock.advance(SOAK)
    assert await offered(world, deploy) == ("production",)
    production = await planned(world, "production")
    assert await offered(world, deploy) == ()

    await reject(world.ports(), SAM, production.id, plan=1, reason="not today", origin=Origin())

    assert await offered(world, deploy) == ("production",)


async def test_what_is_there_is_offered_no_more_and_not_looked_at_again(world: World):
    await after_staging(world)
    deploy = await succeeded(world)
    world.clock.advance(SOAK)
    await asked(world, environment="production")
    world.nomad.jobs["checkout-production"] = {**a_job(), "Version": 1, "JobModifyIndex": 7, "Stable": True}
    world.nomad.unchanged = True
    assert await plan_deploy.step(world.ports())

    assert await offered(world, deploy) == ()
    assert (await now(world, deploy)).due_at is None


@pytest.mark.parametrize("version", ["v1.4.2", "v1.4.3"])
async def test_only_the_last_that_succeeded_offers(world: World, version):
    await after_staging(world)
    first = await succeeded(world)
    world.clock.advance(SOAK)
    assert await offered(world, first) == ("production",)
    newer = await succeeded(world, version=version, overrides={"count": 3})

    assert await offered(world, first) == ()
    assert (await now(world, first)).due_at is None
    world.clock.advance(SOAK)
    assert await offered(world, newer) == ("production",)


async def test_asked_again_and_found_well_the_message_that_is_there_goes_on_offering(world: World):
    await after_staging(world)
    deploy = await succeeded(world)
    world.clock.advance(SOAK)
    world.nomad.jobs["checkout-staging"]["Stable"] = True
    world.nomad.unchanged = True
    assert (await planned(world)).status is Status.UNCHANGED

    assert await offered(world, deploy) == ("production",)


async def test_a_failure_since_takes_the_offer_back(world: World):
    await after_staging(world)
    deploy = await succeeded(world)
    world.clock.advance(SOAK)
    assert await offered(world, deploy) == ("production",)
    await ended(world, await asked(world, overrides={"count": 3}), "failed")

    assert await offered(world, deploy) == ()


async def test_a_new_catalog_changes_the_offer_at_once(world: World):
    deploy = await succeeded(world)
    assert await offered(world, deploy) == ()

    await after_staging(world, soak=timedelta(0))
    assert await offered(world, deploy) == ("production",)

    await applied(world)
    assert await offered(world, deploy) == ()


async def test_only_environments_that_come_right_after_and_have_the_service_are_offered(world: World):
    known = environments("production", after=(After(environment="staging"),))
    beside = {name: an_environment(name, after=(After(environment=before),)) for name, before in BESIDE}
    placed = {name: a_placement(name) for name in ("staging", "production", "canada", "far")}
    services = {"checkout": a_service(placements=placed)}
    await applied(world, environments={**known, **beside}, services=services)
    deploy = await succeeded(world)

    assert await offered(world, deploy) == ("production", "canada")


BESIDE = [("canada", "staging"), ("far", "production"), ("elsewhere", "staging")]


async def test_the_next_look_is_at_the_first_soak_to_come(world: World):
    known = environments("production", after=(After(environment="staging", soak=timedelta(hours=1)),))
    canada = an_environment("canada", after=(After(environment="staging", soak=SOAK),))
    placed = {name: a_placement(name) for name in ("staging", "production", "canada")}
    services = {"checkout": a_service(placements=placed)}
    await applied(world, environments={**known, "canada": canada}, services=services)
    deploy = await succeeded(world)
    await offered(world, deploy)
    assert (await now(world, deploy)).due_at == deploy.changed_at + SOAK

    world.clock.advance(SOAK + SECOND)

    assert await offered(world, deploy) == ("canada",)
    # another one soaks still, and is watched
    assert (await now(world, deploy)).due_at == world.clock.now() + RECHECK
