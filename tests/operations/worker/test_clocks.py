"""Clocks that are set back or ahead: nothing waits longer than its rule, and no round is for nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.catalog.environment import DEFAULT_EXPIRES, Require
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.dispatch import ENQUEUE_LIMIT, Answer, back_off
from bot.domain.deploy.gates import RECHECK
from bot.domain.deploy.rollout import GroupHealth, NomadDeployment, Observation
from bot.operations.deploys.promotable import promotable
from bot.operations.worker import claim, dispatch, expire, follow, offer, plan, register
from bot.ports.claims import CLOCK_TOLERANCE
from tests.operations.acts import (
    SOAK,
    after_staging,
    applied,
    asked,
    attempts,
    dispatching,
    environments,
    events,
    now,
    planned,
    ready,
    rechecked,
    rolling,
    succeeded,
    types,
)

if TYPE_CHECKING:
    from tests.fakes import World

HOUR, MONTH = timedelta(hours=1), timedelta(days=30)


@pytest.mark.parametrize("jump", [-HOUR, -MONTH, HOUR, MONTH])
async def test_a_dispatch_counts_its_own_attempts_alone_wherever_the_clock_went(world: World, jump: timedelta):
    deploy = await dispatching(world)
    world.nomad.answers = [Answer.NOT_SENT]
    assert await register.step(world.ports())
    assert (await now(world, deploy)).status is Status.READY
    before = len(await events(world))

    world.clock.advance(jump)
    # a month ahead, its time is over
    if jump == MONTH:
        await dispatch.step(world.ports())
        assert (await now(world, deploy)).status is Status.EXPIRED
        return
    assert await dispatch.step(world.ports())

    deploy = await now(world, deploy)
    assert deploy.status is Status.ROLLING
    assert [(each.number, each.dispatch) for each in await attempts(world, deploy)] == [(1, 1), (2, 2)]
    assert len(world.nomad.registers) == 2
    assert (await types(world))[before:] == [
        "deploy.dispatching", "deploy.attempted", "deploy.answered", "deploy.landed",
    ]  # fmt: skip


@pytest.mark.parametrize("jump", [-HOUR, -MONTH])
async def test_an_attempt_from_the_future_is_settled_as_soon_as_one_of_now(world: World, jump: timedelta):
    world.nomad.apply = False
    deploy = await dispatching(world)
    world.nomad.answers = [Answer.UNKNOWN]
    assert await register.step(world.ports())
    world.clock.advance(jump)

    assert await register.step(world.ports())
    world.clock.advance(ENQUEUE_LIMIT + world.limits.write_timeout - timedelta(seconds=1))
    assert await register.step(world.ports())
    assert (await now(world, deploy)).status is Status.DISPATCHING
    world.clock.advance(register.LOOK_AGAIN)
    assert await register.step(world.ports())

    assert (await now(world, deploy)).status is Status.READY
    assert len(world.nomad.registers) == 1


async def test_an_attempt_taken_over_in_the_future_is_settled_as_soon_as_one_of_now(world: World):
    world.nomad.apply = False
    deploy = await dispatching(world)
    world.nomad.hooks.before("register", SystemExit())
    with pytest.raises(SystemExit):
        await register.step(world.ports())
    world.clock.advance(claim.PUT_OFF)
    assert await register.step(world.ports())
    assert (await attempts(world, deploy))[0].taken_over == world.clock.now()
    world.clock.advance(-HOUR)

    assert await register.step(world.ports())

    (attempt,) = await attempts(world, deploy)
    assert (attempt.at, attempt.taken_over) == (world.clock.now(), world.clock.now())


@pytest.mark.parametrize("jump", [-HOUR, -MONTH])
async def test_whatever_was_put_off_before_the_clock_was_set_back_is_looked_at_now(world: World, jump: timedelta):
    running = await rolling(world)
    waiting = await planned(world, "production", version="v1.5.0")
    group = GroupHealth(name="web", desired=2, placed=2, healthy=1)
    deployment = NomadDeployment(
        id="d-1", status="running", description="", job_version=0, job_spec_modify_index=101, groups=(group,)
    )
    world.nomad.seen = Observation(exists=True, deployment=deployment, wanted={"web": 2})
    assert await follow.step(world.ports())
    assert not await follow.step(world.ports())
    world.clock.advance(jump)

    assert await rechecked(world)
    assert await follow.step(world.ports())

    assert (await now(world, running)).due_at == world.clock.now() + follow.POLL
    assert not await follow.step(world.ports())
    assert (await now(world, waiting)).due_at == world.clock.now() + RECHECK


async def test_one_that_is_held_is_recorded_once_however_often_it_is_looked_at(world: World):
    await dispatching(world)
    held = await ready(world, version="v1.5.0")
    before = len(await events(world))

    for _ in range(5):
        world.clock.advance(dispatch.TURN_AGAIN)
        assert await dispatch.step(world.ports())
        world.clock.advance(-HOUR)
        assert await dispatch.step(world.ports())

    assert (await now(world, held)).waits_its_turn
    assert len(await events(world)) == before


def test_no_step_puts_a_deploy_off_for_longer_than_what_counts_as_a_wrong_clock():
    waits = [
        plan.RETRY_AFTER, claim.PUT_OFF, RECHECK, dispatch.LOOK_AGAIN, dispatch.ASK_AGAIN, dispatch.TURN_AGAIN,
        register.LOOK_AGAIN, back_off(99), follow.POLL, follow.RETRY_AFTER,
    ]  # fmt: skip
    works = (plan.WORK, register.WORK, follow.WORK)

    assert max(waits) <= min(work.within for work in works) < offer.WORK.within


async def test_people_are_told_of_an_unknown_outcome_also_after_the_clock_was_set_back(world: World):
    world.nomad.apply = False
    world.nomad.blind = True
    deploy = await dispatching(world)
    world.nomad.answers = [Answer.UNKNOWN]
    assert await register.step(world.ports())
    world.clock.advance(-HOUR)
    assert await register.step(world.ports())

    assert [each.code for each in (await now(world, deploy)).blocked] == ["outcome-unknown"]
    assert await asked(world, version="v9.0.0")


@pytest.mark.parametrize(("state", "jump"), [(asked, -HOUR), (planned, -MONTH)])
async def test_what_was_asked_in_the_future_expires_within_its_rule_from_now(world: World, state, jump: timedelta):
    deploy = await state(world)
    world.clock.advance(jump)

    assert await expire.step(world.ports())
    assert not await expire.step(world.ports())
    assert (await now(world, deploy)).expires_at == world.clock.now() + DEFAULT_EXPIRES
    world.clock.advance(DEFAULT_EXPIRES - timedelta(seconds=1))
    assert not await expire.step(world.ports())
    world.clock.advance(seconds=1)
    assert await expire.step(world.ports())

    assert (await now(world, deploy)).status is Status.EXPIRED
    assert "deploy.expired" in await types(world, deploy.id)


async def test_one_that_was_asked_between_the_reading_of_the_clock_and_the_look_keeps_its_time(world: World):
    deploy = await asked(world)
    world.clock.advance(-CLOCK_TOLERANCE)

    assert not await expire.step(world.ports())
    assert (await now(world, deploy)).expires_at == deploy.expires_at


async def test_each_environment_brings_back_by_its_own_rule(world: World):
    await applied(world, environments=environments("production", expires=timedelta(hours=72)))
    long, short = await planned(world, "production"), await asked(world)

    assert not await expire.step(world.ports())
    world.clock.advance(-HOUR)
    assert await expire.step(world.ports())

    waits = [(await now(world, each)).expires_at - world.clock.now() for each in (long, short)]
    assert waits == [timedelta(hours=72), DEFAULT_EXPIRES]


async def test_before_there_is_a_catalog_nothing_expires(bare: World):
    assert not await expire.step(bare.ports())


async def test_one_that_succeeded_in_the_future_and_was_replaced_since_did_so_before_that(world: World):
    await after_staging(world)
    first = await succeeded(world)
    world.clock.advance(-HOUR)
    second = await succeeded(world, version="v1.5.0")
    world.clock.advance(seconds=5)
    while await offer.step(world.ports()):
        pass

    was, landed = await now(world, first), (await now(world, second)).landed_at
    assert (was.changed_at, was.offers) == (landed, ())


async def test_a_release_that_succeeded_in_the_future_soaks_from_now_on(world: World):
    await after_staging(world, require=Require.RUNNING)
    deploy = await succeeded(world)
    world.clock.advance(-MONTH)

    assert await offer.step(world.ports())
    assert (await now(world, deploy)).changed_at == world.clock.now()
    assert (await now(world, deploy)).offers == ()
    world.clock.advance(SOAK)
    assert await offer.step(world.ports())

    assert (await now(world, deploy)).offers == ("production",)
    assert (await promotable(world.ports(), deploy.id)).environments == ("production",)
