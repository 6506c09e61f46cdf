"""A circuit breaker: after a time-out, reads of that cluster fail at once for a while, so that nobody waits for it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bot.gateways.nomad.errors import Unanswered

if TYPE_CHECKING:
    from collections.abc import Callable

HANGS = 1.0
"""Seconds after which a call without an answer counts as hanging; a refused connection is faster and is no problem."""


class Circuit:
    """Open for ``rest`` seconds after a call hung; then one caller tries again, for at most ``longest`` seconds.

    The threads that make the calls use it without a lock, because each method only replaces one value.
    """

    def __init__(self, rest: float, longest: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rest = rest
        self._longest = longest
        self._monotonic = monotonic
        self._open: tuple[float, str] | None = None

    def check(self) -> None:
        """Raises ``Unanswered``, with the text of the time-out, while the circuit is open."""
        now, found = self._monotonic(), self._open
        if found is None:
            return
        until, words = found
        if now < until:
            raise Unanswered(words, sent=False)
        # this caller tries again; others still fail at once until it has an answer
        self._open = (now + self._longest, words)

    def record_failure(self, words: str, took: float) -> None:
        """Note that a call got no answer, and how many seconds it took."""
        self._open = (self._monotonic() + self._rest, words) if took >= HANGS else None

    def record_answer(self) -> None:
        """Note that a call got an answer, good or bad."""
        self._open = None
