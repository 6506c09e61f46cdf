from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import RECHECK
from bot.errors import NomadUnavailable
from bot.operations.deploys.approve import approve
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.transitions import SETTING_REFUSED
from bot.operations.worker import plan
from tests.builders import BOB, SRE, USERGROUPS, a_job
from tests.operations.acts import applied, asked, change, environments, events, now, planned, ready, rechecked

if TYPE_CHECKING:
    from tests.fakes import World


async def test_only_what_waits_for_people_is_rechecked(world: World):
    await ready(world)
    await asked(world)
    world.clock.advance(RECHECK)

    assert not await rechecked(world)


async def test_it_is_looked_at_once_a_minute_while_nothing_moves(world: World):
    deploy = await planned(world, "production")
    before = await events(world, deploy.id)
    assert not await rechecked(world)
    world.clock.advance(RECHECK)

    assert await rechecked(world)

    assert (await now(world, deploy)).due_at == world.clock.now() + RECHECK
    assert await events(world, deploy.id) == before


async def test_with_every_seat_filled_by_a_new_catalog_it_is_ready_even_while_nomad_is_away(world: World):
    deploy = await planned(world, "production")
    await approve(world.ports(), BOB, deploy.id, plan=1, origin=Origin())
    only_owners = replace(environments("production")["production"].approvals[1])
    await applied(world, environments=environments("production", approvals=(only_owners,)))
    world.nomad.trouble = NomadUnavailable("away")

    assert await rechecked(world)

    assert (await now(world, deploy)).status is Status.READY


async def test_one_approver_coming_back_to_the_group_fills_the_seat_again(world: World):
    deploy = await ready(world)
    deploy = deploy.advance(Status.WAITING, world.clock.now(), detail="An approver no longer counts.")
    await change(world, deploy)
    world.directory.usergroups = {**USERGROUPS, SRE: frozenset()}
    assert await rechecked(world)
    assert (await now(world, deploy)).status is Status.WAITING
    world.directory.usergroups = dict(USERGROUPS)
    world.clock.advance(RECHECK)

    assert await rechecked(world)

    assert (await now(world, deploy)).status is Status.READY


async def test_a_setting_that_the_rules_no_longer_allow_ends_the_deploy_with_words(world: World):
    deploy = await planned(world, "production", overrides={"count": 3})
    # an older version recorded it
    await change(world, replace(deploy, overrides={"count": "{{ x }}"}))
    world.clock.advance(RECHECK)

    assert await rechecked(world)
    assert (await now(world, deploy)).status is Status.PLANNING
    assert (await events(world, deploy.id))[-1]["data"]["cause"] == SETTING_REFUSED
    assert await plan.step(world.ports())

    ended = await now(world, deploy)
    assert ended.status is Status.INVALID
    assert ended.detail.startswith("`count` takes text of at most 200 characters")


async def test_a_moved_job_is_planned_anew_whatever_the_seats(world: World):
    deploy = await planned(world, "production")
    world.nomad.change(a_job())
    world.clock.advance(RECHECK)

    assert await rechecked(world)

    anew = await now(world, deploy)
    assert anew.status is Status.PLANNING
    assert (await events(world, deploy.id))[-1]["data"]["cause"] == anew.detail


async def test_while_slack_is_silent_it_waits_and_nothing_is_recorded(world: World):
    deploy = await planned(world, "production")
    before = await events(world)
    world.directory.silent = True
    world.clock.advance(RECHECK)

    assert await rechecked(world)

    assert (await now(world, deploy)).due_at == world.clock.now() + RECHECK
    assert await events(world) == before
