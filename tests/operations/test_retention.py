"""Retention: when it begins, and what each reader of an old plan says once its job is no longer kept."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.catalog.environment import Require
from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.domain.jobdiff.whole import file_of
from bot.operations import retention
from bot.operations.deploys.request import request
from bot.operations.deploys.withdraw import withdraw
from bot.operations.queries.status import card
from tests.builders import ALICE, a_job
from tests.operations.acts import HERE, SOAK, after_staging, an_ask, now, planned, succeeded

if TYPE_CHECKING:
    import pytest

    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.plan import Plan
    from tests.fakes import World


async def plan_now(world: World, deploy: Deploy) -> Plan:
    async with world.store.read() as reading:
        found = await reading.plan(deploy.id, (await now(world, deploy)).plan)
    assert found is not None
    return found


async def emptied(world: World, deploy: Deploy) -> None:
    """The deploy's plan, after so many others that it is no longer kept."""
    plan = await plan_now(world, deploy)
    async with world.store.begin() as tx:
        await tx.save_plan(replace(plan, job="", replaced=""))


async def test_the_job_of_an_ended_deploy_goes_after_its_time(world: World, caplog: pytest.LogCaptureFixture) -> None:
    deploy = await planned(world)
    await withdraw(world.ports(), ALICE, deploy.id, origin=HERE)
    before = await plan_now(world, deploy)
    world.clock.advance(days=89)
    assert await retention.step(world.ports()) == 0
    world.clock.advance(days=2)
    with caplog.at_level(logging.INFO):
        assert await retention.step(world.ports()) == 1
    assert await retention.step(world.ports()) == 0
    assert [record.getMessage() for record in caplog.records] == ["old plans no longer keep their job"]
    assert await plan_now(world, deploy) == replace(before, job="", replaced="")


async def test_the_page_and_the_file_of_the_change_need_no_job(world: World) -> None:
    deploy = await planned(world, "production")
    shown = file_of(deploy, await plan_now(world, deploy))
    await emptied(world, deploy)
    assert file_of(deploy, await plan_now(world, deploy)) == shown
    assert await card(world.ports(), deploy.id) is not None


async def test_a_plan_says_that_what_it_replaces_is_no_longer_kept(world: World) -> None:
    first = await succeeded(world)
    await emptied(world, first)

    second = await planned(world, version="v1.4.3")

    plan = await plan_now(world, second)
    assert plan.warnings[0] == f"What {first.number} registered is no longer kept: nobody can tell what changed since."
    assert plan.base is not None
    assert plan.base.deploy == first.id
    known = world.nomad.known[-1]
    assert known is not None
    assert known.ours is None


async def test_what_nobody_can_compare_by_its_content_counts_as_registered_outside(world: World) -> None:
    first = await succeeded(world)
    await emptied(world, first)
    for count in range(2, 5):
        world.nomad.change({**world.nomad.jobs["checkout"], "Priority": count})
    world.nomad.kept.clear()
    world.nomad.change(world.nomad.jobs["checkout"])

    plan = await plan_now(world, await planned(world, version="v1.4.3"))

    assert plan.base is not None
    assert plan.base.deploy is None


async def test_the_comparison_with_the_environment_before_says_so(world: World) -> None:
    await after_staging(world)
    source = await succeeded(world)
    world.clock.advance(SOAK)
    await emptied(world, source)

    plan = await plan_now(world, await planned(world, "production"))

    assert plan.differs == ("The job that ran there is no longer kept, so nothing was compared.",)
    assert plan.compared_with == "staging"


async def test_whether_it_still_runs_there_is_not_guessed(world: World) -> None:
    await after_staging(world, require=Require.RUNNING)
    source = await succeeded(world)
    world.clock.advance(SOAK)
    await emptied(world, source)
    # as long as Nomad has that very version, nothing has to be compared
    staging = world.nomad.jobs["checkout-staging"]
    world.nomad.change({**staging, "TaskGroups": a_job("checkout:other")["TaskGroups"]})

    answer = await request(world.ports(), ALICE, an_ask(environment="production"), origin=HERE)

    assert isinstance(answer, Refused)
    assert answer.codes == ("not-running",)
    assert f"What {source.number} registered is no longer kept. Deploy it there: `/deploy" in answer.reasons[0].text
    assert (await now(world, source)).deviation is None
    assert (await now(world, source)).status is Status.SUCCEEDED
