"""Our Slack gateway against the simulated Slack, and our way in behind it: what tests of both need."""

from __future__ import annotations

import hashlib
import hmac
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from bot.gateways.slack.chat import SlackChat
from bot.gateways.slack.connection import Connection
from bot.gateways.slack.directory import SlackDirectory
from handlers.slack.guard import PATH, Guard
from sandbox.slack.server import SimulatedSlack
from sandbox.story import workspace
from tests.clocks import FixedClock
from tests.sandbox.slack.stand import Page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.ports import Ports

SECRET, TOKEN = "5d1f0e4b7c6a49e2b3f8d7a6c5b4e3f2", "xoxb-simulated-token"


@dataclass
class Slackside:
    """A simulated Slack with the whole cast, our gateway to it, and the control interface."""

    server: SimulatedSlack
    connection: Connection
    directory: SlackDirectory
    chat: SlackChat
    page: Page

    async def calls(self, method: str = "") -> list[dict[str, Any]]:
        """The Web API calls that we made, oldest first."""
        return [call for call in await self.page.get("calls") if method in {"", call["method"]}]

    async def ephemerals(self, user: str) -> list[dict[str, Any]]:
        """What that person alone sees."""
        state = await self.page.get("state", **{"as": user})
        return [one for one in state["ephemerals"] if one["user"] == user]


@asynccontextmanager
async def slackside() -> AsyncIterator[Slackside]:
    """All of it, running."""
    server = SimulatedSlack(workspace(), SECRET, TOKEN)
    # that we answer within Slack's three seconds is asked in tests of the whole (tests/e2e), not of a busy machine
    server.courier.patience = 60
    base = await server.start()
    async with aiohttp.ClientSession() as session, Connection(TOKEN, f"{base}/api/") as connection:
        directory = SlackDirectory(connection, FixedClock())
        yield Slackside(server, connection, directory, SlackChat(connection), Page(base, session))
        await directory.close()
    await server.stop()


@dataclass
class Door:
    """Our ``POST /slack/events``, and a way to knock at it with any bytes."""

    url: str
    session: aiohttp.ClientSession
    guard: Guard
    signed: set[tuple[int, bytes]] = field(default_factory=set)

    async def knock(
        self, body: bytes | str, kind: str = "application/x-www-form-urlencoded", **headers: str
    ) -> tuple[int, Any]:
        """Status and body of the answer to signed bytes; ``headers`` replace or join those of a genuine request."""
        raw = body.encode() if isinstance(body, str) else body
        # Slack never signs the same second and body twice for two requests: neither do two knocks
        second = int(time.time())
        while (second, raw) in self.signed:
            second -= 1
        self.signed.add((second, raw))
        stamp = str(second)
        genuine = {
            "Content-Type": kind,
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signature(stamp, raw),
        }
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.post(self.url, data=BytesIO(raw), headers={**genuine, **given}) as answer:
            text = await answer.text()
            return answer.status, await answer.json() if answer.content_type == "application/json" else text


def signature(stamp: str, raw: bytes, secret: str = SECRET) -> str:
    """Slack's header for these bytes."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{stamp}:".encode() + raw, hashlib.sha256).hexdigest()


@asynccontextmanager
async def door(ports: Ports, side: Slackside) -> AsyncIterator[Door]:
    """Our way in, known to the simulated Slack."""
    guard = Guard(ports, side.chat, [SECRET], known_app=lambda: side.directory.app)
    app = web.Application()
    app.router.add_post(PATH, guard.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
    side.server.request_url = url
    async with aiohttp.ClientSession() as session:
        yield Door(url, session, guard)
    await runner.cleanup()
    await guard.drain()


def a_command(text: str = "help", **changes: str) -> str:
    """A slash command's form, as Slack sends it."""
    fields = {
        "token": "t",
        "team_id": "T0NOMATRON",
        "team_domain": "nomatron",
        "channel_id": "C0GENERAL1",
        "channel_name": "general",
        "user_id": "U0ALICE001",
        "user_name": "alice",
        "command": "/deploy",
        "text": text,
        "api_app_id": "A0NOMATRON",
        "response_url": "https://hooks.slack.com/commands/T0NOMATRON/1/x",
        "trigger_id": "1.2.3",
    }
    return urlencode({**fields, **changes})
