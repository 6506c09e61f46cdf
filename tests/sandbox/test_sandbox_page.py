"""The page's server: what it passes on, what it refuses, and whom it tells."""

from __future__ import annotations

import asyncio
import contextlib
import json

import aiohttp
import pytest

from sandbox.page import Page
from tests.sandbox.standins import StandInNomad


class Process:
    """A bot that is only on or off."""

    def __init__(self):
        self.done: list[str] = []

    def describe(self):
        return {"running": not self.done or self.done[-1] == "start", "log": []}

    async def start(self):
        self.done.append("start")

    async def kill(self):
        self.done.append("kill")

    async def end(self, seconds: float = 1):
        self.done.append("term")


class Desk:
    """A page in front of two stand-in simulators."""

    def __init__(self):
        self.slack, self.nomad, self.process = StandInNomad({"who": "slack"}), StandInNomad({"jobs": []}), Process()
        self.judged: list[tuple] = []
        self.page: Page = None  # type: ignore[assignment]  # made by open
        self.address = ""

    def judge(self, slack, nomad):
        self.judged.append((slack, nomad))
        return [{"title": "One", "done": bool(nomad.get("jobs"))}]

    async def open(self, bot):
        self.page = Page(
            slack=await self.slack.start(),
            nomad=await self.nomad.start(),
            bot=self.process if bot else None,
            about={"cast": []},
            guide=self.judge,
            watchers=("U1", "U2"),
        )
        self.address = await self.page.start(0)

    async def close(self):
        await self.page.stop()
        await self.slack.stop()
        await self.nomad.stop()


@pytest.fixture
async def desk(request):
    desk = Desk()
    await desk.open(bot=getattr(request, "param", True))
    yield desk
    await desk.close()


@pytest.fixture
async def http(desk):
    async with aiohttp.ClientSession(desk.address) as session:
        yield session


async def test_the_page_and_its_files(http):
    answer = await http.get("/")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert "no-store" in answer.headers["Cache-Control"]
    assert "/pages/main.js" in await answer.text()
    assert (await http.get("/pages/main.js")).content_type.endswith("javascript")
    assert (await http.get("/pages/../run.py")).status == 404


async def test_calls_go_to_the_simulator_that_is_meant(http, desk):
    assert await (await http.get("/slack/state", params={"as": "U1"})).json() == {"who": "slack"}
    assert await (await http.get("/nomad/state")).json() == {"jobs": []}
    await http.post("/nomad/fail", json={"match": "v1.4.3"})
    assert desk.nomad.posts == [("fail", {"match": "v1.4.3"})]
    assert desk.slack.posts == []


async def test_a_simulator_that_is_gone_is_told_in_words(http, desk):
    await desk.nomad.stop()
    answer = await http.get("/nomad/state")
    assert answer.status == 502
    assert "does not answer" in (await answer.json())["error"]


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}])
async def test_another_web_site_is_refused(http, desk, headers):
    answer = await http.post("/sandbox/bot", json={"do": "kill"}, headers=headers)
    assert answer.status == 403
    assert desk.process.done == []


@pytest.mark.parametrize("what", ["kill", "start", "term"])
async def test_the_bots_switch(http, desk, what):
    answer = await http.post("/sandbox/bot", json={"do": what})
    assert answer.status == 200
    assert desk.process.done == [what]


@pytest.mark.parametrize("body", ['{"do": "dance"}', "[]", "no json"])
async def test_a_word_that_the_switch_does_not_know(http, desk, body):
    answer = await http.post("/sandbox/bot", data=body)
    assert answer.status == 400
    assert '"kill"' in (await answer.json())["error"]
    assert desk.process.done == []


@pytest.mark.parametrize("desk", [False], indirect=True)
async def test_without_a_bot_there_is_nothing_to_switch(http, desk):
    assert (await (await http.get("/sandbox/bot")).json())["absent"]
    assert (await http.post("/sandbox/bot", json={"do": "kill"})).status == 409


async def test_the_guide_is_judged_after_a_change_and_pages_are_told(http, desk):
    async with contextlib.AsyncExitStack() as stack:
        stream = await stack.enter_async_context(http.get("/sandbox/events"))
        desk.nomad.show({"jobs": ["checkout"]})
        names: set[str] = set()
        async with asyncio.timeout(10):
            while "guide" not in names:
                line = await stream.content.readline()
                if line.startswith(b"data:"):
                    names |= set(json.loads(line[5:]))
    assert "nomad" in names
    slack, nomad = desk.judged[-1]
    assert set(slack) == {"U1", "U2"}
    assert nomad == {"jobs": ["checkout"]}
    assert (await (await http.get("/sandbox/guide")).json())["steps"] == [{"title": "One", "done": True}]


async def test_the_seed_is_told(http, desk):
    assert (await (await http.get("/sandbox/seed")).json())["state"] == "off"
    desk.page.set_seed("running", "deploying v1.4.1 to staging")
    assert await (await http.get("/sandbox/seed")).json() == {
        "state": "running",
        "detail": "deploying v1.4.1 to staging",
    }


async def test_no_port_that_is_free_is_an_error_that_says_so(desk, monkeypatch):
    monkeypatch.setattr("sandbox.page.PORTS_TRIED", 1)
    port = int(desk.address.rsplit(":", 1)[1])
    other = Page(slack="", nomad="", bot=None, about={}, guide=lambda *_: [], watchers=())
    with pytest.raises(OSError, match="Choose another with --port"):
        await other.start(port)
    await other.stop()
