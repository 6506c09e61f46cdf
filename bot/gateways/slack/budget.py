"""How often each method may still be called: token buckets by method and channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.gateways.slack.methods import Method

_BURST_SHARE = 0.2
_BACKGROUND_SHARE = 0.5
_BACKGROUND = " background"
_CHANNEL_BURST, _CHANNEL_RATE = 5.0, 1.0
_MOST_CHANNELS = 2000


@dataclass(slots=True)
class Bucket:
    """Tokens that refill at ``rate`` a second up to ``burst``; times are monotonic seconds.

    ``promised`` are those for messages on their way, which may or may not have been spent yet.
    """

    burst: float
    rate: float
    tokens: float
    at: float
    promised: int = 0

    def wait(self, now: float, needed: int = 1) -> float:
        """Seconds until there are so many tokens; 0 if there are now."""
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = max(now, self.at)
        return max(0.0, (needed - self.tokens) / self.rate)


class Budget:
    """The budgets of one workspace. A burst and a minute's refill together stay within Slack's tier.

    Calls that nobody waits for (``background``) get at most half of each: the rest is for people's clicks.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._paused: dict[tuple[str, str], float] = {}

    def wait(self, method: Method, channel: str = "", *, background: bool = False) -> float:
        """Seconds to wait before this method may be called for that channel; 0 if it may be called now."""
        now = self._monotonic()
        pauses = [self._paused.get((method.name, each), now) - now for each in ({"", channel})]
        return max(*pauses, 0.0, *(bucket.wait(now) for bucket in self._of(method, channel, background=background)))

    def resting(self, method: Method) -> frozenset[str]:
        """The channels for which nobody may promise a call of this method now; an empty one means every channel."""
        now = self._monotonic()
        paused = {channel for (name, channel), until in self._paused.items() if name == method.name and until > now}
        spent = {
            channel
            for (name, channel), bucket in self._buckets.items()
            if name == method.name and channel != _BACKGROUND and bucket.wait(now, bucket.promised + 1) > 0
        }
        return frozenset(paused | spent)

    def promise(self, method: Method, channel: str = "", calls: int = 1) -> None:
        """Count on so many calls of this method; ``-1`` when the message is sent, or will not be."""
        for bucket in self._of(method, channel):
            bucket.promised += calls

    def spend(self, method: Method, channel: str = "", *, background: bool = False) -> float:
        """Take a token and return 0, or take none and return the seconds to wait."""
        wait = self.wait(method, channel, background=background)
        # all or nothing: a call that waits for its channel must not eat the method's tokens meanwhile
        if wait <= 0:
            for bucket in self._of(method, channel, background=background):
                bucket.tokens -= 1
            return 0.0
        return wait

    def pause(self, method: Method, seconds: float, channel: str = "") -> None:
        """Slack asked to wait: no call of this method for so many seconds.

        Where Slack limits each channel, only for this one; but if another one waits already, it is the whole method.
        """
        now = self._monotonic()
        self._paused = {key: until for key, until in self._paused.items() if until > now}
        alone = channel if method.per_channel else ""
        self._paused[method.name, alone] = now + seconds
        if alone and any(name == method.name and each not in {"", alone} for name, each in self._paused):
            self._paused[method.name, ""] = now + seconds

    def _of(self, method: Method, channel: str, *, background: bool = False) -> list[Bucket]:
        # what may go at once and what a minute brings together make the tier, whenever the minute begins
        burst = max(1.0, method.per_minute * _BURST_SHARE)
        rate = (method.per_minute - burst) / 60
        found = [self._bucket(method.name, "", burst, rate)]
        if background:
            share = _BACKGROUND_SHARE
            found.append(self._bucket(method.name, _BACKGROUND, max(1.0, burst * share), rate * share))
        if method.per_channel and channel:
            found.append(self._bucket(method.name, channel, _CHANNEL_BURST, _CHANNEL_RATE))
        return found

    def _bucket(self, method: str, channel: str, burst: float, rate: float) -> Bucket:
        if len(self._buckets) > _MOST_CHANNELS:
            # full buckets hold no memory of anything: they can be made again
            self._buckets = {
                key: each for key, each in self._buckets.items() if each.tokens < each.burst or each.promised
            }
        return self._buckets.setdefault((method, channel), Bucket(burst, rate, burst, self._monotonic()))
