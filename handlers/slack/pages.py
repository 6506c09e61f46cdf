"""Pages of ``history``, ``audit`` and ``plan``, and the query that their buttons carry.

A button's value comes back as anyone's text: it is read as strictly as a command, and only names what to look up.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from bot.domain.decision import Refused
from bot.domain.digest.schedule import Span
from bot.domain.documents import document_of
from bot.gateways.blocks import answers
from bot.gateways.blocks import audit as audit_blocks
from bot.gateways.blocks import history as history_blocks
from bot.gateways.blocks.pages import Pages
from bot.operations.deploys.decide import no_such_deploy
from bot.operations.queries import status
from bot.operations.queries.audit import actor_of_key, audit, cursor_from, cursor_text
from bot.operations.queries.history import history
from bot.ports.audit import AuditQuery
from handlers.slack.command.ast import History, PlanPage
from handlers.slack.command.lexer import visible
from handlers.slack.command.lookups import LONGEST_ACTOR, LONGEST_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.domain.actor import Actor
    from bot.domain.deploy.message import Card
    from bot.gateways.blocks.parts import Message
    from bot.ports import Ports
    from bot.ports.audit import Cursor

DEPLOYS: Final = 10
EVENTS: Final = audit_blocks.MOST
_LONGEST = 2000
_LARGEST = 2**63 - 1


Query = History | AuditQuery | PlanPage


async def page(ports: Ports, query: Query) -> Message | Refused:
    """The page of a query. Raises what the operations raise."""
    match query:
        case PlanPage():
            return await _plan(ports, query)
        case History():
            return await _history(ports, query)
        case _:
            return await _audit(ports, query)


async def _plan(ports: Ports, query: PlanPage) -> Message | Refused:
    card = await status.card(ports, query.deploy)
    if card is None:
        return no_such_deploy(query.deploy)
    if card.plan is not None and query.plan not in {0, card.plan.number}:
        # the buttons under an older plan stay with it, whatever was planned since
        async with ports.store.read() as reading:
            card = replace(card, plan=await reading.plan(query.deploy, query.plan))
    return plan_page(card, query)


def plan_page(card: Card, query: PlanPage) -> Message:
    """A page of the card's plan, with the buttons to the others."""
    if card.plan is None:
        return answers.plan(card)
    last, shown = answers.plan_pages(card.deploy, card.plan), replace(query, plan=card.plan.number)
    older = value_of(replace(shown, page=query.page + 1)) if query.page < last else ""
    newest = value_of(replace(shown, page=1)) if query.page > 1 else ""
    return answers.plan(card, query.page, Pages(older, newest))


async def _history(ports: Ports, query: History) -> Message | Refused:
    found = await history(ports, query.service, query.environment, query.before, DEPLOYS)
    if isinstance(found, Refused):
        return found
    pages = _pages(query, replace(query, before=found.next) if found.next else None)
    return history_blocks.render(query.service, query.environment, found, pages)


async def _audit(ports: Ports, query: AuditQuery) -> Message | Refused:
    found = await audit(ports, query, EVENTS)
    if isinstance(found, Refused):
        return found
    pages = _pages(query, replace(query, before=found.next) if found.next else None)
    if found.folded:
        pages = replace(pages, steps=value_of(replace(query, steps=True)))
    bodies = [json.loads(each.body) for each in found.events]
    return audit_blocks.render(query, bodies, ZoneInfo(found.zone), found.posted, pages, found.folded)


def _pages(query: History | AuditQuery, older: History | AuditQuery | None) -> Pages:
    newest = value_of(replace(query, before=None)) if query.before else ""
    return Pages(value_of(older) if older else "", newest)


def value_of(query: Query) -> str:
    """The query as a button's value: at most 2,000 characters, because the parser bounds its names."""
    if isinstance(query, PlanPage):
        return json.dumps({"verb": "plan", "deploy": query.deploy, "plan": query.plan, "page": query.page})
    fields: dict[str, Any] = {"service": query.service, "environment": query.environment}
    if isinstance(query, History):
        fields |= {"verb": "history", "before": query.before}
    else:
        fields |= {
            "verb": "audit",
            "begins": document_of(query.span.begins) if query.span else None,
            "ends": document_of(query.span.ends) if query.span else None,
            "actor": query.actor.key if query.actor else None,
            "deploy": query.deploy,
            "before": cursor_text(query.before) if query.before else None,
            "steps": query.steps or None,
        }
    return json.dumps({name: value for name, value in fields.items() if value is not None}, ensure_ascii=False)


def query_from(value: object) -> Query | None:
    """The query that ``value_of`` made this value from; None for any other value."""
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    try:
        given = json.loads(value)
    except (ValueError, RecursionError):
        return None
    if not isinstance(given, dict):
        return None
    match given.pop("verb", None):
        case "history":
            fields = _fields(given, _HISTORY)
            return History(**fields) if fields and "service" in fields else None
        case "plan":
            fields = _fields(given, _PLAN)
            return PlanPage(**fields) if fields and "deploy" in fields else None
        case "audit":
            fields = _fields(given, _AUDIT)
            return None if fields is None else _audit_query(fields)
        case _:
            return None


def _audit_query(fields: dict[str, Any]) -> AuditQuery | None:
    begins, ends = fields.pop("begins", None), fields.pop("ends", None)
    if begins is None and ends is None:
        return AuditQuery(**fields)
    if begins is None or ends is None or begins >= ends:
        return None
    return AuditQuery(span=Span(begins, ends), **fields)


def _fields(given: Mapping[str, Any], readers: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any] | None:
    """Each field as its reader reads it; None if a field has no reader, or its reader refuses the value."""
    if not given.keys() <= readers.keys():
        return None
    fields = {name: readers[name](value) for name, value in given.items()}
    return None if None in fields.values() else fields


def _name(value: Any) -> str | None:
    # a command never has invisible characters: what has them did not come from one of our pages
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and visible(value) == value else None


def _actor(value: Any) -> Actor | None:
    shaped = isinstance(value, str) and len(value) <= LONGEST_ACTOR and visible(value) == value
    return actor_of_key(value) if shaped else None


def _number(value: Any) -> int | None:
    return value if type(value) is int and 0 < value <= _LARGEST else None


def _cursor(value: Any) -> Cursor | None:
    return cursor_from(value) if isinstance(value, str) else None


def _instant(value: Any) -> datetime | None:
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else None
        return instant if instant is not None and document_of(instant) == value else None
    except (ValueError, OverflowError):
        return None


_HISTORY: Final[Mapping[str, Callable[[Any], Any]]] = {"service": _name, "environment": _name, "before": _number}
_PLAN: Final[Mapping[str, Callable[[Any], Any]]] = {"deploy": _number, "plan": _number, "page": _number}
_AUDIT: Final[Mapping[str, Callable[[Any], Any]]] = {
    "begins": _instant,
    "ends": _instant,
    "service": _name,
    "environment": _name,
    "actor": _actor,
    "deploy": _number,
    "before": _cursor,
    "steps": lambda value: True if value is True else None,
}
