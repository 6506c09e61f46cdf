"""The control interface of the simulated Nomad for a real agent, without the switches that only a simulator has."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.agent.api import AgentError, Api
from sandbox.agent.change import change_env, register
from sandbox.agent.footprint import Footprint
from sandbox.agent.picture import Painter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from sandbox.catalog import JobRef

LOOK_AGAIN_S = 5.0
STOP_WITHIN_S = 0.2
NOT_HERE = "a real Nomad has no such switch; start the sandbox without --nomad to use the simulated Nomad"


class RealNomad:
    """A real agent for the sandbox's page. Use: `await start(jobs)`, `await stop(jobs)`; `stop` in any state.

    Args:
        address: the agent's address.
        token: an ACL token; None if the agent needs none.
        tell: gets a line about each thing that the sandbox creates on the agent or removes.
    """

    def __init__(self, address: str, token: str | None, tell: Callable[[str], None]) -> None:
        self._api = Api(address, token)
        self._footprint = Footprint(self._api, tell)
        self._painter = Painter(self._api)
        self._version = ""
        self._stopping = False
        self._runner: web.AppRunner | None = None

    @property
    def address(self) -> str:
        """The agent's address."""
        return self._api.address

    async def start(self, wanted: Collection[JobRef]) -> str:
        """Creates the namespaces for these jobs, and returns the address of the control interface.

        Raises AgentError if the agent cannot be used, or has such jobs already.
        """
        self._api.open()
        await self._check_token()
        self._version = await self._ask_version()
        await self._footprint.arrive(wanted)
        app = web.Application()
        app.router.add_get("/sandbox/state", self._state)
        app.router.add_get("/sandbox/events", self._events)
        for name, act in {"change": change_env, "register": register}.items():
            app.router.add_post(f"/sandbox/{name}", self._acting(act))
        app.router.add_route("*", "/sandbox/{tail:.+}", _not_here)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_WITHIN_S, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self, wanted: Collection[JobRef]) -> None:
        """Removes the jobs and namespaces that have been created since `start`, and stops listening."""
        self._stopping = True
        await self._footprint.leave(wanted)
        if self._runner is not None:
            await self._runner.cleanup()
        await self._api.close()

    async def _check_token(self) -> None:
        """Raises AgentError if no agent answers, or if it needs a token and gets none."""
        known = await self._api.get("acl", "token", "self")
        if not isinstance(known, dict):
            raise AgentError(f"the server at {self.address} is not Nomad. Check the address after --nomad.")
        if known.get("AccessorID") == "anonymous":
            raise AgentError(f"Nomad at {self.address} has ACLs on. Set NOMAD_TOKEN to a token for this sandbox.")

    async def _ask_version(self) -> str:
        """Nomad's version; `version unknown` if the token may not read it."""
        try:
            version = (await self._api.get("agent", "self"))["config"]["Version"]
        except (AgentError, KeyError, TypeError):
            return "version unknown"
        prerelease = f"-{version['VersionPrerelease']}" if version.get("VersionPrerelease") else ""
        return f"{version['Version']}{prerelease}"

    async def _state(self, _: web.Request) -> web.Response:
        try:
            jobs = await self._painter.jobs(self._footprint.namespaces)
        except AgentError as problem:
            return web.json_response({"error": str(problem)}, status=502)
        agent = {"address": self.address, "version": self._version}
        namespaces = self._footprint.namespaces
        return web.json_response({"speed": 1, "namespaces": namespaces, "jobs": jobs, "switches": {}, "agent": agent})

    def _acting(self, act: Callable[[Api, Any], Awaitable[Any]]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            try:
                answer = await act(self._api, await request.json())
            except json.JSONDecodeError as problem:
                return web.json_response({"error": f"the body must be JSON: {problem}"}, status=400)
            except ValueError as problem:
                return web.json_response({"error": str(problem)}, status=400)
            except AgentError as problem:
                return web.json_response({"error": str(problem)}, status=502)
            return web.json_response(answer)

        return handle

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Sends a line at each change, and every few seconds, because Nomad may refuse us its event stream."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await response.prepare(request)
        moved = asyncio.Event()
        following = asyncio.create_task(self._follow(moved))
        try:
            while not self._stopping:
                await response.write(b'data: {"moved":true}\n\n')
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_AGAIN_S):
                        await moved.wait()
                moved.clear()
        except ConnectionError:
            # the page's server has disconnected
            pass
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        return response

    async def _follow(self, moved: asyncio.Event) -> None:
        """Sets the event for every line that is no heartbeat, and reconnects whenever the connection ends."""
        while True:
            with contextlib.suppress(AgentError):
                async for line in self._api.events():
                    if line.strip() not in {b"", b"{}"}:
                        moved.set()
            await asyncio.sleep(LOOK_AGAIN_S)


async def _not_here(_: web.Request) -> web.Response:
    return web.json_response({"error": NOT_HERE}, status=501)
