"""The commands of ``/deploy`` as records, and what an entry of the verb table has.

A verb that asks an operation for something uses that operation's own record: ``Ask``, ``Promotion``, ``Rollback``,
``Target``, ``AuditQuery``. The records here are for verbs whose operation takes plain arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import date

    from bot.domain.access import Permission
    from bot.domain.decision import Refused
    from bot.domain.deploy.gates import Ask
    from bot.domain.locks import Target
    from bot.domain.rollback import Rollback
    from bot.gateways.blocks.parts import Message
    from bot.operations.deploys.promote import Promotion
    from bot.operations.deploys.resolve import Resolve
    from bot.ports.audit import AuditQuery
    from bot.ports.store import ActiveCatalog
    from handlers.slack.command.lexer import Reader
    from handlers.slack.desk import Call


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
class PlanPage:
    """Show a page of a deploy's plan; ``plan`` 0 is the newest."""

    deploy: int
    plan: int = 0
    page: int = 1


@dataclass(frozen=True, slots=True)
class OfDeploy:
    """Do something with one deploy; ``text`` is the note or the reason, empty if there is none.

    ``plan`` is the plan that was named (``D-12:2``), None for the current one.
    """

    deploy_id: int
    text: str = ""
    plan: int | None = None


if TYPE_CHECKING:
    Asked = (
        Ask
        | Promotion
        | Resolve
        | Rollback
        | Target
        | Help
        | Whoami
        | Status
        | Preview
        | History
        | AuditQuery
        | OfDeploy
    )


@dataclass(frozen=True, slots=True)
class Command:
    """A verb (a key of the verb table) and what was asked of it."""

    verb: str
    asked: Asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """A verb of ``/deploy``.

    ``form`` is how to type it; help and refusals quote it. ``summary`` and ``details`` are its help, in mrkdwn.
    ``parse`` reads what follows the verb, given the form. ``answer`` gets the record that ``parse`` made, and returns
    None if the answer comes later. ``permission`` is what everyone who uses the verb needs; the operation checks it.
    """

    form: str
    summary: str
    details: tuple[str, ...]
    parse: Callable[[Reader, str], Asked | Refused]
    # each verb takes its own record, which one type for all of them cannot say
    answer: Callable[[Call, Any, ActiveCatalog], Awaitable[Message | None]]
    permission: Permission | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """A verb that is reserved but not available yet; ``instead`` is a sentence about what to do until then."""

    instead: str
