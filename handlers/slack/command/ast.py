"""What a person asked for, as records: what the grammar makes of the text of ``/deploy``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.domain.catalog.environment import Value
    from bot.ports.audit import Place


@dataclass(frozen=True, slots=True)
class Request:
    """Ask for a deploy; ``environment`` and ``reason`` are None where they were left out."""

    service: str
    version: str
    environment: str | None = None
    overrides: Mapping[str, Value] = field(default_factory=dict)
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Promote:
    """Ask for the release of a deploy, or for what a service runs, in the next environment."""

    service: str = ""
    deploy_id: int | None = None
    environment: str | None = None
    overrides: Mapping[str, Value] = field(default_factory=dict)
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Help:
    """Explain the grammar, or one topic of it."""

    topic: str | None = None


@dataclass(frozen=True, slots=True)
class Whoami:
    """Tell the person who they are here."""


@dataclass(frozen=True, slots=True)
class Status:
    """Show what runs where, or one deploy."""

    service: str | None = None
    deploy_id: int | None = None
    environment: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """Show the digest of a day, the one to come where none is named; ``day`` is ``today`` or ``2026-11-21``."""

    day: str | None = None


@dataclass(frozen=True, slots=True)
class History:
    """Show a service's deploys, newest first; those below the number ``before`` where it is given."""

    service: str
    environment: str | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Audit:
    """Show audit events, newest first; each condition narrows.

    ``by`` is a Slack user id or an actor's key, ``deploy`` a deploy's number; those after ``before``, hence older,
    where it is given.
    """

    day: str | None = None
    service: str | None = None
    environment: str | None = None
    by: str | None = None
    deploy: int | None = None
    before: Place | None = None


@dataclass(frozen=True, slots=True)
class OfDeploy:
    """A verb about one deploy (``plan``, ``approve``, ``retract``, ``reject``, ``withdraw``) and what follows it."""

    verb: str
    deploy_id: int
    text: str = ""


Command = Request | Promote | Help | Whoami | Status | Preview | History | Audit | OfDeploy
