"""The simulated Nomad as an HTTP server."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import time
from email.utils import formatdate
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import web

from sandbox.clock import DEFAULT_SPEED, Clock
from sandbox.nomad.cluster import Cluster
from sandbox.nomad.refusals import Refused
from sandbox.nomad.wire.call import refusal_response
from sandbox.nomad.wire.cluster_paths import logs
from sandbox.nomad.wire.control import Control
from sandbox.nomad.wire.parsing import parse_job
from sandbox.nomad.wire.registering import cut
from sandbox.nomad.wire.stream import HEARTBEAT_S, OpenStreams
from sandbox.nomad.wire.table import MAX_BODY_BYTES, Paths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp.typedefs import Handler

NAMESPACES = ("default", "staging", "apps")
# otherwise the server would wait for calls that never end
STOP_WITHIN_S = 0.2
BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"


class SimulatedNomad:
    """A Nomad with one server and a few nodes that run nothing, and the sandbox's control API on the same port.

    Waits shrink by `speed`, but for the `heartbeat` of event streams, in our own seconds; instants are told by the wall
    clock. Needs a running event loop.
    """

    def __init__(
        self,
        speed: float = DEFAULT_SPEED,
        namespaces: Sequence[str] = NAMESPACES,
        clock: Clock | None = None,
        heartbeat: float = HEARTBEAT_S,
    ) -> None:
        self._clock = clock or Clock(speed)
        self._cluster = Cluster(self._clock, namespaces)
        self._streams = OpenStreams(heartbeat)
        self._runner: web.AppRunner | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen, and return the base URL. Raises OSError if the port is in use."""
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[self._guard])
        special = {
            "/v1/event/stream": {"GET": self._streams.serve},
            "/v1/client/fs/logs/{id}": {"GET": logs},
            "/v1/jobs/parse": {"POST": parse_job, "PUT": parse_job},
        }
        Paths(self._cluster, special).add_to(app)
        app.on_response_prepare.append(allow_local_pages)
        app.on_response_prepare.append(self._tell_date)
        Control(self._cluster, self._streams).add_paths(app)
        runner = web.AppRunner(app, shutdown_timeout=STOP_WITHIN_S, handler_cancellation=True, access_log=None)
        await runner.setup()
        self._runner = runner
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError:
            await self.stop()
            raise
        return f"http://{host}:{runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Stop listening, and close all open connections."""
        # first, so that nothing starts while connections close
        self._clock.stop()
        self._streams.cut_all()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if request.path.startswith("/sandbox/"):
                return web.Response(status=204) if request.method == "OPTIONS" else await handler(request)
            held = await self._outage(request)
            if held is not None:
                return held
            namespace = request.query.get("namespace") or "default"
            self._cluster.switches.pretence.check(request.method, request.path, namespace)
            return await handler(request)
        except Refused as refusal:
            return refusal_response(refusal)
        except web.HTTPNotFound:
            return refusal_response(Refused(404, "Invalid path"))

    async def _tell_date(self, _request: web.Request, response: web.StreamResponse) -> None:
        ahead = self._cluster.switches.pretence.clock
        if ahead:
            response.headers["Date"] = formatdate(time.time() + ahead, usegmt=True)

    async def _outage(self, request: web.Request) -> web.StreamResponse | None:
        mode = self._cluster.switches.outage
        if mode == "none":
            return None
        if mode == "html":
            return web.Response(status=502, text=BAD_GATEWAY, content_type="text/html")
        if mode == "error500":
            raise Refused(500, "No cluster leader")
        if mode == "forbidden":
            raise Refused(403, "Permission denied")
        if mode == "hang":
            await self._cluster.switches.outage_changed.wait()
        cut(request)
        return web.Response(status=503)


async def allow_local_pages(request: web.Request, response: web.StreamResponse) -> None:
    """Let pages from this machine use the control API."""
    origin = request.headers.get("Origin", "")
    if request.path.startswith("/sandbox/") and urlsplit(origin).hostname in {"127.0.0.1", "localhost"}:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Methods"] = "GET, POST"
        response.headers["Access-Control-Allow-Headers"] = "Content-Type"
        response.headers["Vary"] = "Origin"


async def serve(host: str, port: int, speed: float) -> None:
    """Serve until SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, stopped.set)
    nomad = SimulatedNomad(speed)
    address = await nomad.start(host, port)
    print(f"simulated Nomad at {address}, {speed:g} times as fast", flush=True)  # noqa: T201 - what the command is for
    try:
        await stopped.wait()
    finally:
        await nomad.stop()


def main(argv: Sequence[str] | None = None) -> int:
    """Serves a simulated Nomad alone, as a command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="nomatron sandbox nomad", description="Serve a simulated Nomad.")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (%(default)s)")
    parser.add_argument(
        "--port", type=int, default=4646, help="the port to listen on (%(default)s); 0 for any free port"
    )
    parser.add_argument(
        "--speed",
        type=float,
        default=DEFAULT_SPEED,
        help="how many times faster than real time durations pass (%(default)s)",
    )
    options = parser.parse_args(argv)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(options.host, options.port, options.speed))
    return 0
