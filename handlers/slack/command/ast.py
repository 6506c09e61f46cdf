"""The commands of ``/deploy`` as records.

A verb that asks an operation for something uses that operation's own record: ``Ask``, ``Promotion``, ``AuditQuery``.
The records here are for verbs whose operation takes plain arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from bot.domain.deploy.gates import Ask
    from bot.operations.deploys.promote import Promotion
    from bot.ports.audit import AuditQuery


@dataclass(frozen=True, slots=True)
class Help:
    """Explain the commands, or one of them."""

    topic: str | None = None


@dataclass(frozen=True, slots=True)
class Whoami:
    """Show a person their groups and permissions."""


@dataclass(frozen=True, slots=True)
class Status:
    """Show what runs where, or one deploy."""

    service: str | None = None
    deploy_id: int | None = None
    environment: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """Show the digest of a date in the catalog's time zone, or the next digest if ``day`` is None."""

    day: date | None = None


@dataclass(frozen=True, slots=True)
class History:
    """List a service's deploys, newest first; with ``before``, only those with a smaller number."""

    service: str
    environment: str | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class OfDeploy:
    """Do something with one deploy; ``text`` is the note or the reason, empty if there is none."""

    deploy_id: int
    text: str = ""


if TYPE_CHECKING:
    Asked = Ask | Promotion | Help | Whoami | Status | Preview | History | AuditQuery | OfDeploy


@dataclass(frozen=True, slots=True)
class Command:
    """A verb (a key of the verb table) and what was asked of it."""

    verb: str
    asked: Asked
