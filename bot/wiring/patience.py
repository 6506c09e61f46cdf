"""A start waits for another process that has the database, for a while, and says so."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final, TypeVar

from bot.errors import StoreBusy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Result = TypeVar("Result")

log = logging.getLogger(__name__)

LONGEST: Final = 30.0
"""Seconds that one start waits: a server that has been told to end does so within 25 s."""
_AGAIN: Final = 0.2


class Patience:
    """The patience of one start: all its waits together take at most ``seconds``."""

    def __init__(self, seconds: float = LONGEST) -> None:
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self._said: set[str] = set()

    async def until_free(self, act: Callable[[], Awaitable[Result]]) -> Result:
        """Repeat ``act`` while it raises ``StoreBusy``; logs each cause once. ``StoreBusy`` when the time is up."""
        while True:
            try:
                return await act()
            except StoreBusy as busy:
                left = self._until - time.monotonic()
                if left <= 0:
                    raise StoreBusy(f"{busy} (Waited {self._seconds:g} s.)") from busy
                self._say(str(busy), left)
            await asyncio.sleep(_AGAIN)

    def _say(self, cause: str, left: float) -> None:
        if cause not in self._said:
            self._said.add(cause)
            log.warning("waiting up to %.0f s: %s", left, cause)
