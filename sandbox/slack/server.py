"""The simulated Slack as one HTTP server: the Web API, response_urls, uploads, and the control interface."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.slack.app.delivery import Courier
from sandbox.slack.app.events import Events
from sandbox.slack.control import Control, control_guard
from sandbox.slack.faults import FaultTable
from sandbox.slack.people.interactions import Interactions
from sandbox.slack.people.submissions import Submissions
from sandbox.slack.state import State
from sandbox.slack.tiers import RateLimits
from sandbox.slack.triggers import TriggerBook
from sandbox.slack.webapi import WebApi
from sandbox.slack.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.slack.workspace import Workspace

LARGEST_BODY = 16 * 1024 * 1024
GRACE = 0.2  # seconds that open connections get when the server stops


class SimulatedSlack:
    """One workspace on one port; `now` (Unix seconds) can be replaced to let triggers and limits expire in tests."""

    def __init__(
        self, workspace: Workspace, signing_secret: str, bot_token: str, *, now: Callable[[], float] = time.time
    ) -> None:
        self.state = State(workspace, now)
        self.world = World(self.state, TriggerBook(now), RateLimits(now))
        self.faults = FaultTable()
        self.courier = Courier(self.state, signing_secret)
        self.events = Events(self.world, self.courier)
        self._closing = asyncio.Event()
        self._api = WebApi(self.world, self.faults, bot_token, self._closing)
        self._control = Control(
            self.world,
            self.faults,
            Interactions(self.world, self.courier),
            Submissions(self.world, self.courier),
            self.events,
            self._closing,
        )
        self._runner: web.AppRunner | None = None

    @property
    def request_url(self) -> str | None:
        """The app's address, `http://.../slack/events`; None if no app is connected."""
        return self.courier.request_url

    @request_url.setter
    def request_url(self, url: str | None) -> None:
        self.courier.request_url = url

    @property
    def limits(self) -> RateLimits:
        """The rate limits; tests about other things switch them off."""
        return self.world.limits

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen (0: on any free port), and return the base URL without a slash at the end."""
        await self.courier.open()
        app = web.Application(client_max_size=LARGEST_BODY, middlewares=[control_guard])
        app.add_routes(
            [
                web.route("*", "/api/{method}", self._api.handle),
                web.post("/hooks/{key:.+}", self._api.answer_hook),
                web.post("/upload/{file}", self._api.answer_upload),
                *self._control.routes(),
                web.options("/sandbox/{anything}", self._preflight),
            ]
        )
        app.on_response_prepare.append(self._tell_date)
        self._runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=GRACE)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        self.world.base = f"http://{host}:{self._runner.addresses[0][1]}"
        return self.world.base

    async def stop(self) -> None:
        """Stop the server and close all connections."""
        # Wake the streams, which check `closing` after every change.
        self._closing.set()
        self.state.changed()
        await self.events.close()
        if self._runner is not None:
            await self._runner.cleanup()
        await self.courier.close()

    async def _tell_date(self, _: web.Request, response: web.StreamResponse) -> None:
        ahead = self.state.workspace.clock
        if ahead:
            response.headers["Date"] = formatdate(time.time() + ahead, usegmt=True)

    async def _preflight(self, _: web.Request) -> web.Response:
        return web.Response(status=204)
