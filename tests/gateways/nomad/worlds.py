"""The Nomads that the gateway's contract is checked on: the simulated one always, a real agent where there is one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp

from bot.domain.catalog.environment import Cluster
from bot.domain.deploy.plan import job_text
from bot.gateways.nomad.cluster import PythonNomads
from bot.gateways.nomad.stream import Patience
from tests.builders import a_rollout

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from bot.domain.deploy.plan import Job
    from bot.domain.deploy.rollout import Rollout
    from bot.gateways.nomad.client import Timeouts
    from bot.gateways.nomad.cluster import PythonNomad
    from bot.ports.nomad import Registered

REAL_NOMAD = "NOMATRON_TEST_NOMAD"
REAL_TOKEN = "NOMATRON_TEST_NOMAD_TOKEN"
SECOND = 1_000_000_000
PATIENCE_S = 30.0
PATIENCE = Patience(first=1.0, silence=45.0, back_off=0.05, longest_back_off=0.2)


@dataclass
class World:
    """One Nomad behind our gateway, with a job id that nobody else has."""

    nomad: PythonNomad
    address: str
    token: str | None
    session: aiohttp.ClientSession
    simulated: bool
    namespace: str = "default"
    job_id: str = field(default_factory=lambda: f"nomatron-{uuid.uuid4().hex[:12]}")

    async def control(self, what: str, body: Any = None) -> None:
        """A switch of the simulated Nomad's."""
        async with self.session.post(f"{self.address}/sandbox/{what}", json=body or {}) as answer:
            assert answer.status == 200, await answer.text()

    async def call(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """A call as somebody else makes it, outside Nomatron."""
        headers = {"X-Nomad-Token": self.token} if self.token else {}
        params = {"namespace": self.namespace, **query}
        url = f"{self.address}/v1/{path}"
        async with self.session.request(method, url, json=body, params=params, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def register(self, job: Job, base_index: int = 0, source: str = "# somebody\n") -> Registered:
        """Register by the gateway."""
        return await self.nomad.register(
            self.namespace, job_text(job), base_index=base_index, source=source, variables="{}"
        )

    async def foreign(self, job: Job) -> None:
        """Register as somebody else does, without a submission."""
        await self.call("POST", "jobs", {"Job": job})

    async def live(self) -> Job:
        """The job as it is now."""
        found = await self.nomad.job(self.namespace, self.job_id)
        assert found is not None
        return found

    async def rolling(self, job: Job, base_index: int = 0) -> Rollout:
        """A rollout of a register that has just landed."""
        answer = await self.register(job, base_index)
        version = (await self.live())["Version"]
        return a_rollout(
            job_version=version, job_modify_index=answer.job_modify_index, evaluation=answer.evaluation, groups=()
        )

    async def observed(self, rollout: Rollout, wanted: Callable[[Any], object]) -> Any:
        """The first observation that is wanted."""
        return await eventually(lambda: self.nomad.observe(self.namespace, self.job_id, rollout), wanted)

    async def forget(self) -> None:
        """Purge the job."""
        await self.call("DELETE", f"job/{self.job_id}", purge="true")


async def eventually(probe: Callable[[], Awaitable[Any]], wanted: Callable[[Any], object]) -> Any:
    """The first answer that is wanted."""
    async with asyncio.timeout(PATIENCE_S):
        while not wanted(seen := await probe()):  # noqa: ASYNC110 - what is awaited happens behind HTTP
            await asyncio.sleep(0.02)
    return seen


@contextlib.asynccontextmanager
async def open_world(
    address: str, *, simulated: bool, token: str | None = None, timeouts: Timeouts | None = None
) -> AsyncIterator[World]:
    """A gateway to that address, closed at the end."""
    nomads = PythonNomads(lambda _: token, timeouts=timeouts, patience=PATIENCE)
    try:
        async with aiohttp.ClientSession() as session:
            nomad = nomads.of(Cluster(name="main", address=address))
            yield World(nomad, address, token, session, simulated)
    finally:
        nomads.close()


def real_address() -> str | None:
    """The real agent's address, where one is named."""
    return os.environ.get(REAL_NOMAD)


def a_service(job_id: str, *, count: int = 1, good: bool = True, **options: Any) -> Job:
    """A service that every Nomad with raw_exec can run; a good task sleeps, a bad one exits 1 at once."""
    command = {"command": "/bin/sleep", "args": ["3600"]} if good else {"command": "/bin/false"}
    update = {
        "MaxParallel": 1, "HealthCheck": "task_states", "MinHealthyTime": SECOND, "HealthyDeadline": 6 * SECOND,
        "ProgressDeadline": 10 * SECOND, **options.get("update", {}),
    }  # fmt: skip
    task = {
        "Name": "app",
        "Driver": "raw_exec",
        "Config": command,
        "Env": options.get("env", {}),
        "KillTimeout": SECOND,
        "Resources": {"CPU": 10, "MemoryMB": options.get("memory", 10)},
        "LogConfig": {"MaxFiles": 1, "MaxFileSizeMB": 1},
    }
    group = {
        "Name": "web",
        "Count": count,
        "Tasks": [task],
        "Update": update,
        "EphemeralDisk": {"SizeMB": 10},
        "RestartPolicy": {"Attempts": 0, "Mode": "fail", "Delay": SECOND, "Interval": 60 * SECOND},
        "ReschedulePolicy": {"Attempts": 0, "Interval": 0, "Unlimited": False},
    }
    return {"ID": job_id, "Name": job_id, "Type": "service", "Datacenters": ["*"], "TaskGroups": [group]}


def a_batch(job_id: str, *, good: bool = True, **more: Any) -> Job:
    """A batch job that ends at once."""
    job = a_service(job_id, good=good)
    job["TaskGroups"][0] |= {"Update": None}
    job["TaskGroups"][0]["Tasks"][0]["Config"] = {"command": "/bin/true" if good else "/bin/false"}
    return {**job, "Type": "batch", **more}


def hcl(job_id: str, extra: str = "") -> str:
    """A jobspec with one required variable."""
    return f"""
variable "tag" {{
  type = string
}}
{extra}
job "{job_id}" {{
  group "web" {{
    task "app" {{
      driver = "raw_exec"
      config {{
        command = "/bin/echo"
        args    = [var.tag]
      }}
    }}
  }}
}}
"""
