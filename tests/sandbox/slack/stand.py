"""An app that answers as it is told, a page that uses the control interface, a clock, and blocks to send."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import aiohttp
from aiohttp import web
from slack_sdk.signature import Clock as VerifierClock
from slack_sdk.signature import SignatureVerifier

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TOKEN = "xoxb-simulated-token"
ALICE, BOB, NORA, GUS = "U0ALICE001", "U0BOB00001", "U0NORA0001", "U0GUS00001"
STAGING, SECRETS, FOREIGN, OLD = "C0STAGING1", "C0SECRETS1", "C0FOREIGN1", "C0ARCHIVE1"
BOT = "U0NOMATRON"


class Clock:
    """Unix seconds that move only when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1_795_305_600.0

    def __call__(self) -> float:
        return self.seconds

    def forward(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class Received:
    """One request as the app saw it."""

    body: str
    headers: dict[str, str]
    genuine: bool

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body, keep_blank_values=True).items()}

    @property
    def payload(self) -> dict[str, Any]:
        is_json = self.headers["Content-Type"].startswith("application/json")
        loaded: dict[str, Any] = json.loads(self.body if is_json else self.form["payload"])
        return loaded


class App:
    """The app behind Slack: keeps what it gets and answers with `answer` (status and JSON, text or nothing)."""

    def __init__(self, clock: Clock) -> None:
        self.received: list[Received] = []
        self._arrival = asyncio.Condition()
        self.answer: Any = None
        self.status = 200
        self.headers: dict[str, str] = {}
        self.meanwhile: Callable[[Received], Awaitable[None]] | None = None
        self.held = asyncio.Event()
        self.hold = False
        self._verifier = SignatureVerifier(SECRET, _VerifierClock(clock))

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.text()
        got = Received(body, dict(request.headers), self._verifier.is_valid_request(body, dict(request.headers)))
        async with self._arrival:
            self.received.append(got)
            self._arrival.notify_all()
        if self.hold:
            await self.held.wait()
        if self.meanwhile is not None:
            await self.meanwhile(got)
        if self.answer is None or isinstance(self.answer, str):
            return web.Response(text=self.answer or "", status=self.status, headers=self.headers)
        return web.json_response(self.answer, status=self.status, headers=self.headers)

    async def arrived(self, count: int) -> list[Received]:
        """Everything received, once it is that much."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: len(self.received) >= count)
        return self.received

    @property
    def last(self) -> Received:
        return self.received[-1]


class _VerifierClock(VerifierClock):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock()


@dataclass
class Page:
    """The control interface, as the sandbox's page and the end-to-end tests use it."""

    base: str
    session: aiohttp.ClientSession
    refused: list[str] = field(default_factory=list)

    async def post(self, what: str, *, status: int = 200, **asked: Any) -> Any:
        async with self.session.post(f"{self.base}/sandbox/{what}", json=asked) as response:
            answer = await response.json()
            assert response.status == status, answer
            return answer

    async def get(self, what: str, **query: str) -> Any:
        async with self.session.get(f"{self.base}/sandbox/{what}", params=query) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def messages(self, channel: str) -> Any:
        state = await self.get("state")
        return next(one for one in [*state["channels"], *state["dms"]] if one["id"] == channel)["messages"]


def section(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(action_id: str, value: str, text: str = "Approve") -> dict[str, Any]:
    return {"type": "button", "action_id": action_id, "value": value, "text": {"type": "plain_text", "text": text}}


def actions(*elements: dict[str, Any], block_id: str = "decide") -> dict[str, Any]:
    return {"type": "actions", "block_id": block_id, "elements": list(elements)}


def reason_modal(**more: Any) -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": "text", "min_length": 3}
    return {
        "type": "modal",
        "callback_id": "reject",
        "title": {"type": "plain_text", "text": "Reject D-1042"},
        "submit": {"type": "plain_text", "text": "Reject"},
        "private_metadata": "D-1042:2",
        "blocks": [
            {"type": "input", "block_id": "reason", "label": {"type": "plain_text", "text": "Why"}, "element": element}
        ],
        **more,
    }
