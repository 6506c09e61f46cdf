"""The seed, played against a workspace in which a few lines take the bot's place."""

from __future__ import annotations

from typing import ClassVar

import pytest
from aiohttp import web

from sandbox import seed, story


class Workspace:
    """The part of Slack's control interface that the seed uses; `script` says what a deploy does next."""

    SEATS: ClassVar = {"staging": 0, "production": 2}

    def __init__(self, end="Succeeded", button="Approve", promote="Promote…"):
        self.end, self.button, self.promote = end, button, promote
        self.opens = True
        self.asked: list[dict] = []
        self.clicked: list[dict] = []
        self.filled: list[dict] = []
        self._runner: web.AppRunner = None  # type: ignore[assignment]  # made by start

    async def start(self) -> str:
        app = web.Application()
        app.router.add_get("/sandbox/state", self._state)
        app.router.add_post("/sandbox/command", self._command)
        app.router.add_post("/sandbox/action", self._action)
        app.router.add_post("/sandbox/submit", self._submit)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _command(self, request):
        self.asked.append(await request.json())
        return web.json_response({"status": 200})

    async def _action(self, request):
        click = await request.json()
        self.clicked.append(click)
        return web.json_response({"status": 200})

    async def _submit(self, request):
        self.filled.append(await request.json())
        self.asked.append({"user": story.ALICE, "text": "checkout v1.4.1 to production by the button"})
        return web.json_response({"status": 200})

    @property
    def approvals(self):
        return [click for click in self.clicked if click["channel"] == story.PRODUCTION]

    def _buttons(self, number, environment, waiting):
        label = self.button if environment == "production" else self.promote
        shown = waiting if environment == "production" else not self.filled
        button = {"type": "button", "action_id": "go", "value": f"D-{number}:1", "text": {"text": label}}
        return [{"type": "actions", "block_id": "decide:7", "elements": [button]}] if shown and label else []

    def _message(self, number, asked):
        words = asked["text"].split()
        environment = words[words.index("to") + 1]
        waiting = len(self.approvals) < self.SEATS[environment]
        state = "Approval needed" if waiting else self.end
        blocks = self._buttons(number, environment, waiting)
        text = f"{state}: {words[0]} {words[1]} to {environment}, asked by <@{asked['user']}> (D-{number})"
        return {"ts": f"{number}.0", "text": text, "blocks": blocks}

    async def _state(self, _):
        messages = [self._message(number, asked) for number, asked in enumerate(self.asked, 1)]
        told = [{"text": "You may not"}]
        views = [{"id": "V1"}] if self.opens and self.clicked and not self.filled else []
        channels = [{"id": story.PRODUCTION, "messages": messages}]
        return web.json_response({"channels": channels, "ephemerals": told, "views": views})


@pytest.fixture
async def play(monkeypatch):
    monkeypatch.setattr(seed, "WAIT_SECONDS", 0.6)
    opened = []

    async def play(workspace, *, promotes=True):
        opened.append(workspace)
        lines: list[str] = []
        await seed.play(await workspace.start(), lines.append, promotes=promotes)
        return lines

    yield play
    for one in opened:
        await one.stop()


async def test_staging_then_promoted_to_production_and_approved_by_bob_and_sam(play):
    workspace = Workspace()
    lines = await play(workspace)
    assert [asked["text"] for asked in workspace.asked] == [
        "checkout v1.4.1 to staging because the first release",
        "checkout v1.4.1 to production by the button",
    ]
    assert {asked["user"] for asked in workspace.asked} == {story.ALICE}
    assert [(click["user"], click["value"]) for click in workspace.clicked] == [
        (story.ALICE, "D-1:1"), (story.BOB, "D-2:1"), (story.SAM, "D-2:1"),
    ]  # fmt: skip
    assert workspace.filled == [
        {"user": story.ALICE, "view": "V1", "values": {"reason": {"text": "the first release"}}}
    ]
    assert lines == [
        "deploying checkout v1.4.1 to staging",
        "waiting until checkout v1.4.1 has run in staging for a while",
        "deploying checkout v1.4.1 to production",
    ]


async def test_without_an_environment_before_production_alice_requests_production(play):
    workspace = Workspace(promote="")
    lines = await play(workspace, promotes=False)
    assert [asked["text"] for asked in workspace.asked] == [
        "checkout v1.4.1 to staging because the first release",
        "checkout v1.4.1 to production because the first release",
    ]
    assert workspace.clicked[0] == {
        "user": story.BOB, "channel": story.PRODUCTION, "ts": "2.0",
        "action_id": "go", "block_id": "decide:7", "value": "D-2:1",
    }  # fmt: skip
    assert lines == ["deploying checkout v1.4.1 to staging", "deploying checkout v1.4.1 to production"]


async def test_a_button_that_never_comes_is_told(play):
    with pytest.raises(seed.SeedError, match="no button Promote…"):
        await play(Workspace(promote=""))


async def test_a_button_that_opens_nothing_is_told(play):
    workspace = Workspace()
    workspace.opens = False
    with pytest.raises(seed.SeedError, match="opened no form"):
        await play(workspace)


async def test_a_deploy_that_fails_ends_it_with_words(play):
    with pytest.raises(seed.SeedError, match="staging: D-1 is Failed, not Succeeded"):
        await play(Workspace(end="Failed"))


async def test_a_bot_that_never_gets_there_is_told_with_its_last_word(play):
    with pytest.raises(seed.SeedError, match=r"staging: no `Succeeded` within .*: Rolling out"):
        await play(Workspace(end="Rolling out"))


async def test_a_message_without_the_button_is_told(play):
    with pytest.raises(seed.SeedError, match="no Approve button"):
        await play(Workspace(button="OK"))


async def test_a_slack_that_is_not_there_is_told():
    with pytest.raises(seed.SeedError, match="does not answer"):
        await seed.play("http://127.0.0.1:1", print)
