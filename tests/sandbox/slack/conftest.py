"""A simulated Slack with part of the cast in it, an app behind it, and Slack's own client library in front of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.server import SimulatedSlack
from sandbox.slack.workspace import Channel, Person, UserGroup, Workspace
from tests.sandbox.slack.stand import (
    ALICE,
    BOB,
    BOT,
    FOREIGN,
    GUS,
    NORA,
    OLD,
    SECRET,
    SECRETS,
    STAGING,
    TOKEN,
    App,
    Clock,
    Page,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def workspace() -> Workspace:
    everyone = [ALICE, BOB, NORA, GUS]
    return Workspace(
        people=[
            Person(ALICE, "alice", "Alice", email="alice@example.com"),
            Person(BOB, "bob", "Bob"),
            Person(NORA, "nora", "Nora"),
            Person(GUS, "gus", "Gus", is_restricted=True),
        ],
        channels=[
            Channel(STAGING, "staging", members=everyone),
            Channel(SECRETS, "secrets", private=True, members=[ALICE, BOT]),
            Channel(FOREIGN, "foreign", private=True, members=[ALICE]),
            Channel(OLD, "old", archived=True, members=everyone),
        ],
        groups=[
            UserGroup("S0DEV00001", "developers", "Developers", [ALICE, BOB, GUS]),
            UserGroup("S0SRE00001", "sre", "SRE"),
        ],
    )


@pytest.fixture
async def slack(workspace: Workspace, clock: Clock) -> AsyncIterator[SimulatedSlack]:
    server = SimulatedSlack(workspace, SECRET, TOKEN, now=clock)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def app(slack: SimulatedSlack, clock: Clock) -> AsyncIterator[App]:
    receiver = App(clock)
    application = web.Application()
    application.router.add_post("/slack/events", receiver.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    slack.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    yield receiver
    receiver.held.set()
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def page(slack: SimulatedSlack, session: aiohttp.ClientSession) -> Page:
    return Page(slack.world.base, session)


@pytest.fixture
def client(slack: SimulatedSlack, session: aiohttp.ClientSession) -> AsyncWebClient:
    """Slack's own client library, pointed at the simulation; it never retries by itself."""
    return AsyncWebClient(token=TOKEN, base_url=f"{slack.world.base}/api/", session=session, retry_handlers=[])
