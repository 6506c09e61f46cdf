"""One hanging cluster must not hold everybody: after a time-out its reads fail at once for a while."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bot.gateways.nomad.errors import Unanswered

if TYPE_CHECKING:
    from collections.abc import Callable

HANGS = 1.0
"""Seconds from which an exchange without an answer counts as hanging: a refused connection holds nobody."""


class Circuit:
    """Open for ``rest`` seconds after an exchange that hung; then one caller tries, for ``longest`` at most.

    Called from the threads that make the calls: each method writes whole values only.
    """

    def __init__(self, rest: float, longest: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rest = rest
        self._longest = longest
        self._monotonic = monotonic
        self._open: tuple[float, str] | None = None

    def check(self) -> None:
        """Raises ``Unanswered``, in the words of the time-out, while it is open."""
        now, found = self._monotonic(), self._open
        if found is None:
            return
        until, words = found
        if now < until:
            raise Unanswered(words, sent=False)
        # this caller tries; whoever comes meanwhile does not hang beside it
        self._open = (now + self._longest, words)

    def unanswered(self, words: str, took: float) -> None:
        """A call got no answer after so many seconds."""
        self._open = (self._monotonic() + self._rest, words) if took >= HANGS else None

    def answered(self) -> None:
        """A call got an answer, whatever it says."""
        self._open = None
