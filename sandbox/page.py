"""The web server of the sandbox's page: its files, calls to both simulators, the bot's process, the guide, the seed."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
from aiohttp import web

from sandbox import relay

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PAGES = Path(__file__).parent / "pages"
PORTS_TRIED = 100
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
# The page shows text from anyone, so the browser must load no script, style or image from elsewhere.
_POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


class Switch(Protocol):
    """Starts and stops the bot's process for the page."""

    def describe(self) -> dict[str, Any]:
        """The state of the process, as `GET /sandbox/bot` answers it."""

    async def start(self) -> None:
        """Starts the process unless it runs."""

    async def kill(self) -> None:
        """Sends SIGKILL, and returns when the process is gone."""

    async def end(self, seconds: float = ...) -> None:
        """Sends SIGTERM, and returns when the process is gone."""


class Page:
    """The page's server. Use: `page = Page(...)`, `await page.start(8420)`, `await page.stop()`.

    Args:
        slack: base address of the simulated Slack.
        nomad: base address of the simulated Nomad.
        bot: the bot's process; None if the sandbox runs without the bot.
        about: the answer to `GET /sandbox/about`; the page reads the cast from it.
        guide: brings the guide up to date: `(states of Slack by person, state of Nomad) -> steps`.
        watchers: the people whose view of Slack the guide needs.
    """

    def __init__(
        self,
        *,
        slack: str,
        nomad: str,
        bot: Switch | None,
        about: dict[str, Any],
        guide: Callable[[dict[str, Any], dict[str, Any]], list[dict[str, Any]]],
        watchers: tuple[str, ...],
    ) -> None:
        self.feed = relay.Feed()
        self.seed: dict[str, str] = {"state": "off", "detail": ""}
        self._slack, self._nomad, self._bot, self._about = slack, nomad, bot, about
        self._guide, self._watchers = guide, watchers
        self._steps: list[dict[str, Any]] = guide({}, {})
        self._state_changed = asyncio.Event()
        self._session: aiohttp.ClientSession | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._runner: web.AppRunner | None = None

    async def start(self, port: int) -> str:
        """Listens on 127.0.0.1 at `port` or the next free one (0: any); returns the address. Raises OSError."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=40))
        self.feed.hooks.append(self._notice)
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        address = await _listen(self._runner, port)
        self._tasks = [
            asyncio.create_task(relay.watch(self._session, self._slack, "slack", self.feed)),
            asyncio.create_task(relay.watch(self._session, self._nomad, "nomad", self.feed)),
            asyncio.create_task(self._update_guide()),
        ]
        return address

    async def stop(self) -> None:
        """Ends every connection; the page in a browser says that the sandbox is gone."""
        self.feed.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    def set_seed(self, state: str, detail: str = "") -> None:
        """Shows on the page how far the first deploys are: `off`, `waiting`, `running`, `done` or `failed`."""
        self.seed = {"state": state, "detail": detail}
        self.feed.publish("seed")

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[_only_this_machine])
        app.router.add_get("/", _index)
        app.router.add_get("/sandbox/events", self.feed.stream)
        app.router.add_get("/sandbox/about", self._answer(lambda: self._about))
        app.router.add_get("/sandbox/seed", self._answer(lambda: self.seed))
        app.router.add_get("/sandbox/guide", self._answer(lambda: {"steps": self._steps}))
        app.router.add_get("/sandbox/bot", self._answer(self._describe_bot))
        app.router.add_post("/sandbox/bot", self._switch_bot)
        app.router.add_route("*", "/slack/{tail:.+}", self._to(self._slack))
        app.router.add_route("*", "/nomad/{tail:.+}", self._to(self._nomad))
        app.router.add_static("/pages", PAGES)
        return app

    @staticmethod
    def _answer(body: Callable[[], dict[str, Any]]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(_: web.Request) -> web.StreamResponse:
            return web.json_response(body())

        return answer

    def _to(self, base: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def pass_on(request: web.Request) -> web.StreamResponse:
            assert self._session is not None  # noqa: S101 - made before the server listens
            return await relay.forward(self._session, base, request)

        return pass_on

    def _describe_bot(self) -> dict[str, Any]:
        if self._bot is None:
            return {"absent": True, "running": False, "pid": None, "restarts": 0, "exit": None, "log": []}
        return self._bot.describe()

    async def _switch_bot(self, request: web.Request) -> web.Response:
        """Does `{"do": "kill" | "start" | "term"}` and answers the new state.

        Answers 400 for any other word, and 409 if the sandbox has no bot.
        """
        if self._bot is None:
            return web.json_response({"error": "this sandbox runs without the bot (--no-bot)"}, status=409)
        try:
            body = await request.json()
        except ValueError:
            body = None
        verb = body.get("do") if isinstance(body, dict) else None
        if verb == "kill":
            await self._bot.kill()
        elif verb == "start":
            await self._bot.start()
        elif verb == "term":
            await self._bot.end()
        else:
            return web.json_response({"error": 'send {"do": "kill"}, {"do": "start"} or {"do": "term"}'}, status=400)
        return web.json_response(self._bot.describe())

    def _notice(self, name: str) -> None:
        if name in {"slack", "nomad"}:
            self._state_changed.set()

    async def _update_guide(self) -> None:
        """Brings the guide up to date after each change of a simulator, and tells the pages if a step is newly done."""
        while True:
            await self._state_changed.wait()
            self._state_changed.clear()
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValueError):
                steps = self._guide(
                    {person: await self._state(self._slack, person) for person in self._watchers},
                    await self._state(self._nomad),
                )
                if steps != self._steps:
                    self._steps = steps
                    self.feed.publish("guide")
            await asyncio.sleep(0.25)

    async def _state(self, base: str, person: str | None = None) -> Any:
        assert self._session is not None  # noqa: S101 - made before this task
        query = {"as": person} if person else {}
        async with self._session.get(f"{base}/sandbox/state", params=query) as answer:
            return await answer.json()


async def _listen(runner: web.AppRunner, port: int) -> str:
    for candidate in [port] if port == 0 else range(port, min(port + PORTS_TRIED, 65536)):
        site = web.TCPSite(runner, "127.0.0.1", candidate)
        try:
            await site.start()
        except OSError as problem:
            if problem.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise
            continue
        return f"http://127.0.0.1:{runner.addresses[0][1]}"
    raise OSError(
        errno.EADDRINUSE, f"no port from {port} to {port + PORTS_TRIED - 1} is free. Choose another with --port."
    )


@web.middleware
async def _only_this_machine(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuses requests that another web site in the same browser may send here, by DNS rebinding or by a form."""
    host = request.headers.get("Host", "")
    origin = request.headers.get("Origin")
    if host.rsplit(":", 1)[0] not in _LOOPBACK or (origin is not None and origin != f"http://{host}"):
        return web.json_response({"error": "this page is for 127.0.0.1 only"}, status=403)
    response = await handler(request)
    if not response.prepared:
        response.headers["Cache-Control"] = "no-store"
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
    return response


async def _index(_: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGES / "index.html")
