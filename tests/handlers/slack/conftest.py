"""Our way in from Slack: a real store, the simulated Slack in front and behind, a made-up Nomad."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.actor import Operator
from bot.operations.catalog import apply
from bot.ports import Limits
from tests.builders import a_catalog
from tests.clocks import FixedClock
from tests.fakes import HookedStore, World
from tests.slackside import Door, Slackside, door, slackside

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.ports import Ports
    from store import SqlStore


@pytest.fixture
async def slack() -> AsyncIterator[Slackside]:
    async with slackside() as running:
        yield running


@pytest.fixture
async def world(store: SqlStore) -> World:
    limits = Limits(lease=timedelta(seconds=60), write_timeout=timedelta(seconds=20))
    made = World(store=HookedStore(store), clock=FixedClock(), limits=limits)
    await apply(made.ports(), Operator("root"), a_catalog())
    return made


@pytest.fixture
def ports(world: World, slack: Slackside) -> Ports:
    """The world's ports, Slack being the simulated one."""
    return replace(world.ports(), directory=slack.directory, chat=slack.chat)


@pytest.fixture
async def knocking(ports: Ports, slack: Slackside) -> AsyncIterator[Door]:
    async with door(ports, slack) as opened:
        yield opened
