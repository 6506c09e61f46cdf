"""What the form of a promotion needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.catalog.environment import After
from bot.domain.decision import Refused
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.promotable import promotable
from bot.operations.deploys.withdraw import withdraw
from tests.builders import ALICE, a_placement, a_service, an_environment
from tests.operations.acts import SOAK, after_staging, applied, asked, environments, now, planned, succeeded

if TYPE_CHECKING:
    from bot.domain.deploy.promotion import Promotable
    from tests.fakes import World


async def of(world: World, deploy_id: int) -> Promotable | Refused:
    return await promotable(world.ports(), deploy_id)


async def why_not(world: World, deploy_id: int) -> str:
    found = await of(world, deploy_id)
    assert isinstance(found, Refused)
    return found.reasons[0].text


async def test_it_names_where_to_what_may_be_set_and_whether_a_reason_is_wanted(world: World):
    await applied(
        world, environments=environments("production", after=(After(environment="staging"),), reason_required=True)
    )
    deploy = await succeeded(world)

    found = await of(world, deploy.id)

    assert not isinstance(found, Refused)
    assert (found.deploy, found.environments) == (await now(world, deploy), ("production",))
    assert (found.several, found.reason_required) == (False, True)
    (setting,) = found.settable
    assert (setting.name, setting.takes[:34]) == ("count", "text of at most 200 characters on ")


async def test_of_several_only_the_open_ones_can_be_chosen(world: World):
    known = environments("production", after=(After(environment="staging"),))
    canada = an_environment("canada", after=(After(environment="staging", soak=SOAK),))
    placed = {name: a_placement(name) for name in ("staging", "production", "canada")}
    services = {"checkout": a_service(placements=placed)}
    await applied(world, environments={**known, "canada": canada}, services=services)
    deploy = await succeeded(world)

    found = await of(world, deploy.id)

    assert not isinstance(found, Refused)
    assert (found.environments, found.several, found.reason_required) == (("production",), True, False)


async def test_what_has_not_succeeded_or_is_unknown_cannot_go_on(world: World):
    deploy = await asked(world)

    assert await why_not(world, deploy.id) == "D-1 has not finished. Only a successful deploy can be promoted."
    assert (await why_not(world, 99)).startswith("There is no deploy D-99.")


async def test_the_last_environment_leads_nowhere(world: World):
    deploy = await succeeded(world)

    assert await why_not(world, deploy.id) == "No environment comes after staging for checkout."


async def test_the_gates_reasons_are_told(world: World):
    await after_staging(world)
    deploy = await succeeded(world)
    early = await of(world, deploy.id)
    assert isinstance(early, Refused)
    assert (early.codes, early.reasons[0].possible_at) == (("soaking",), deploy.changed_at + SOAK)

    world.clock.advance(SOAK)
    await asked(world, environment="production")

    assert await why_not(world, deploy.id) == "checkout v1.4.2 is already on its way to production: D-2."


async def test_what_ended_there_or_is_another_release_stands_in_nobodys_way(world: World):
    await after_staging(world)
    await succeeded(world, version="v1.4.1")
    world.clock.advance(SOAK)
    await planned(world, "production", version="v1.4.1")
    deploy = await succeeded(world)
    world.clock.advance(SOAK)
    there = await asked(world, environment="production")
    await withdraw(world.ports(), ALICE, there.id, origin=Origin())

    assert not isinstance(await of(world, deploy.id), Refused)
