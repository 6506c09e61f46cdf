"""The turn to write on SQLite: one writer at a time, and those who can wait after the others."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

MOST_FIRST: Final = 8
"""How many go before one who can wait and has been waiting: then it is its turn, whoever else comes."""


class Turn:
    """A lock with two queues, each first in, first out."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._patient: deque[asyncio.Future[None]] = deque()
        self._went_first = 0

    async def acquire(self, *, can_wait: bool = False) -> None:
        """Wait for the turn; ``can_wait``: let others go before."""
        if not self._taken:
            self._taken = True
            return
        mine = asyncio.get_running_loop().create_future()
        (self._patient if can_wait else self._waiting).append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                # it came at the same moment: pass it on
                self.release()
            raise

    def release(self) -> None:
        """Pass the turn on."""
        for queue in (self._waiting, self._patient):
            # who gave up is still in the queue
            while queue and queue[0].done():
                queue.popleft()
        patient = bool(self._patient) and (not self._waiting or self._went_first >= MOST_FIRST)
        queue = self._patient if patient else self._waiting
        self._went_first = self._went_first + 1 if self._patient and not patient else 0
        self._taken = bool(queue)
        if queue:
            queue.popleft().set_result(None)
