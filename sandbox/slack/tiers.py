"""Slack's rate limits: calls a minute for each method by tier, and one message a second for each channel."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from typing import TYPE_CHECKING

from sandbox.slack.refusals import SlackError

if TYPE_CHECKING:
    from collections.abc import Callable

# Calls a minute, as Slack's Java SDK lists them (MethodsRateLimitTier); 0 is the special tier of several hundred.
BUDGETS = {1: 1, 2: 20, 3: 50, 4: 100, 0: 600}
WINDOW = 60.0
POST_BURST = 20  # "short bursts" over one message a second are let through; Slack names no number


class RateLimits:
    """Counts calls; `enforced` can be switched off for tests that are not about limits."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.enforced = True
        self._now = now
        self._calls: defaultdict[str, deque[float]] = defaultdict(deque)
        self._posts: dict[str, tuple[float, float]] = {}  # channel -> tokens left, when that was

    def spend(self, method: str, tier: int) -> None:
        """Count one call; raises `ratelimited` with the seconds to wait when the minute's budget is used up."""
        now, calls = self._now(), self._calls[method]
        while calls and calls[0] <= now - WINDOW:
            calls.popleft()
        if self.enforced and len(calls) >= BUDGETS[tier]:
            raise SlackError("ratelimited", retry_after=max(1, math.ceil(calls[0] + WINDOW - now)))
        calls.append(now)

    def spend_post(self, channel: str) -> None:
        """Count one message into a channel: one a second, with a burst of `POST_BURST`."""
        now = self._now()
        left, at = self._posts.get(channel, (float(POST_BURST), now))
        left = min(float(POST_BURST), left + now - at)
        if self.enforced and left < 1:
            raise SlackError("ratelimited", retry_after=1)
        self._posts[channel] = (left - 1, now)
