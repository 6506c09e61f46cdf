"""A caller of the simulated Nomad over HTTP, and the jobs it sends."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

Json = dict[str, Any]

SECOND = 1_000_000_000
PATIENCE_S = 20.0
PAUSE_S = 0.01
OVER = {"successful", "failed", "cancelled"}
BAD = {"command": "/bin/false"}
ONCE = {"Attempts": 1, "Interval": 3600 * SECOND, "Delay": 5 * SECOND, "DelayFunction": "constant", "Unlimited": False}


class Reply(NamedTuple):
    status: int
    text: str
    headers: Any

    @property
    def body(self) -> Any:
        return json.loads(self.text)


def a_job(job_id: str = "shop", *, count: int = 1, **options: Any) -> Json:
    """A service of one group and one task; `options` are its config, env, meta, reschedule and update."""
    update = {"HealthCheck": "task_states", "MinHealthyTime": 10 * SECOND, **options.get("update", {})}
    task = {
        "Name": "app",
        "Driver": "docker",
        "Config": options.get("config", {"image": "registry.example/shop:v1.4.2"}),
        "Env": options.get("env", {}),
        "Resources": {"CPU": 100, "MemoryMB": options.get("memory", 64)},
    }
    group = {
        "Name": "web",
        "Count": count,
        "Tasks": [task],
        "Update": update,
        "RestartPolicy": {"Attempts": 0, "Mode": "fail", "Delay": SECOND, "Interval": 60 * SECOND},
        "ReschedulePolicy": options.get("reschedule", {"Attempts": 0, "Interval": 0, "Unlimited": False}),
    }
    job = {"ID": job_id, "Name": job_id, "Type": "service", "Datacenters": ["dc1"], "Meta": options.get("meta", {})}
    return {**job, "TaskGroups": [group]}


class Agent:
    """One caller of one simulated Nomad."""

    def __init__(self, session: aiohttp.ClientSession, address: str) -> None:
        self.session = session
        self.address = address

    async def call(self, method: str, path: str, body: Any = None, **query: Any) -> Reply:
        async with self.session.request(method, f"{self.address}{path}", json=body, params=query) as answer:
            return Reply(answer.status, await answer.text(), answer.headers)

    async def get(self, path: str, **query: Any) -> Reply:
        return await self.call("GET", path, **query)

    async def post(self, path: str, body: Any = None, **query: Any) -> Reply:
        return await self.call("POST", path, {} if body is None else body, **query)

    async def control(self, what: str, body: Any = None) -> Any:
        reply = await self.post(f"/sandbox/{what}", body)
        assert reply.status == 200, reply.text
        return reply.body

    async def register(self, job: Json, *, base: int | None = None, **extra: Any) -> Reply:
        enforced = {} if base is None else {"EnforceIndex": True, "JobModifyIndex": base}
        return await self.post("/v1/jobs", {"Job": job, **enforced, **extra})

    async def registered(self, job: Json, **extra: Any) -> Json:
        reply = await self.register(job, **extra)
        assert reply.status == 200, reply.text
        return await self.job(job["ID"])

    async def job(self, job_id: str) -> Json:
        found: Json = (await self.get(f"/v1/job/{job_id}")).body
        return found

    async def allocations(self, job_id: str) -> list[Json]:
        found: list[Json] = (await self.get(f"/v1/job/{job_id}/allocations")).body
        return found

    async def latest(self, job_id: str) -> Json | None:
        found: Json | None = (await self.get(f"/v1/job/{job_id}/deployment")).body
        return found

    async def deployment(self, deployment_id: str) -> Json:
        found: Json = (await self.get(f"/v1/deployment/{deployment_id}")).body
        return found

    async def deployment_of(self, job: Json) -> Json:
        """The deployment of exactly this registration."""

        async def ours() -> list[Json]:
            every = (await self.get(f"/v1/job/{job['ID']}/deployments")).body
            return [one for one in every if one["JobSpecModifyIndex"] == job["JobModifyIndex"]]

        found: list[Json] = await eventually(ours, bool)
        return found[0]

    async def deployment_when(self, deployment_id: str, wanted: Callable[[Json], object]) -> Json:
        found: Json = await eventually(lambda: self.deployment(deployment_id), wanted)
        return found

    async def settled(self, job: Json) -> Json:
        """The deployment of this registration, once it is over."""
        found = await self.deployment_of(job)
        return await self.deployment_when(str(found["ID"]), lambda one: one["Status"] in OVER)

    async def deployed(self, job: Json) -> Json:
        """Register, see the deployment succeed, and answer the job as it then is."""
        end = await self.settled(await self.registered(job))
        assert end["Status"] == "successful", end["StatusDescription"]
        return await self.job(job["ID"])

    @asynccontextmanager
    async def stream(self, *topics: str, **query: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        params = [("topic", topic) for topic in topics] + [(name, str(value)) for name, value in query.items()]
        async with self.session.get(f"{self.address}/v1/event/stream", params=params) as answer:
            yield answer


async def eventually(probe: Callable[[], Awaitable[Any]], wanted: Callable[[Any], object]) -> Any:
    """The first answer of `probe` that is `wanted`."""
    async with asyncio.timeout(PATIENCE_S):
        while not wanted(seen := await probe()):  # noqa: ASYNC110 - what is awaited happens behind HTTP
            await asyncio.sleep(PAUSE_S)
    return seen


async def lines_until(answer: aiohttp.ClientResponse, wanted: Callable[[Json], object]) -> list[Json]:
    """The lines of a stream up to the first that is `wanted`."""
    lines: list[Json] = []
    async with asyncio.timeout(PATIENCE_S):
        while not lines or not wanted(lines[-1]):
            lines.append(json.loads(await answer.content.readline()))
    return lines


async def ended(answer: aiohttp.ClientResponse) -> bool:
    """Read a stream to its end, which may be a reset."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while await answer.content.readany():
                pass
    except aiohttp.ClientError:
        return True
    return answer.content.at_eof()


def counters(deployment: Json) -> Json:
    found: Json = deployment["TaskGroups"]["web"]
    return found
