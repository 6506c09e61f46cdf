"""What an entry of the verb table has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.domain.access import Permission
    from bot.domain.catalog.catalog import Catalog
    from bot.domain.decision import Refused
    from bot.gateways.blocks.parts import Message
    from handlers.slack.command.ast import Asked
    from handlers.slack.command.lexer import Reader
    from handlers.slack.desk import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """A verb of ``/deploy``.

    ``form`` is how to type it; help and refusals quote it. ``summary`` and ``details`` are its help in mrkdwn.
    ``parse`` reads what follows the verb, given the form. ``answer`` gets the record that ``parse`` made; it returns
    None if it answers later. ``permission`` is what everyone who uses the verb needs; the operation checks it.
    """

    form: str
    summary: str
    details: tuple[str, ...]
    parse: Callable[[Reader, str], Asked | Refused]
    # each verb takes its own record, which one type for all of them cannot say
    answer: Callable[[Call, Any, Catalog], Awaitable[Message | None]]
    permission: Permission | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """A verb that is reserved but not available yet; ``instead`` is a sentence about what to do until then."""

    instead: str
