"""What the verbs need from outside, as Protocols whose docstrings are the contract, errors included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from bot.ports.nomad import Nomads
    from bot.ports.slack import Chat, Directory
    from bot.ports.store import Store


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """The present instant, with its zone (UTC)."""


class Bell(Protocol):
    """Wakes the workers of this process; a hint only, polling is the truth."""

    def ring(self) -> None:
        """There may be work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Durations that rule the work; settings or their defaults."""

    lease: timedelta
    write_timeout: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """All that a verb may reach."""

    store: Store
    nomads: Nomads
    directory: Directory
    chat: Chat
    clock: Clock
    bell: Bell
    limits: Limits
    worker: str
