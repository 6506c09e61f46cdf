"""Slack's rate limits: calls per minute for each method by tier, and one message per second for each channel."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from typing import TYPE_CHECKING

from sandbox.slack.refusals import SlackError

if TYPE_CHECKING:
    from collections.abc import Callable

# Calls per minute from Slack's Java SDK (MethodsRateLimitTier); 0 is the special tier of several hundred.
BUDGETS = {1: 1, 2: 20, 3: 50, 4: 100, 0: 600}
WINDOW = 60.0
POST_BURST = 20  # Slack allows "short bursts" of more than one message per second, without a number


class RateLimits:
    """Counts calls; `enforced` can be switched off for tests that are not about limits."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.enforced = True
        self._now = now
        self._calls: defaultdict[str, deque[float]] = defaultdict(deque)
        self._posts: dict[str, tuple[float, float]] = {}  # channel -> (tokens left, time of that count)

    def spend(self, method: str, tier: int) -> None:
        """Count one call; raises `ratelimited` with the seconds to wait if the minute's budget is used up."""
        now, calls = self._now(), self._calls[method]
        while calls and calls[0] <= now - WINDOW:
            calls.popleft()
        if self.enforced and len(calls) >= BUDGETS[tier]:
            raise SlackError("ratelimited", retry_after=max(1, math.ceil(calls[0] + WINDOW - now)))
        calls.append(now)

    def spend_post(self, channel: str) -> None:
        """Count one message in a channel: one per second, with bursts of `POST_BURST`."""
        now = self._now()
        left, at = self._posts.get(channel, (float(POST_BURST), now))
        left = min(float(POST_BURST), left + now - at)
        if self.enforced and left < 1:
            raise SlackError("ratelimited", retry_after=1)
        self._posts[channel] = (left - 1, now)
