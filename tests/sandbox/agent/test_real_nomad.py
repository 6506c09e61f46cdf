"""The control interface over an agent."""

from __future__ import annotations

import asyncio
import re

import aiohttp
import pytest
from aiohttp import web

from sandbox.agent.api import AgentError
from sandbox.agent.server import RealNomad
from sandbox.catalog import JobRef
from tests.gateways.nomad.worlds import a_service


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
async def control(host):
    """The address of a control interface over the agent, whose only job is `checkout`."""
    await host.make_namespace()
    wanted = {JobRef(host.namespace, "checkout")}
    nomad = RealNomad(host.api.address, host.token, host.told.append)
    yield await nomad.start(wanted)
    await nomad.stop(wanted)


async def test_the_state_names_the_agent(host, session, control):
    await host.register("checkout")
    async with session.get(f"{control}/sandbox/state") as answer:
        state = await answer.json()
    assert [job["id"] for job in state["jobs"]] == ["checkout"]
    assert state["namespaces"] == [host.namespace]
    assert state["agent"]["address"] == host.api.address
    assert state["agent"]["version"][0].isdigit()


async def test_a_change_from_outside_is_a_version(host, session, control):
    await host.register("checkout", env={"VERSION": "v1"})
    change = {"namespace": host.namespace, "job": "checkout", "env": {"LOG_LEVEL": "trace"}}
    async with session.post(f"{control}/sandbox/change", json=change) as answer:
        assert answer.status == 200
    job = await host.api.get("job", "checkout", namespace=host.namespace)
    assert job["Version"] == 1
    assert job["TaskGroups"][0]["Tasks"][0]["Env"] == {"VERSION": "v1", "LOG_LEVEL": "trace"}


async def test_a_job_registered_by_hand_is_there_as_it_was_given(host, session, control):
    body = {"namespace": host.namespace, "job": a_service("checkout", env={"DB_URL": "x"})}
    async with session.post(f"{control}/sandbox/register", json=body) as answer:
        assert answer.status == 200
    job = await host.api.get("job", "checkout", namespace=host.namespace)
    assert (job["Version"], job["TaskGroups"][0]["Tasks"][0]["Env"]) == (0, {"DB_URL": "x"})


async def test_a_job_without_an_id_is_told(session, control):
    async with session.post(f"{control}/sandbox/register", json={"namespace": "apps", "job": {}}) as answer:
        assert answer.status == 400
        assert "ID" in (await answer.json())["error"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ('{"job": "checkout"}', 400, "namespace"),
        ("[]", 400, "namespace"),
        ("{", 400, "JSON"),
        ('{"namespace": "default", "job": "no-such-job", "env": {}}', 502, "no-such-job"),
    ],
)
async def test_a_change_that_cannot_be_is_told(session, control, body, status, said):
    async with session.post(f"{control}/sandbox/change", data=body) as answer:
        assert answer.status == status
        assert said in (await answer.json())["error"]


@pytest.mark.parametrize("switch", ["fail", "next-register", "outage", "capacity", "speed"])
async def test_switches_of_the_simulated_one_are_refused_in_words(session, control, switch):
    async with session.post(f"{control}/sandbox/{switch}", json={}) as answer:
        assert answer.status == 501
        assert "--nomad" in (await answer.json())["error"]


async def test_what_moves_is_told(host, session, control):
    async with session.get(f"{control}/sandbox/events") as answer, asyncio.timeout(30):
        lines = (line async for line in answer.content if line.startswith(b"data:"))
        await anext(lines)
        await host.register("checkout")
        while not await host.jobs():
            await anext(lines)
        assert await anext(lines)


class StandInAgent:
    """An agent that answers each path as it is told, and everything else with an HTML page."""

    def __init__(self, answers):
        self._answers = answers
        self._runner: web.AppRunner

    async def start(self):
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self):
        await self._runner.cleanup()

    async def _answer(self, request):
        status, body = self._answers.get((request.method, request.path), (200, "<html>welcome</html>"))
        return web.json_response(body, status=status) if status == 200 else web.Response(status=status, text=body)


SELF, NAMESPACES = ("GET", "/v1/acl/token/self"), ("GET", "/v1/namespaces")
KNOWN = {SELF: (200, {"AccessorID": "acls-disabled"}), NAMESPACES: (200, [{"Name": "default"}])}


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({}, "is not Nomad. Check the address"),
        ({SELF: (200, {"AccessorID": "anonymous"})}, "Set NOMAD_TOKEN"),
        ({SELF: (403, "Permission denied")}, "answers 403: Permission denied. Set NOMAD_TOKEN"),
        ({SELF: (404, "nothing")}, "is not Nomad. Check the address"),
        ({**KNOWN, ("POST", "/v1/namespace/apps"): (403, "Permission denied")}, "nomad namespace apply apps"),
    ],
)
async def test_an_agent_that_cannot_be_used_says_why(answers, said):
    agent = StandInAgent(answers)
    address = await agent.start()
    nomad = RealNomad(address, None, lambda line: None)
    with pytest.raises(AgentError, match=said):
        await nomad.start({JobRef("apps", "checkout")})
    await nomad.stop({JobRef("apps", "checkout")})
    await agent.stop()


async def test_nobody_there():
    nomad = RealNomad("http://127.0.0.1:1", None, lambda line: None)
    with pytest.raises(AgentError, match=re.escape("http://127.0.0.1:1 does not answer")):
        await nomad.start(set())
    await nomad.stop(set())


async def test_a_token_that_may_not_read_the_version_is_good_enough(session):
    agent = StandInAgent({**KNOWN, ("GET", "/v1/agent/self"): (403, "Permission denied")})
    nomad = RealNomad(await agent.start(), None, lambda line: None)
    control = await nomad.start(set())
    async with session.get(f"{control}/sandbox/state") as answer:
        assert (await answer.json())["agent"]["version"] == "version unknown"
    await nomad.stop(set())
    await agent.stop()


async def test_an_agent_that_goes_away_is_told_to_the_page(session):
    agent = StandInAgent({**KNOWN, NAMESPACES: (200, [{"Name": "apps"}]), ("GET", "/v1/jobs"): (200, [])})
    nomad = RealNomad(await agent.start(), None, lambda line: None)
    control = await nomad.start({JobRef("apps", "checkout")})
    await agent.stop()
    async with session.get(f"{control}/sandbox/state") as answer:
        assert answer.status == 502
        assert "does not answer" in (await answer.json())["error"]
    await nomad.stop({JobRef("apps", "checkout")})
