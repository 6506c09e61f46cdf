"""Forwards the page's calls to the simulators, and merges the simulators' changes into one stream of events."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QUIET_SECONDS = 15.0
RETRY_SECONDS = 0.5


class Feed:
    """Tells every open page what has changed: `slack`, `nomad`, `bot`, `guide` or `seed`.

    A page gets only the names and then fetches the content, so a lost or repeated event costs at most one fetch.
    """

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[str]] = set()
        self._closing = False
        self.hooks: list[Callable[[str], None]] = []

    def publish(self, name: str) -> None:
        """Tells every page and every hook that `name` has changed; never waits."""
        for hook in self.hooks:
            hook(name)
        for queue in self._listeners:
            queue.put_nowait(name)

    def close(self) -> None:
        """Ends all streams."""
        self._closing = True
        for queue in self._listeners:
            queue.put_nowait("end")

    @contextlib.contextmanager
    def listen(self) -> Iterator[asyncio.Queue[str]]:
        """A queue that gets the name of everything that changes while the block runs."""
        queue: asyncio.Queue[str] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Answers with server-sent events until the page disconnects; changes in a burst become one event."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        with self.listen() as queue, contextlib.suppress(ConnectionError):
            await response.write(b": connected\n\n")
            while not self._closing:
                names = await _changes(queue)
                line = f"data: {json.dumps(sorted(names))}\n\n" if names else ": still here\n\n"
                await response.write(line.encode())
        return response


async def _changes(queue: asyncio.Queue[str]) -> set[str]:
    """The names of the next changes; empty if nothing changes for QUIET_SECONDS."""
    try:
        async with asyncio.timeout(QUIET_SECONDS):
            names = {await queue.get()}
    except TimeoutError:
        return set()
    await asyncio.sleep(0.03)  # a change seldom comes alone: the page should fetch once for the whole burst
    while not queue.empty():
        names.add(queue.get_nowait())
    return names


async def watch(session: aiohttp.ClientSession, base: str, name: str, feed: Feed) -> None:
    """Publishes `name` each time the simulator at `base` reports a change; runs until it is cancelled."""
    while True:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with session.get(f"{base}/sandbox/events", timeout=_ENDLESS) as answer:
                feed.publish(name)
                async for line in answer.content:
                    if line.startswith(b"data:"):
                        feed.publish(name)
        await asyncio.sleep(RETRY_SECONDS)


_ENDLESS = aiohttp.ClientTimeout(total=None, sock_connect=5)


async def forward(session: aiohttp.ClientSession, base: str, request: web.Request) -> web.Response:
    """Forwards the page's request to the simulator's control interface and returns the simulator's answer.

    Answers 502 with the reason if the simulator cannot be reached.
    """
    url = f"{base}/sandbox/{request.match_info['tail']}"
    headers = {"Content-Type": request.headers.get("Content-Type", "application/json")}
    body = await request.read()
    try:
        async with session.request(
            request.method, url, params=request.query, data=body or None, headers=headers
        ) as answer:
            return web.Response(
                status=answer.status, body=await answer.read(), content_type=answer.content_type or "text/plain"
            )
    except (aiohttp.ClientError, TimeoutError) as problem:
        return web.json_response({"error": f"the simulator does not answer: {problem}"}, status=502)
