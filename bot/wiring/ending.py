"""The end of a process: one deadline for all that is still under way."""

from __future__ import annotations

import logging
import os
import threading
import time

log = logging.getLogger(__name__)

SECONDS = 25.0
"""From SIGTERM to the end, whatever hangs: less than what supervisors give before they kill."""


class Ending:
    """Begun once, then shared: each part of the end asks what is left for it."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._deadline: float | None = None

    def begin(self) -> None:
        """From now on time is short: at the deadline the process ends as in a crash, which it can always survive."""
        self._deadline = time.monotonic() + self._seconds
        # a thread that hangs in a read is waited for at the interpreter's end, and cannot be stopped
        timer = threading.Timer(self._seconds, _end)
        timer.daemon = True
        timer.start()

    def left(self, reserved: float = 0.0) -> float:
        """Seconds that are left, ``reserved`` ones kept for what comes after; all of them before it began."""
        now = time.monotonic()
        return max(0.0, (self._deadline or now + self._seconds) - now - reserved)


def _end() -> None:
    log.warning("ended with something still under way")
    logging.shutdown()
    os._exit(0)
