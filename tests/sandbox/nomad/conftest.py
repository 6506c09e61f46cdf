"""A simulated Nomad on a port of its own, and a caller in front of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import pytest

from sandbox.nomad.server import SimulatedNomad
from tests.sandbox.nomad.agent import Agent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# ten seconds of min_healthy_time in a tenth of a second
SPEED = 100


@pytest.fixture
async def agent() -> AsyncIterator[Agent]:
    nomad = SimulatedNomad(speed=SPEED)
    address = await nomad.start()
    async with aiohttp.ClientSession() as session:
        yield Agent(session, address)
    await nomad.stop()
