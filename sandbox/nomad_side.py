"""The Nomad that a sandbox has: a simulated one of its own, or a real agent of somebody's."""

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

# No agent without ACLs looks at it, and the bot wants one where its catalog names a variable for it.
ANY_TOKEN = "00000000-0000-4000-8000-000000000001"  # noqa: S105 - opens nothing
STAND_IN_DRIVER = "raw_exec"


@dataclass(frozen=True)
class Opened:
    """Where Nomad's API and the control interface of its side are, and the bot's settings for its tokens."""

    address: str
    control: str
    tokens: dict[str, str]


class NomadSide(Protocol):
    """What the sandbox needs of either."""

    async def open(self, folder: Path) -> Opened:
        """Starts, with the catalog in `folder` made and pointed at it. Raises what says why it cannot."""

    async def close(self) -> None:
        """Ends, in any state."""


class Simulated:
    """A simulated Nomad whose durations are divided by `speed`."""

    def __init__(self, speed: float) -> None:
        self._nomad = SimulatedNomad(speed=speed)

    async def open(self, folder: Path) -> Opened:
        """As NomadSide."""
        address = await self._nomad.start()
        return Opened(address, address, dict.fromkeys(catalog.prepare(folder, address), ANY_TOKEN))

    async def close(self) -> None:
        """As NomadSide."""
        await self._nomad.stop()


class Real:
    """The agent at `address`, with the token of `NOMAD_TOKEN` where that is set. `tell` gets what it made there."""

    def __init__(self, address: str, tell: Callable[[str], None]) -> None:
        self._token = os.environ.get("NOMAD_TOKEN") or None
        self._nomad = RealNomad(address, self._token, tell)
        self._folder: Path | None = None
        self._jobs: set[catalog.Placed] = set()

    async def open(self, folder: Path) -> Opened:
        """As NomadSide; tasks run without Docker."""
        self._folder = folder
        names = catalog.prepare(folder, self._nomad.address, driver=STAND_IN_DRIVER)
        self._jobs = catalog.jobs(folder)
        control = await self._nomad.start(self._jobs)
        return Opened(self._nomad.address, control, dict.fromkeys(names, self._token or ANY_TOKEN))

    async def close(self) -> None:
        """As NomadSide; purges the jobs that the catalog names, also those that a person has added to it meanwhile."""
        if self._folder is not None:
            with contextlib.suppress(catalog.NoCatalogError):
                self._jobs |= catalog.jobs(self._folder)
        await self._nomad.stop(self._jobs)
