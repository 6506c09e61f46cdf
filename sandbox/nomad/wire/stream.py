"""GET /v1/event/stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.nomad.broker import EVERY, Interest
from sandbox.nomad.refusals import Refused

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable

    from sandbox.nomad.broker import Subscription
    from sandbox.nomad.wire.call import Call

HEARTBEAT_S = 30.0


class UntilClosed(web.StreamResponse):
    """A response that is not chunked and ends with the connection, as Nomad's has been since 1.11.2."""

    # with this off, aiohttp adds no framing to a body without a length, as for its WebSockets
    _length_check = False

    def __init__(self) -> None:
        super().__init__(headers={"Connection": "close", "Cache-Control": "no-cache"})
        self.content_type = "application/json"
        self.force_close()


class OpenStreams:
    """The streams that are being read, so that they can be cut. A stream at rest beats every `heartbeat` seconds."""

    def __init__(self, heartbeat: float = HEARTBEAT_S) -> None:
        self._heartbeat = heartbeat
        self._open: set[asyncio.Transport] = set()

    def cut_all(self) -> int:
        """Close all streams; returns how many there were."""
        cut = list(self._open)
        for transport in cut:
            transport.abort()
        return len(cut)

    async def serve(self, call: Call) -> web.StreamResponse:
        """Write lines until the reader is gone: `{}` at once, what is asked for, and `{}` for each `heartbeat` of rest.

        Raises Refused with 400 for a malformed index or topic.
        """
        interest, index = read_interest(call)
        transport = call.request.transport
        response = UntilClosed()
        if transport is None:
            return response
        await response.prepare(call.request)
        reader = call.cluster.broker.subscribe(interest, index)
        self._open.add(transport)
        try:
            await write_lines(call, reader, response, self._heartbeat)
        except ConnectionError:
            # the reader has disconnected, which is how a stream ends
            pass
        finally:
            self._open.discard(transport)
            call.cluster.broker.unsubscribe(reader)
        return response


async def write_lines(call: Call, reader: Subscription, response: web.StreamResponse, heartbeat: float) -> None:
    """Write for ever. Raises ConnectionError once nobody reads any more."""
    await response.write(b"{}\n")
    while True:
        line = await reader.next_line(heartbeat)
        switches = call.cluster.switches
        # a `hang` outage loses nothing: the lines wait until it ends
        while switches.outage == "hang":
            await switches.outage_changed.wait()
        await response.write(line or b"{}\n")


def read_interest(call: Call) -> tuple[Interest, int]:
    """The filter and the start index from the query. Raises Refused with 400."""
    index = call.query.get("index", "0")
    if not index.isdecimal():
        raise Refused(400, f"Unable to parse index: {index!r} is no number")
    return Interest(topics_of(call.request.query.getall("topic", [])), call.namespace), int(index)


def topics_of(wanted: Iterable[str]) -> dict[str, frozenset[str]]:
    """The topics and keys in `Topic:key` texts; all topics if there are none. Raises Refused with 400."""
    topics: dict[str, set[str]] = {}
    for text in wanted:
        topic, _, key = text.partition(":")
        if not topic:
            raise Refused(400, f"Invalid key value pair for topic, topic: {text}")
        topics.setdefault(topic, set()).add(key or EVERY)
    return {topic: frozenset(keys) for topic, keys in (topics or {EVERY: {EVERY}}).items()}
