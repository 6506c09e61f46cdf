"""Pages of ``history`` and ``audit``, and what their buttons carry from one to the next.

What comes back with a click is anybody's text: it is read as strictly as a command, and names what to look up, no more.
"""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from bot.domain.day import EARLIEST, day_named
from bot.domain.decision import Refused
from bot.gateways.blocks import audit as audit_blocks
from bot.gateways.blocks import history as history_blocks
from bot.gateways.blocks.pages import Pages
from bot.operations.queries.audit import AuditAsk, audit, cursor_of, is_actor, place_at
from bot.operations.queries.history import history
from bot.ports.audit import Place
from handlers.slack.command.ast import Audit, History
from handlers.slack.command.lexer import visible
from handlers.slack.command.lookups import LONGEST_ACTOR, LONGEST_NAME

if TYPE_CHECKING:
    from bot.gateways.blocks.parts import Message
    from bot.ports import Ports

DEPLOYS: Final = 10
EVENTS: Final = audit_blocks.MOST
_LONGEST = 2000
_LARGEST = 2**63 - 1
_RECORDS: Final[dict[str, type[History | Audit]]] = {"history": History, "audit": Audit}


async def page(ports: Ports, asked: History | Audit) -> Message | Refused:
    """The page that was asked for. Raises what the operations raise."""
    return await (_history(ports, asked) if isinstance(asked, History) else _audit(ports, asked))


async def _history(ports: Ports, asked: History) -> Message | Refused:
    found = await history(ports, asked.service, asked.environment, asked.before, DEPLOYS)
    if isinstance(found, Refused):
        return found
    pages = Pages(
        value_of(replace(asked, before=found.next)) if found.next else "",
        value_of(replace(asked, before=None)) if asked.before else "",
    )
    return history_blocks.render(asked.service, asked.environment, found, pages)


async def _audit(ports: Ports, asked: Audit) -> Message | Refused:
    ask = AuditAsk(asked.day, asked.service, asked.environment, asked.by, asked.deploy)
    found = await audit(ports, ask, asked.before, EVENTS)
    if isinstance(found, Refused):
        return found
    zone = ZoneInfo(found.zone)
    day = found.span.begins.astimezone(zone).date() if found.span else None
    # `today` is another day by the time that somebody clicks
    pinned = replace(asked, day=day.isoformat() if day else None)
    pages = Pages(
        value_of(replace(pinned, before=found.next)) if found.next else "",
        value_of(replace(pinned, before=None)) if asked.before else "",
    )
    conditions = audit_blocks.Conditions(day, asked.service, asked.environment, asked.by, asked.deploy)
    bodies = [json.loads(each.body) for each in found.events]
    return audit_blocks.render(conditions, bodies, zone, found.posted, pages)


def value_of(asked: History | Audit) -> str:
    """The page as a button's value: at most 2,000 characters, as its names are bounded."""
    given = {field.name: getattr(asked, field.name) for field in fields(asked)}
    given["before"] = cursor_of(asked.before) if isinstance(asked.before, Place) else asked.before
    verb = next(verb for verb, record in _RECORDS.items() if isinstance(asked, record))
    return json.dumps({"verb": verb, **{name: each for name, each in given.items() if each}}, ensure_ascii=False)


def page_of(value: object) -> History | Audit | None:
    """The page whose ``value_of`` this is; None for anything else."""
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    try:
        given = json.loads(value)
    except (ValueError, RecursionError):
        return None
    record = _RECORDS.get(str(given.pop("verb", ""))) if isinstance(given, dict) else None
    if record is None or not given.keys() <= {field.name for field in fields(record)}:
        return None
    if "before" in given:
        given["before"] = _number(given["before"]) if record is History else _place(given["before"])
    needed = {"service"} if record is History else set()
    return record(**given) if needed <= given.keys() and all(map(_holds, given, given.values())) else None


def _holds(name: str, value: Any) -> bool:
    if name == "before":
        return value is not None
    if name == "deploy":
        return _number(value) is not None
    # what cannot be typed cannot have been in a page of ours
    if not isinstance(value, str) or visible(value) != value:
        return False
    match name:
        case "day":
            return day_named(value, EARLIEST) is not None
        case "by":
            return len(value) <= LONGEST_ACTOR and is_actor(value)
        case _:
            return 0 < len(value) <= LONGEST_NAME


def _number(value: Any) -> int | None:
    return value if type(value) is int and 0 < value <= _LARGEST else None


def _place(value: Any) -> Place | None:
    return place_at(value) if isinstance(value, str) else None
