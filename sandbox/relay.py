"""What the page's server passes on: calls to the simulators, and their changes as one stream of events."""

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

    A page gets names, never content, and fetches what it shows: a missed or doubled event costs one fetch.
    """

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[str]] = set()
        self._closing = False
        self.hooks: list[Callable[[str], None]] = []

    def publish(self, what: str) -> None:
        """Tells every page and every hook; never waits."""
        for hook in self.hooks:
            hook(what)
        for queue in self._listeners:
            queue.put_nowait(what)

    def close(self) -> None:
        """Ends every stream."""
        self._closing = True
        for queue in self._listeners:
            queue.put_nowait("end")

    @contextlib.contextmanager
    def listen(self) -> Iterator[asyncio.Queue[str]]:
        """A queue of what changes while the block runs."""
        queue: asyncio.Queue[str] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Answers with server-sent events until the page goes away; several changes at once become one event."""
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
    """The names of what has changed, at least one unless QUIET_SECONDS pass."""
    try:
        names = {await asyncio.wait_for(queue.get(), QUIET_SECONDS)}
    except TimeoutError:
        return set()
    await asyncio.sleep(0.03)  # a change seldom comes alone: one fetch of the page for the whole burst
    while not queue.empty():
        names.add(queue.get_nowait())
    return names


async def watch(session: aiohttp.ClientSession, base: str, name: str, feed: Feed) -> None:
    """Publishes `name` whenever the simulator at `base` says that something changed; for ever."""
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
    """Sends the page's request on to the simulator's control interface and answers as that does.

    Answers 502 in words where the simulator cannot be reached.
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
