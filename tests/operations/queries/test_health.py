from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.errors import NomadUnavailable, SlackUnavailable, TokenRefused
from bot.operations.queries.health import ages, health
from tests.builders import a_catalog
from tests.operations.acts import applied, asked, ready

if TYPE_CHECKING:
    from tests.fakes import World


async def test_with_everything_there_it_is_ready(world: World):
    answer = await health(world.ports())

    assert answer.ready
    assert (answer.problems, answer.clusters) == ((), {"main": "ok"})


async def test_without_a_catalog_it_is_not_ready(bare: World):
    answer = await health(bare.ports())

    assert not answer.ready
    assert [problem.split(":")[0] for problem in answer.problems] == ["catalog-missing"]
    assert answer.clusters == {}


async def test_every_problem_is_said_at_once(bare: World):
    bare.directory.trouble = TokenRefused("invalid_auth")

    answer = await health(bare.ports())

    assert [problem.split(":")[0] for problem in answer.problems] == ["catalog-missing", "slack-token-refused"]


async def test_without_slack_it_is_not_ready(world: World):
    world.directory.trouble = SlackUnavailable("503")

    assert (await health(world.ports())).problems == ("slack-unavailable: 503",)


async def test_a_lost_cluster_is_listed_and_does_not_make_it_unready(world: World):
    main = a_catalog().clusters["main"]
    await applied(world, clusters={"main": main, "spare": replace(main, name="spare")})
    world.nomad.trouble = NomadUnavailable("connection refused")

    answer = await health(world.ports())

    assert answer.ready
    assert answer.clusters == {"main": "connection refused", "spare": "connection refused"}


async def test_a_cluster_that_hangs_holds_nobody_up(world: World):
    never = asyncio.Event()

    world.nomad.hooks.before("reach", never.wait)

    answer = await asyncio.wait_for(health(world.ports()), 20)

    assert answer.ready
    assert answer.clusters == {"main": "does not answer"}


async def test_the_ages_tell_since_when_work_waits(world: World):
    assert (await ages(world.ports())).unplanned is None
    held = await ready(world)
    world.clock.advance(seconds=30)
    await asked(world)

    seen = await ages(world.ports())

    assert seen.unplanned == world.clock.now()
    assert seen.undispatched == held.changed_at
    assert seen.unsent == held.requested_at
