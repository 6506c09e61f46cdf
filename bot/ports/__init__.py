"""The ports: what operations need from outside, as Protocols. Their docstrings are the contract, errors included."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection
    from datetime import datetime

    from bot.ports.nomad import Nomads
    from bot.ports.slack import Chat, Directory
    from bot.ports.store import Store, Transaction


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The current time, in UTC."""


class Bell(Protocol):
    """Wakes the workers of this process early; they also poll, so a lost ring only costs time."""

    def ring(self, work: Collection[str]) -> None:
        """Say that there is work of these kinds: a ``Status`` of deploys, ``MESSAGES`` or ``JUDGING``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a lease on a deploy lasts, and how long a register may take, from the settings.

    ``retention``: how long all of an ended deploy is kept.
    ``ask``: how long a deploy waits for the Nomad of the environments before its own, which may be another cluster.
    """

    lease: timedelta
    write_timeout: timedelta
    ask: timedelta = timedelta(seconds=2)
    retention: timedelta = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything outside the process that an operation can use; ``worker`` names this process in leases."""

    store: Store
    nomads: Nomads
    directory: Directory
    chat: Chat
    clock: Clock
    bell: Bell
    limits: Limits
    worker: str

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        """A transaction of the store, after which the bell rings for the work that it left, if it left any."""
        async with self.store.begin() as tx:
            yield tx
        # only after the commit: a worker that wakes earlier does not see the change
        self.bell.ring(tx.left(self.clock.now()))
