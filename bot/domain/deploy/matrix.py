"""Which version runs in which environment, and which deploys are open: the read model of ``status``."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.decision import Reason
from bot.domain.deploy.deploy import Deploy
from bot.domain.locks import Lock


@dataclass(frozen=True, slots=True)
class Cell:
    """A service in an environment: ``running`` is the deploy that succeeded there last, ``open`` the open deploys."""

    service: str
    environment: str
    running: Deploy | None
    open: tuple[Deploy, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """One row for each service, with one cell for each environment (None if it is not deployed there).

    ``more`` is how many rows were left out. ``locks`` are those that close something of what was asked for,
    oldest first, and ``closed`` the same as reasons.
    """

    environments: tuple[str, ...]
    rows: tuple[tuple[Cell | None, ...], ...]
    more: int = 0
    locks: tuple[Lock, ...] = ()
    closed: tuple[Reason, ...] = ()
