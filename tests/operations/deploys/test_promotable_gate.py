"""The gate of `after`: at request, at the claim, and in the plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.catalog.environment import After, Require
from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.rollout import Observation
from bot.operations.deploys.approve import approve
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.request import Requested, request
from bot.operations.worker import dispatch
from bot.operations.worker import plan as plan_deploy
from tests.builders import ALICE, BOB, SAM, a_job, an_allocation
from tests.operations.acts import (
    HERE,
    SOAK,
    after_staging,
    an_ask,
    applied,
    asked,
    delivered,
    ended,
    environments,
    events,
    now,
    planned,
    succeeded,
)

if TYPE_CHECKING:
    from bot.domain.deploy.deploy import Deploy
    from tests.fakes import World


async def approved(world: World, deploy: Deploy) -> None:
    """Bob and Sam say yes to its first plan."""
    for who in (BOB, SAM):
        answer = await approve(world.ports(), who, deploy.id, plan=1, origin=Origin())
        assert not isinstance(answer, Refused), answer


async def refused(world: World, **changes) -> tuple[str, ...]:
    """The codes of a refused request for production."""
    answer = await request(world.ports(), ALICE, an_ask(environment="production", **changes), origin=HERE)
    return answer.codes if isinstance(answer, Refused) else ()


async def test_before_its_time_a_request_is_refused_and_recorded_without_a_number(world: World):
    await after_staging(world)

    answer = await request(world.ports(), ALICE, an_ask(environment="production"), origin=HERE)

    assert isinstance(answer, Refused)
    (reason,) = answer.reasons
    assert reason.code == "not-passed"
    assert "`/deploy checkout v1.4.2 to staging`" in reason.text
    (body,) = [event for event in await events(world) if event["type"] == "deploy.refused"]
    assert body["data"]["codes"] == ["not-passed"]
    assert "deploy_id" not in body or body["deploy_id"] is None


async def test_it_is_taken_when_the_very_release_has_soaked(world: World):
    await after_staging(world)
    await succeeded(world)
    assert await refused(world) == ("soaking",)

    world.clock.advance(SOAK)
    assert await refused(world, version="v1.4.3") == ("not-passed",)
    answer = await request(world.ports(), ALICE, an_ask(environment="production"), origin=HERE)

    assert isinstance(answer, Requested)
    assert answer.deploy.promotes == ""


async def test_every_other_reason_is_told_with_it(world: World):
    await after_staging(world)

    assert await refused(world, overrides={"memory": 1}) == ("not-settable",)
    assert (await refused(world, overrides={"count": 3}))[-1] == "not-passed"


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"allocations": (an_allocation(),)}, ()),
        ({"allocations": (an_allocation(healthy=True),)}, ()),
        # Nomad's own revert, or somebody's copy, of an older version is marked as stable from its start
        ({}, ("not-passed",)),
        ({"allocations": (an_allocation(healthy=False),)}, ("not-passed",)),
    ],
)
async def test_nothing_to_do_where_exactly_this_runs_well_counts_as_passed(world: World, changes, codes):
    await after_staging(world)
    world.nomad.jobs["checkout-staging"] = {**a_job(), "Version": 1, "JobModifyIndex": 7}
    world.nomad.unchanged = True
    stable = Observation(exists=True, current_version=1, index=7, stable=True, wanted={"web": 1})
    world.nomad.seen = replace(stable, **changes)
    deploy = await planned(world)
    assert deploy.status is Status.UNCHANGED

    world.clock.advance(SOAK)

    assert await refused(world) == codes


async def test_the_mark_is_proof_of_the_very_version_that_we_registered_alone(world: World):
    await after_staging(world)
    await succeeded(world)
    world.nomad.unchanged = True

    async def counts() -> bool:
        # its deployment is collected, and none of its allocations runs now
        live = world.nomad.jobs["checkout-staging"]
        index = live["JobModifyIndex"]
        world.nomad.seen = Observation(exists=True, current_version=live["Version"], index=index, stable=True)
        world.clock.advance(SOAK)
        deploy = await planned(world)
        assert deploy.status is Status.UNCHANGED
        async with world.store.read() as reading:
            plan = await reading.plan(deploy.id, deploy.plan)
        return plan is not None and plan.healthy

    assert await counts()
    world.nomad.change(world.nomad.jobs["checkout-staging"])
    assert not await counts()


async def test_nothing_to_do_where_it_does_not_run_well_counts_for_nothing(world: World):
    await after_staging(world)
    world.nomad.jobs["checkout-staging"] = {**a_job(), "Version": 1, "JobModifyIndex": 7}
    world.nomad.unchanged = True
    # a system job that its constraints keep off every node: Nomad calls that stable
    nowhere = Observation(exists=True, current_version=1, index=7, stable=True, every_node=frozenset({"web"}))
    world.nomad.seen = replace(nowhere, job_type="system")
    await planned(world)

    world.clock.advance(SOAK)

    assert await refused(world) == ("not-passed",)


async def test_the_claim_asks_again_and_the_message_says_what_holds_it(world: World):
    await after_staging(world)
    await succeeded(world)
    world.clock.advance(SOAK)
    deploy = await planned(world, "production")
    world.clock.advance(timedelta(seconds=1))
    again = await asked(world, overrides={"count": 3})
    assert (await ended(world, again, "failed")).status is Status.FAILED
    await approved(world, deploy)

    assert await dispatch.step(world.ports())
    await delivered(world)

    held = await now(world, deploy)
    assert held.status is Status.READY
    assert [reason.code for reason in held.blocked] == ["not-passed"]
    card = next(card for card in world.chat.cards.values() if card.deploy.id == deploy.id)
    assert card.deploy.blocked[0].text.startswith("checkout v1.4.2 failed in staging after it had passed (D-3).")
    assert world.nomad.registers[-1]["source"].startswith("# nomatron D-3 ")


async def test_it_goes_as_soon_as_it_may_again(world: World):
    await after_staging(world, require=Require.RUNNING)
    await succeeded(world)
    world.clock.advance(SOAK)
    deploy = await planned(world, "production")
    world.clock.advance(timedelta(seconds=1))
    await succeeded(world, version="v1.4.3")
    await approved(world, deploy)
    assert await dispatch.step(world.ports())
    assert [reason.code for reason in (await now(world, deploy)).blocked] == ["not-running"]

    await after_staging(world)
    assert await dispatch.step(world.ports())

    assert (await now(world, deploy)).status is Status.ROLLING


async def test_the_plan_says_what_differs_from_the_environment_before(world: World):
    await after_staging(world)
    await succeeded(world)
    world.clock.advance(SOAK)
    world.nomad.parsed["TaskGroups"][0]["Count"] = 6

    deploy = await planned(world, "production")

    async with world.store.read() as reading:
        plan = await reading.plan(deploy.id, deploy.plan)
    assert plan is not None
    assert (plan.compared_with, plan.differs) == ("staging", ("count 2 → 6",))


async def test_a_plan_without_an_environment_before_has_nothing_to_differ_from(world: World):
    await after_staging(world, soak=timedelta(0))
    deploy = await planned(world)

    async with world.store.read() as reading:
        plan = await reading.plan(deploy.id, deploy.plan)
    assert plan is not None
    assert (plan.compared_with, plan.differs) == ("", ())


async def test_a_catalog_that_asks_for_more_meanwhile_leaves_the_plan_without_a_comparison(world: World):
    deploy = await asked(world, environment="production")
    await applied(world, environments=environments("production", after=(After(environment="staging"),)))

    assert await plan_deploy.step(world.ports())

    assert (await now(world, deploy)).status is Status.WAITING


@pytest.mark.parametrize("environment", [None, "staging"])
async def test_to_may_be_left_out_where_one_environment_comes_after_no_other(world: World, environment):
    await after_staging(world)

    answer = await request(world.ports(), ALICE, an_ask(environment=environment), origin=Origin())

    assert isinstance(answer, Requested)
    assert answer.deploy.environment == "staging"
