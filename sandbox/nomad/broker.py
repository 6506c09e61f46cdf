"""The event broker: buffers the last lines of the event stream and hands new lines to its readers."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.nomad.records import Json
    from sandbox.nomad.state import Batch, Event

# Nomad's default event_buffer_size; a reader that asks for an older index silently starts at the oldest line
BUFFERED_LINES = 100
EVERY = "*"


def event_json(event: Event, kind: str, index: int) -> Json:
    """The JSON of an event in the stream."""
    return {
        "Topic": event.topic,
        "Type": kind,
        "Key": event.key,
        "Namespace": event.namespace,
        "FilterKeys": event.filter_keys,
        "Index": index,
        "Payload": event.payload,
    }


@dataclass(frozen=True)
class Interest:
    """A reader's filter: topics with their keys ("*" for every key), and a namespace ("*" for all)."""

    topics: dict[str, frozenset[str]]
    namespace: str

    def wants(self, event: Json) -> bool:
        """Whether the filter lets this event through."""
        if self.namespace not in {EVERY, event["Namespace"]}:
            return False
        keys = self.topics.get(event["Topic"]) or self.topics.get(EVERY)
        if not keys:
            return False
        return EVERY in keys or bool(keys & {event["Key"], *(event["FilterKeys"] or [])})


@dataclass(eq=False)
class Subscription:
    """One reader, with the lines that it has not read yet."""

    interest: Interest
    waiting: deque[bytes] = field(default_factory=deque)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, line: Json) -> None:
        """Queue those events of a line that the reader wants, if any."""
        wanted = [event for event in line["Events"] if self.interest.wants(event)]
        if wanted:
            text = json.dumps({"Index": line["Index"], "Events": wanted}, separators=(",", ":"), sort_keys=True)
            self.waiting.append(text.encode() + b"\n")
            self.arrived.set()

    async def next_line(self, within: float) -> bytes | None:
        """The next line; None if none comes within that many seconds."""
        if not self.waiting:
            self.arrived.clear()
            try:
                async with asyncio.timeout(within):
                    await self.arrived.wait()
            except TimeoutError:
                return None
        return self.waiting.popleft()


class EventBroker:
    """Keeps the last hundred lines, and hands every new line to the readers."""

    def __init__(self) -> None:
        self._buffer: deque[Json] = deque(maxlen=BUFFERED_LINES)
        self._readers: set[Subscription] = set()

    def publish(self, batch: Batch) -> None:
        """Add a batch's lines."""
        for events in batch.lines:
            line = {"Index": batch.index, "Events": [event_json(event, batch.kind, batch.index) for event in events]}
            self._buffer.append(line)
            for reader in self._readers:
                reader.offer(line)

    def subscribe(self, interest: Interest, index: int) -> Subscription:
        """A new reader that starts at `index`; 0 means the oldest buffered line, a future index the newest line."""
        reader = Subscription(interest)
        # start at the index, not after it: two lines may share an index, and the second must not be lost
        past = [line for line in self._buffer if line["Index"] >= index]
        for line in past or list(self._buffer)[-1:]:
            reader.offer(line)
        self._readers.add(reader)
        return reader

    def unsubscribe(self, reader: Subscription) -> None:
        """Remove a reader."""
        self._readers.discard(reader)
