"""A Slack for benches: it takes every call at once, and everybody is an active member of the workspace."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import time
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from bench.around import TEAM

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

APP, SECRET, TOKEN = "A0NOMATRON", "5" * 32, "xoxb-bench"
ACTIVE: Final = {"is_bot": False, "deleted": False, "is_restricted": False, "is_ultra_restricted": False}
_NUMBER = itertools.count(1)


class FakeSlack:
    """Answers the Web API and ``response_url``s, and counts the calls."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.said: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        """Any method's answer, as far as the bot reads it."""
        method = request.match_info["method"]
        given = await request.post() if request.method == "POST" else request.query
        self.calls[method] += 1
        user = str(given.get("user", ""))
        answers: dict[str, dict[str, Any]] = {
            "auth.test": {"team_id": TEAM, "user_id": "U0BOT", "bot_id": "B0BOT", "url": "https://bench.slack.com/"},
            "bots.info": {"bot": {"id": "B0BOT", "app_id": APP}},
            "users.info": {"user": {"id": user, "team_id": TEAM, **ACTIVE}},
            "conversations.open": {"channel": {"id": "D0DIRECT01"}},
        }
        posted = {"ts": f"1796000000.{self.calls.total():06}", "channel": str(given.get("channel", ""))}
        return web.json_response({"ok": True, **answers.get(method, posted)})

    async def respond(self, request: web.Request) -> web.Response:
        """What a ``response_url`` is told."""
        self.said.append((await request.json()).get("text", ""))
        return web.json_response({"ok": True})


@dataclass
class Person:
    """Somebody at a bot's Slack endpoint, on a connection of its own that stays open."""

    session: aiohttp.ClientSession
    url: str
    slack: str
    id: str = "U0ALICE001"
    answers: list[str] = field(default_factory=list)

    async def command(self, text: str) -> float:
        """Type ``/deploy``; seconds until it was acknowledged."""
        number = next(_NUMBER)
        return await self._send({
            "team_id": TEAM, "team_domain": "bench", "channel_id": "C0GENERAL1", "channel_name": "general",
            "user_id": self.id, "user_name": "somebody", "command": "/deploy", "text": text, "api_app_id": APP,
            "is_enterprise_install": "false", "response_url": f"{self.slack}/commands/{TEAM}/{number}/x",
            "trigger_id": f"1.2.{number}", "token": "x",
        })  # fmt: skip

    async def click(self, action: str, value: str) -> float:
        """Click a button of a deploy's message; seconds until it was acknowledged."""
        number = next(_NUMBER)
        text = {"type": "plain_text", "text": "Approve", "emoji": True}
        pressed = {
            "action_id": action,
            "block_id": "b",
            "type": "button",
            "value": value,
            "action_ts": "1.2",
            "text": text,
        }
        ts = "1796000000.000100"
        payload: dict[str, Any] = {
            "type": "block_actions", "user": {"id": self.id, "username": "x", "name": "x", "team_id": TEAM},
            "api_app_id": APP, "token": "x", "trigger_id": f"1.2.{number}", "team": {"id": TEAM, "domain": "bench"},
            "container": {"type": "message", "message_ts": ts, "channel_id": "C0STAGING1", "is_ephemeral": False},
            "enterprise": None, "is_enterprise_install": False, "channel": {"id": "C0STAGING1", "name": "staging"},
            "message": {"type": "message", "ts": ts, "text": "", "blocks": [], "bot_id": "B0BOT", "app_id": APP},
            "state": {"values": {}}, "response_url": f"{self.slack}/actions/{TEAM}/{number}/x", "actions": [pressed],
        }  # fmt: skip
        return await self._send({"payload": json.dumps(payload)})

    async def _send(self, fields: dict[str, str]) -> float:
        body = urlencode(fields).encode()
        stamp = str(int(time.time()))
        mac = hmac.new(SECRET.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={mac}",
        }
        began = perf_counter()
        async with self.session.post(f"{self.url}/slack/events", data=body, headers=headers) as answer:
            said = await answer.text()
        took = perf_counter() - began
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {said}")
        self.answers.append(said)
        return took


@asynccontextmanager
async def fake_slack() -> AsyncIterator[tuple[FakeSlack, str]]:
    """A fake Slack that listens, and its address."""
    slack = FakeSlack()
    app = web.Application()
    app.router.add_route("*", "/api/{method}", slack.answer)
    app.router.add_post("/{kind:commands|actions}/{tail:.*}", slack.respond)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield slack, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
