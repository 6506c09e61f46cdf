"""Stand-ins for the page's tests: a bot that remembers what Slack sends, and a Nomad that shows what it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import json
from io import BytesIO
from urllib.parse import parse_qs

import aiohttp
from aiohttp import web

TOKEN = "xoxb-standin"
MODAL = {
    "type": "modal",
    "callback_id": "reject",
    "title": {"type": "plain_text", "text": "Reject D-3"},
    "submit": {"type": "plain_text", "text": "Reject"},
    "close": {"type": "plain_text", "text": "Keep it"},
    "blocks": [
        {
            "type": "section",
            "block_id": "words",
            "text": {"type": "mrkdwn", "text": "*checkout* `v1.4.2` will not go to *production*."},
        },
        {
            "type": "input",
            "block_id": "reason",
            "label": {"type": "plain_text", "text": "Reason"},
            "hint": {"type": "plain_text", "text": "Everybody in the channel can read it."},
            "element": {"type": "plain_text_input", "action_id": "text", "multiline": True, "min_length": 3},
        },
        {
            "type": "input",
            "block_id": "environment",
            "optional": True,
            "label": {"type": "plain_text", "text": "Tell"},
            "element": {
                "type": "static_select",
                "action_id": "who",
                "options": [
                    {"text": {"type": "plain_text", "text": "The requester"}, "value": "requester"},
                    {"text": {"type": "plain_text", "text": "The channel"}, "value": "channel"},
                ],
            },
        },
    ],
}


class StandInBot:
    """Acknowledges everything and keeps it in `payloads`; a click on `reject` opens a modal, `errors` answer it."""

    def __init__(self) -> None:
        self.payloads: list[dict] = []
        self.errors: dict[str, str] | None = None
        self.slack = ""
        self._runner: web.AppRunner = None  # type: ignore[assignment]  # made by start
        self._session: aiohttp.ClientSession = None  # type: ignore[assignment]  # made by start

    async def start(self) -> str:
        app = web.Application()
        app.router.add_post("/slack/events", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._session = aiohttp.ClientSession()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/slack/events"

    async def stop(self) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def upload(self, channel: str, thread_ts: str, *, name: str, title: str, content: bytes) -> None:
        """A file into a thread, in Slack's three steps."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        asked = {"filename": name, "length": str(len(content))}
        first = f"{self.slack}/api/files.getUploadURLExternal"
        async with self._session.get(first, params=asked, headers=headers) as answer:
            place = await answer.json()
        async with self._session.post(place["upload_url"], data=BytesIO(content)) as answer:
            assert answer.status == 200
        files = [{"id": place["file_id"], "title": title}]
        await self.call("files.completeUploadExternal", files=files, channel_id=channel, thread_ts=thread_ts)

    async def call(self, method: str, **arguments) -> dict:
        """One Web API call, as the bot's client would make it."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with self._session.post(f"{self.slack}/api/{method}", json=arguments, headers=headers) as answer:
            said: dict = await answer.json()
            assert said["ok"], said
            return said

    async def _take(self, request: web.Request) -> web.Response:
        fields = {name: values[0] for name, values in parse_qs(await request.text()).items()}
        payload: dict = json.loads(fields["payload"]) if "payload" in fields else fields
        self.payloads.append(payload)
        if payload.get("type") == "block_actions" and payload["actions"][0]["action_id"] == "reject":
            await self.call("views.open", trigger_id=payload["trigger_id"], view=MODAL)
        if payload.get("type") == "view_submission" and self.errors:
            return web.json_response({"response_action": "errors", "errors": self.errors})
        if payload.get("command"):
            return web.json_response({"text": f"You said `{payload['text']}`", "response_type": "ephemeral"})
        return web.Response()


class StandInNomad:
    """Shows `state` under /sandbox/state and keeps what is switched in `posts`."""

    def __init__(self, state: dict | None = None) -> None:
        self.state = state or {"jobs": [], "switches": {}, "speed": 20}
        self.posts: list[tuple[str, dict]] = []
        self._changed = asyncio.Event()
        self._closing = False
        self._runner: web.AppRunner = None  # type: ignore[assignment]  # made by start

    async def start(self) -> str:
        app = web.Application()
        app.router.add_get("/sandbox/state", self._show)
        app.router.add_get("/sandbox/events", self._events)
        app.router.add_post("/sandbox/{what}", self._post)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        self._closing = True
        self._changed.set()
        await self._runner.cleanup()

    def show(self, state: dict) -> None:
        self.state = state
        self._changed.set()
        self._changed = asyncio.Event()

    async def _show(self, _: web.Request) -> web.Response:
        return web.json_response(self.state)

    async def _post(self, request: web.Request) -> web.Response:
        self.posts.append((request.match_info["what"], await request.json()))
        return web.json_response({})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while not self._closing:
                await response.write(b'data: {"index": 1}\n\n')
                await self._changed.wait()
        return response
