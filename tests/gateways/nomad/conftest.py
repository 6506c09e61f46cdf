"""One world for each Nomad that there is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from bot.gateways.nomad.client import Timeouts
from sandbox.nomad.server import SimulatedNomad
from tests.gateways.nomad.worlds import REAL_NOMAD, REAL_TOKEN, World, open_world, real_address

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SPEED = 20
BRIEF = Timeouts(connect=2.0, answer=1.5, write=3.0, rest=0.0)


@pytest.fixture
async def simulated() -> AsyncIterator[World]:
    """The simulated Nomad, and a gateway of little patience: its outages need no long waits."""
    server = SimulatedNomad(speed=SPEED)
    address = await server.start()
    async with open_world(address, simulated=True, timeouts=BRIEF) as world:
        yield world
    await server.stop()


@pytest.fixture(params=["simulated", pytest.param("real", marks=pytest.mark.nomad)])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Each Nomad in turn; the job is purged from a real one."""
    if request.param == "real":
        address = real_address()
        if address is None:
            pytest.skip(f"no real Nomad: set {REAL_NOMAD} to an agent's address")
        async with open_world(address, simulated=False, token=os.environ.get(REAL_TOKEN)) as found:
            yield found
            await found.forget()
        return
    server = SimulatedNomad(speed=SPEED)
    address = await server.start()
    async with open_world(address, simulated=True) as found:
        yield found
    await server.stop()
