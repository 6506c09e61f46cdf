"""The sandbox's clock: wall time, with waits shortened by a factor."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

NS = 1_000_000_000
DEFAULT_SPEED = 20.0


class Timer:
    """A call that waits for its time; to cancel it twice, or after it has run, does no harm."""

    def __init__(self, call: Callable[[], None], forget: Callable[[Timer], None], *, shrinks: bool = True) -> None:
        self.shrinks = shrinks
        self._call = call
        self._forget = forget
        self._handle: asyncio.TimerHandle | None = None

    def arm(self, seconds: float) -> None:
        """Run the call `seconds` of wall time from now; replaces an earlier time."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle = asyncio.get_running_loop().call_later(max(seconds, 0.0), self._run)

    def remaining(self) -> float:
        """Seconds of wall time until the call runs; 0 if it is due."""
        if self._handle is None:
            return 0.0
        return max(0.0, self._handle.when() - asyncio.get_running_loop().time())

    def cancel(self) -> None:
        """Never run the call."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._forget(self)

    def _run(self) -> None:
        self._handle = None
        self._forget(self)
        self._call()


class Clock:
    """Wall time, and waits in Nomad's seconds, which pass `speed` times as fast as real ones.

    Points in time are real wall time, in nanoseconds since 1970, so a client may compare them with its own clock.
    Only durations shrink. Waits need a running event loop.
    """

    def __init__(self, speed: float = DEFAULT_SPEED) -> None:
        self._speed = validate_speed(speed)
        self._timers: set[Timer] = set()
        self._stopped = False

    @property
    def speed(self) -> float:
        """How many of Nomad's seconds pass in one second of wall time."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        factor = self._speed / validate_speed(speed)
        self._speed = speed
        for timer in list(self._timers):
            if timer.shrinks:
                timer.arm(timer.remaining() * factor)

    def now_ns(self) -> int:
        """The wall clock, in nanoseconds since 1970."""
        return time.time_ns()

    def to_wall_ns(self, duration_ns: int) -> int:
        """The wall time that a duration of Nomad's takes; both in nanoseconds."""
        return int(duration_ns / self._speed)

    def after(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Run `call` once after `seconds` of Nomad's time; never if the clock is stopped by then."""
        return self._arm(Timer(call, self._timers.discard), seconds / self._speed)

    def really_after(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Run `call` once after `seconds` of wall time, whatever the speed."""
        return self._arm(Timer(call, self._timers.discard, shrinks=False), seconds)

    def _arm(self, timer: Timer, seconds: float) -> Timer:
        if not self._stopped:
            self._timers.add(timer)
            timer.arm(seconds)
        return timer

    def at(self, instant_ns: int, call: Callable[[], None]) -> Timer:
        """Run `call` once at that wall time (nanoseconds since 1970), or immediately if it has passed."""
        return self.after((instant_ns - self.now_ns()) / NS * self._speed, call)

    def stop(self) -> None:
        """Cancel all waits, and start no new ones."""
        self._stopped = True
        for timer in list(self._timers):
            timer.cancel()


def validate_speed(speed: float) -> float:
    """Returns `speed`. Raises ValueError if it is not from 0.01 to 10000."""
    if not 0.01 <= speed <= 10_000:
        raise ValueError(f"the speed must be a number from 0.01 to 10000, not {speed!r}")
    return speed
