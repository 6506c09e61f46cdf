"""A cache whose callers share a read: one read at a time for each key, its value kept for a while."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_MOST_KEPT = 5000

Value = TypeVar("Value")


class Shared(Generic[Value]):
    """Values by key, each kept for ``fresh`` seconds from when it was asked for; one read at a time for each key.

    Everybody who asks meanwhile waits for the same read; one who gives up does not end it for the others.
    """

    def __init__(self, fresh: float) -> None:
        self._fresh = fresh
        self._known: dict[str, tuple[float, Value]] = {}
        self._reads: dict[str, asyncio.Task[Value]] = {}

    def fresh(self, key: str) -> bool:
        """Whether the value is known and young enough."""
        found = self._known.get(key)
        return found is not None and time.monotonic() - found[0] < self._fresh

    def reading(self, key: str) -> bool:
        """Whether a read of it is under way."""
        return key in self._reads

    def known(self, key: str) -> Value:
        """The newest value of the key; ``KeyError`` if there is none."""
        return self._known[key][1]

    def keep(self, key: str, value: Value, asked_at: float) -> None:
        """Store a value that came with the read of another key."""
        if len(self._known) >= _MOST_KEPT:
            self._known = {each: found for each, found in self._known.items() if self.fresh(each)}
        self._known[key] = (asked_at, value)

    def start(self, key: str, read: Callable[[], Awaitable[Value]]) -> None:
        """Start a read unless the value is fresh or being read, without waiting for it."""
        if not self.fresh(key) and key not in self._reads:
            self._reads[key] = asyncio.create_task(self._read(key, read))
            self._reads[key].add_done_callback(_retrieve_exception)

    async def get(self, key: str, read: Callable[[], Awaitable[Value]]) -> Value:
        """The value, at most ``fresh`` seconds old."""
        if self.fresh(key):
            return self.known(key)
        self.start(key, read)
        # a caller that runs out of time must not cancel the read that others wait for
        return await asyncio.shield(self._reads[key])

    async def _read(self, key: str, read: Callable[[], Awaitable[Value]]) -> Value:
        asked_at = time.monotonic()
        try:
            value = await read()
            self.keep(key, value, asked_at)
            return value
        finally:
            del self._reads[key]

    async def close(self) -> None:
        """Cancel all reads that are under way."""
        reads = list(self._reads.values())
        for task in reads:
            task.cancel()
        await asyncio.gather(*reads, return_exceptions=True)


def _retrieve_exception(task: asyncio.Task[Any]) -> None:
    """Keep asyncio from logging the failure of a read that nobody waits for any more."""
    if not task.cancelled():
        task.exception()
