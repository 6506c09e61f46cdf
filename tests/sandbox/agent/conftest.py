"""Agents that a sandbox can have: the simulated Nomad always, since it speaks Nomad's API, and a real one if any."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.agent.api import Api
from sandbox.nomad.server import SimulatedNomad
from tests.gateways.nomad.worlds import REAL_NOMAD, REAL_TOKEN, a_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SPEED = 100


class Host:
    """An agent, a caller of it, a namespace of this test's own, and what the sandbox has told."""

    def __init__(self, api: Api, *, token: str | None, simulated: bool) -> None:
        self.api = api
        self.token = token
        self.simulated = simulated
        self.namespace = f"sandbox-{uuid.uuid4().hex[:8]}"
        self.told: list[str] = []

    async def make_namespace(self) -> None:
        await self.api.call("POST", ("namespace", self.namespace), {"Name": self.namespace}, {})

    async def register(self, job_id: str, **options: Any) -> None:
        body = {"Job": a_service(job_id, **options)}
        await self.api.call("POST", ("jobs",), body, {"namespace": self.namespace})

    async def jobs(self) -> set[str]:
        return {stub["ID"] for stub in await self.api.get("jobs", namespace=self.namespace) or []}

    async def namespaces(self) -> set[str]:
        return {each["Name"] for each in await self.api.get("namespaces")}


@pytest.fixture(params=["simulated", pytest.param("real", marks=pytest.mark.nomad)])
async def host(request: pytest.FixtureRequest) -> AsyncIterator[Host]:
    """Each agent in turn; nothing of a test is left on a real one."""
    simulated = request.param == "simulated"
    if not simulated and REAL_NOMAD not in os.environ:
        pytest.skip(f"no real Nomad: set {REAL_NOMAD} to an agent's address")
    nomad = SimulatedNomad(speed=SPEED) if simulated else None
    token = None if nomad else os.environ.get(REAL_TOKEN)
    api = Api(await nomad.start() if nomad else os.environ[REAL_NOMAD], token)
    api.open()
    found = Host(api, token=token, simulated=simulated)
    yield found
    if nomad:
        await nomad.stop()
    elif found.namespace in await found.namespaces():
        for job in await found.jobs():
            await api.call("DELETE", ("job", job), None, {"namespace": found.namespace, "purge": "true"})
        await api.call("DELETE", ("namespace", found.namespace), None, {})
    await api.close()
