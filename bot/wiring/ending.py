"""The shutdown of the process: one deadline for everything that is still running."""

from __future__ import annotations

import logging
import os
import threading
import time

log = logging.getLogger(__name__)

SECONDS = 25.0
"""The longest shutdown after SIGTERM, whatever hangs; supervisors usually wait 30 s before they kill."""


class Ending:
    """The deadline of a shutdown; each part of the shutdown asks how much time is left for it."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._deadline: float | None = None

    def begin(self) -> None:
        """Start the shutdown. At the deadline the process exits as in a crash, which the work survives."""
        self._deadline = time.monotonic() + self._seconds
        # the interpreter waits for its threads, and a thread that hangs in a read cannot be stopped
        timer = threading.Timer(self._seconds, _end)
        timer.daemon = True
        timer.start()

    def left(self, reserved: float = 0.0) -> float:
        """The seconds left, minus those ``reserved`` for later parts; before ``begin``, as if it began now."""
        now = time.monotonic()
        return max(0.0, (self._deadline or now + self._seconds) - now - reserved)


def _end() -> None:
    log.warning("shutdown deadline reached; exiting with work still running")
    logging.shutdown()
    os._exit(0)
