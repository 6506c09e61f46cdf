from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.domain.access import Grant, Permission
from bot.domain.catalog.environment import After
from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.rollout import Observation
from bot.errors import Replayed
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.promote import Promotion, promote
from bot.operations.deploys.redeploy import again
from bot.operations.deploys.request import Requested
from tests.builders import (
    ALICE,
    NORA,
    SAM,
    a_catalog,
    a_job,
    a_placement,
    a_service,
    a_template,
    an_allocation,
    an_environment,
)
from tests.operations.acts import (
    HERE,
    SOAK,
    after_staging,
    an_ask,
    applied,
    asked,
    environments,
    events,
    now,
    planned,
    succeeded,
)

if TYPE_CHECKING:
    from bot.domain.actor import Actor
    from bot.domain.deploy.deploy import Deploy
    from tests.fakes import World


async def soaked(world: World, **changes) -> Deploy:
    """checkout v1.4.2, which has earned its way out of staging."""
    await after_staging(world)
    deploy = await succeeded(world, **changes)
    world.clock.advance(SOAK)
    return deploy


async def promoted(world: World, actor: Actor = ALICE, *, origin: Origin = HERE, **what) -> Requested | Refused:
    fields = {"overrides": {}, "reason": "SHOP-981"}
    return await promote(world.ports(), actor, Promotion(**{**fields, **what}), origin=origin)


async def codes(world: World, actor: Actor = ALICE, **what) -> tuple[str, ...]:
    answer = await promoted(world, actor, **what)
    return answer.codes if isinstance(answer, Refused) else ()


async def three_environments(world: World, **qa) -> None:
    """staging, then qa, then production, which comes after both."""
    known = environments("production", after=(After(environment="staging"), After(environment="qa")))
    after = (After(environment="staging"),)
    between = an_environment("qa", channel="C0STAGING1", **{"after": after, **qa})
    order = {"staging": known["staging"], "qa": between, "production": known["production"]}
    placed = {name: a_placement(name) for name in order}
    grants = (Grant("developers", frozenset({Permission.REQUEST, Permission.PROMOTE})),)
    await applied(world, environments=order, services={"checkout": a_service(placements=placed)}, grants=grants)


async def test_the_same_release_is_asked_for_in_the_next_environment(world: World):
    source = await soaked(world, overrides={"count": 3})

    answer = await promoted(world, deploy_id=source.id)

    assert isinstance(answer, Requested)
    deploy = answer.deploy
    assert (deploy.environment, deploy.version, deploy.release) == ("production", source.version, source.release)
    assert (deploy.promotes, deploy.reason, deploy.requester) == ("staging", "SHOP-981", ALICE)
    assert deploy.overrides == {}
    assert (await events(world, deploy.id))[0]["data"]["promotes"] == "staging"


async def test_it_has_its_own_overrides(world: World):
    source = await soaked(world)

    answer = await promoted(world, deploy_id=source.id, overrides={"count": 9})

    assert isinstance(answer, Requested)
    assert answer.deploy.overrides == {"count": 9}


async def test_it_is_the_same_release_also_when_the_catalog_names_another_template(world: World):
    source = await soaked(world)
    catalog = await after_staging(world)
    web = replace(a_template("web2"), text="another")
    services = {"checkout": a_service(template="web2", job="checkout-{environment}")}
    await applied(
        world,
        environments=catalog.environments,
        grants=catalog.grants,
        templates={**a_catalog().templates, "web2": web},
        services=services,
    )

    answer = await promoted(world, deploy_id=source.id)

    assert isinstance(answer, Requested)
    assert answer.deploy.release == source.release


async def test_of_a_service_it_is_what_passed_last_in_the_environment_before(world: World):
    await soaked(world)
    newest = await succeeded(world, version="v1.4.3")
    world.clock.advance(SOAK)
    await asked(world, version="v1.4.4")

    answer = await promoted(world, service="checkout", environment="production")

    assert isinstance(answer, Requested)
    assert answer.deploy.release == newest.release


async def test_what_had_nothing_to_do_can_be_promoted_where_it_ran_well(world: World):
    await after_staging(world)
    world.nomad.jobs["checkout-staging"] = {**a_job(), "Version": 1, "JobModifyIndex": 7}
    world.nomad.unchanged = True
    runs = (an_allocation(),)
    world.nomad.seen = Observation(exists=True, current_version=1, index=7, wanted={"web": 1}, allocations=runs)
    source = await planned(world)
    world.clock.advance(SOAK)

    assert await codes(world, deploy_id=source.id) == ()
    assert await codes(world, service="checkout") == ()


async def test_asked_twice_it_answers_with_the_one_that_is_open(world: World):
    source = await soaked(world)
    once = await promoted(world, deploy_id=source.id)

    twice = await promoted(world, service="checkout")

    assert isinstance(once, Requested)
    assert twice == Requested(once.deploy, existing=True)


