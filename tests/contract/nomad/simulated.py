"""A simulated Nomad on a thread of its own, so that tests can block."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Self

from sandbox.nomad.server import SimulatedNomad

if TYPE_CHECKING:
    from collections.abc import Coroutine

PATIENCE_S = 30.0
HEARTBEAT_S = 0.5


class Simulator:
    """One simulated Nomad, from the start of the ``with`` block to its end."""

    def __init__(self, speed: float) -> None:
        self.address = ""
        self._speed = speed
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="simulated-nomad", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.address = self._run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._nomad.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> str:
        self._nomad = SimulatedNomad(self._speed, heartbeat=HEARTBEAT_S)
        return await self._nomad.start()

    def _run(self, work: Coroutine[None, None, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)
