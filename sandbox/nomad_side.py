"""The sandbox's Nomad: a simulated one of its own, or a real agent that somebody runs."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sandbox import catalog
from sandbox.agent.server import RealNomad
from sandbox.nomad.server import SimulatedNomad

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# An agent without ACLs ignores the token, but the bot needs one if its catalog names a variable for it.
ANY_TOKEN = "00000000-0000-4000-8000-000000000001"  # noqa: S105 - opens nothing
STAND_IN_DRIVER = "raw_exec"


@dataclass(frozen=True)
class Endpoints:
    """The addresses of Nomad's API and of the control interface, and the bot's environment variables with tokens."""

    address: str
    control: str
    tokens: dict[str, str]


class NomadSide(Protocol):
    """The interface that the sandbox needs from a simulated or a real Nomad."""

    async def open(self, folder: Path) -> Endpoints:
        """Starts, and prepares a catalog in `folder` that points at this Nomad.

        Raises AgentError if the real agent cannot be used, NoCatalogError if the catalog cannot, OSError if no port
        is free.
        """

    async def close(self) -> None:
        """Stops; may be called before `open` has finished."""


class Simulated:
    """A simulated Nomad whose durations are divided by `speed`."""

    def __init__(self, speed: float) -> None:
        self._nomad = SimulatedNomad(speed=speed)

    async def open(self, folder: Path) -> Endpoints:
        """Starts the simulator and points the catalog in `folder` at it."""
        address = await self._nomad.start()
        return Endpoints(address, address, dict.fromkeys(catalog.prepare(folder, address), ANY_TOKEN))

    async def close(self) -> None:
        """Stops the simulator."""
        await self._nomad.stop()


class Real:
    """The real agent at `address`; uses the token in `NOMAD_TOKEN` if that is set. `tell` gets lines for the person."""

    def __init__(self, address: str, tell: Callable[[str], None]) -> None:
        self._token = os.environ.get("NOMAD_TOKEN") or None
        self._nomad = RealNomad(address, self._token, tell)
        self._folder: Path | None = None
        self._jobs: set[catalog.JobRef] = set()

    async def open(self, folder: Path) -> Endpoints:
        """Connects to the agent and points the catalog in `folder` at it, with tasks that need no Docker."""
        self._folder = folder
        names = catalog.prepare(folder, self._nomad.address, driver=STAND_IN_DRIVER)
        self._jobs = catalog.jobs(folder)
        control = await self._nomad.start(self._jobs)
        return Endpoints(self._nomad.address, control, dict.fromkeys(names, self._token or ANY_TOKEN))

    async def close(self) -> None:
        """Purges the catalog's jobs from the agent, including jobs that a person added to the catalog meanwhile."""
        if self._folder is not None:
            with contextlib.suppress(catalog.NoCatalogError):
                self._jobs |= catalog.jobs(self._folder)
        await self._nomad.stop(self._jobs)