async def test_it_needs_the_permission_of_its_own_in_the_environment_it_goes_to(world: World):
    source = await soaked(world)
    may = frozenset({Permission.REQUEST, Permission.PROMOTE})
    grants = (
        Grant("developers", may, environments=frozenset({"staging"})),
        Grant("developers", frozenset({Permission.REQUEST})),
    )
    await applied(world, environments=(await after_staging(world)).environments, grants=grants)

    assert await codes(world, deploy_id=source.id) == ("no-permission",)
    assert await codes(world, NORA, deploy_id=source.id) == ("no-permission",)


async def test_the_gates_of_a_request_hold(world: World):
    await after_staging(world)
    source = await succeeded(world)

    assert await codes(world, deploy_id=source.id) == ("soaking",)
    world.clock.advance(SOAK)
    assert await codes(world, SAM, deploy_id=source.id) == ("rule-unmeetable",)
    assert await codes(world, deploy_id=source.id, overrides={"memory": 1}) == ("not-settable",)


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ({"deploy_id": 99}, "unknown-deploy"),
        ({"service": "chekout"}, "unknown-service"),
        ({"service": "checkout", "environment": "moon"}, "nothing-to-promote"),
        ({"service": "checkout", "environment": "staging"}, "nothing-to-promote"),
        ({"service": "checkout"}, "nothing-to-promote"),
        ({"deploy_id": 1}, "nothing-to-promote"),
    ],
)
async def test_what_cannot_be_promoted_is_refused_and_recorded(world: World, what, code):
    await after_staging(world)
    await asked(world)

    assert await codes(world, **what) == (code,)

    body = (await events(world))[-1]
    assert body["type"] == "deploy.refused"
    assert body["data"]["codes"] == [code]


async def test_without_anything_after_it_there_is_nowhere_to_go(world: World):
    source = await succeeded(world)

    assert await codes(world, deploy_id=source.id) == ("nothing-to-promote",)
    assert await codes(world, service="checkout") == ("nothing-to-promote",)


async def test_where_to_has_to_be_one_of_those_that_come_after(world: World):
    source = await soaked(world)

    assert await codes(world, deploy_id=source.id, environment="production") == ()
    assert await codes(world, deploy_id=source.id, environment="staging") == ("nothing-to-promote",)


async def test_where_to_has_to_be_said_where_there_are_several(world: World):
    await three_environments(world)
    source = await succeeded(world)

    assert await codes(world, deploy_id=source.id) == ("environment-missing",)
    assert await codes(world, service="checkout") == ("environment-missing",)
    assert await codes(world, deploy_id=source.id, environment="qa") == ()


async def test_after_several_it_is_the_release_that_passed_in_all_of_them(world: World):
    await three_environments(world)
    both = await succeeded(world)
    await succeeded(world, "qa")
    await succeeded(world, version="v1.5.0")

    answer = await promoted(world, service="checkout", environment="production")

    assert isinstance(answer, Requested)
    assert answer.deploy.release == both.release


async def test_after_several_the_refusal_is_about_the_first(world: World):
    await three_environments(world)
    await succeeded(world, version="v1.5.0")

    answer = await promoted(world, service="checkout", environment="production")

    assert isinstance(answer, Refused)
    assert answer.reasons[0].text.startswith("checkout v1.5.0 has not succeeded in qa.")


async def test_a_replayed_click_asks_for_nothing(world: World):
    source = await soaked(world)
    origin = Origin(signature="c" * 64)
    await promoted(world, deploy_id=source.id, origin=origin)

    with pytest.raises(Replayed):
        await promoted(world, deploy_id=source.id, origin=origin)


async def test_a_replayed_refusal_is_one_as_well(world: World):
    origin = Origin(signature="c" * 64)
    await promoted(world, deploy_id=99, origin=origin)

    with pytest.raises(Replayed):
        await promoted(world, deploy_id=99, origin=origin)


async def test_deployed_again_it_stays_a_promotion_of_the_same_release(world: World):
    source = await soaked(world)
    answer = await promoted(world, deploy_id=source.id)
    assert isinstance(answer, Requested)
    world.nomad.unchanged = True
    from_plan = await planned(world, "production", version="v1.4.2", reason="SHOP-981")
    assert (await now(world, answer.deploy)).status is Status.UNCHANGED, from_plan

    once_more = await again(world.ports(), ALICE, answer.deploy.id, origin=HERE)

    assert isinstance(once_more, Requested)
    assert (once_more.deploy.promotes, once_more.deploy.release) == ("staging", source.release)


def test_an_ask_needs_what_it_does():
    assert an_ask().permission is Permission.REQUEST
    assert an_ask(promotes="staging").permission is Permission.PROMOTE
