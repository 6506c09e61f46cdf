"""The three answers that machines ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.errors import NomadUnavailable, StoreUnavailable, TokenRefused
from handlers.web.health import Health
from tests.operations.acts import applied, asked
from tests.operations.conftest import bare, world
from tests.operations.digests import AUDIT, FIRST, clock_at, configured, sent, ticked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.fakes import World

__all__ = ["bare", "world"]


@pytest.fixture
async def client(world: World) -> AsyncIterator[TestClient]:
    app = web.Application()
    Health(world.ports()).add_to(app)
    async with TestClient(TestServer(app)) as opened:
        yield opened


async def test_it_is_alive(client: TestClient):
    answer = await client.get("/healthz")

    assert answer.status == 200
    assert (await answer.json())["status"] == "alive"


async def test_it_is_ready_if_database_catalog_and_slack_answer(client: TestClient):
    answer = await client.get("/readyz")

    assert answer.status == 200
    assert await answer.json() == {"ready": True, "problems": [], "clusters": {"main": "ok"}}


async def test_a_lost_cluster_is_listed_and_makes_nothing_unready(client: TestClient, world: World):
    world.nomad.trouble = NomadUnavailable("no leader")

    answer = await client.get("/readyz")

    assert answer.status == 200
    assert (await answer.json())["clusters"] == {"main": "no leader"}


async def test_a_bad_slack_token_makes_it_unready_with_the_reason(client: TestClient, world: World):
    world.directory.trouble = TokenRefused("invalid_auth")

    answer = await client.get("/readyz")

    assert answer.status == 503
    assert (await answer.json())["problems"] == ["slack-token-refused: invalid_auth"]


async def test_what_nobody_expected_is_a_problem_and_not_a_broken_page(
    client: TestClient, world: World, caplog: pytest.LogCaptureFixture
):
    world.nomad.trouble = ZeroDivisionError("a bug")

    answer = await client.get("/readyz")

    assert answer.status == 503
    assert (await answer.json())["problems"] == ["unexpected: ZeroDivisionError; see the log"]
    assert "ZeroDivisionError: a bug" in caplog.text


def metrics(text: str) -> dict[str, float]:
    lines = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, value in lines}


async def test_the_metrics_tell_the_age_of_the_oldest_item_of_each_kind(client: TestClient, world: World):
    await asked(world)
    world.clock.advance(seconds=90)

    found = metrics(await (await client.get("/metrics")).text())

    assert found["nomatron_oldest_unplanned_deploy_age_seconds"] == 90
    assert found["nomatron_oldest_undispatched_deploy_age_seconds"] == 0
    assert found["nomatron_database_up"] == 1


async def test_without_the_database_they_say_so_and_answer(client: TestClient, world: World):
    await metrics_of(client)
    world.store.hooks.before("read", StoreUnavailable("away"), always=True)

    found = await metrics_of(client)
    assert found["nomatron_database_up"] == 0


async def metrics_of(client: TestClient) -> dict[str, float]:
    return metrics(await (await client.get("/metrics")).text())


async def test_the_metrics_tell_for_each_channel_how_long_ago_its_digest_ended(client: TestClient, world: World):
    await configured(world)
    name = f'nomatron_digest_age_seconds{{channel="{AUDIT}"}}'
    clock_at(world, FIRST, "08:00:00")

    # before the first it is as old as its configuration, at noon of the day before
    assert (await metrics_of(client))[name] == 20 * 3600

    await ticked(world, FIRST)
    await sent(world)
    clock_at(world, FIRST, "09:30:00")
    assert (await metrics_of(client))[name] == 1800

    await applied(world)
    assert name not in await metrics_of(client)
