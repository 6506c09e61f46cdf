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
    """One waiting call; cancelling it twice, or after it ran, does no harm."""

    def __init__(self, call: Callable[[], None], forget: Callable[[Timer], None], *, shrinks: bool = True) -> None:
        self.shrinks = shrinks
        self._call = call
        self._forget = forget
        self._handle: asyncio.TimerHandle | None = None

    def arm(self, seconds: float) -> None:
        """Run the call after so many seconds of wall time, instead of when it would have run."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle = asyncio.get_running_loop().call_later(max(seconds, 0.0), self._run)

    def remaining(self) -> float:
        """Seconds of wall time until the call runs; 0 where it is due."""
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
    """Wall time, and waits given in Nomad's seconds, which pass `speed` times as fast as ours.

    Instants are told as they are, in nanoseconds since 1970: whoever compares them with the own clock is right.
    Only durations shrink. Needs a running event loop for waits.
    """

    def __init__(self, speed: float = DEFAULT_SPEED) -> None:
        self._speed = checked_speed(speed)
        self._timers: set[Timer] = set()
        self._stopped = False

    @property
    def speed(self) -> float:
        """How many of Nomad's seconds pass in one of ours."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        factor = self._speed / checked_speed(speed)
        self._speed = speed
        for timer in list(self._timers):
            if timer.shrinks:
                timer.arm(timer.remaining() * factor)

    def now_ns(self) -> int:
        """The wall clock, in nanoseconds since 1970."""
        return time.time_ns()

    def shortened(self, duration_ns: int) -> int:
        """What a duration of Nomad's comes to on the wall, in nanoseconds."""
        return int(duration_ns / self._speed)

    def after(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Run `call` once after so many of Nomad's seconds; never, once the clock has been stopped."""
        return self._armed(Timer(call, self._timers.discard), seconds / self._speed)

    def really_after(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Run `call` once after so many of our own seconds, whatever the speed."""
        return self._armed(Timer(call, self._timers.discard, shrinks=False), seconds)

    def _armed(self, timer: Timer, seconds: float) -> Timer:
        if not self._stopped:
            self._timers.add(timer)
            timer.arm(seconds)
        return timer

    def at(self, instant_ns: int, call: Callable[[], None]) -> Timer:
        """Run `call` once at an instant of the wall clock, or at once where that has passed."""
        return self.after((instant_ns - self.now_ns()) / NS * self._speed, call)

    def stop(self) -> None:
        """Cancel every wait, and begin no other."""
        self._stopped = True
        for timer in list(self._timers):
            timer.cancel()


def checked_speed(speed: float) -> float:
    """`speed`, where it can be one. Raises ValueError otherwise."""
    if not 0.01 <= speed <= 10_000:
        raise ValueError(f"the speed has to be a number from 0.01 to 10000, not {speed!r}")
    return speed
