"""Read the audit log a page at a time, newest first."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from bot.domain.actor import SlackUser, System, actor_from_key
from bot.domain.audit.events import is_step
from bot.domain.decision import Refused, refuse
from bot.domain.documents import document_of
from bot.domain.names import unknown_name
from bot.errors import SlackError
from bot.operations.queries.history import links_of
from bot.ports.audit import AuditQuery, Cursor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bot.domain.actor import Actor
    from bot.domain.catalog.catalog import Catalog
    from bot.ports import Ports
    from bot.ports.audit import Stored
    from bot.ports.store import Reading

_LARGEST: Final = 2**63 - 1
_STEPS_TO_EACH: Final = 10
"""Events that are read for each one shown: a bound, so that a page's cost never depends on the log's length."""
_USER: Final = re.compile(r"[UW][A-Z0-9]{2,30}")


@dataclass(frozen=True, slots=True)
class AuditPage:
    """A page of audit events, newest first.

    ``next`` is the ``before`` of the next page's query, None on the last page. ``zone`` is the catalog's time zone (an
    IANA name). ``posted`` has the Slack link of each deploy among the events whose message has a known address.
    ``folded`` counts the steps in this part of the log that are left out.
    """

    events: tuple[Stored, ...]
    next: Cursor | None
    zone: str
    posted: Mapping[int, str] = field(default_factory=dict)
    folded: int = 0


async def audit(ports: Ports, query: AuditQuery, limit: int) -> AuditPage | Refused:
    """The newest ``limit`` audit events that match, without the steps of Nomatron itself unless they are asked for.

    Refused: a service or an environment that neither the catalog nor any event names, a deploy number that does not
    exist, a day that has not begun. Raises ``CatalogMissing``.
    """
    async with ports.store.read() as reading:
        catalog = (await reading.active_catalog()).catalog
        if query.span and query.span.begins > ports.clock.now():
            return refuse("day-to-come", "That day hasn't begun yet. Name today or a day before.")
        unknown = await _unknown(reading, catalog, query)
        if unknown is not None:
            return unknown
        # who asks for the worker's events wants its steps
        steps = query.steps or isinstance(query.actor, System)
        most = limit if steps else limit * _STEPS_TO_EACH
        # one more than is read, to know whether there is another page
        found = await reading.audit_page(query, most + 1)
        read, shown = (found[:most], found[:most]) if steps else _folded(found[:most], limit)
        posted = await reading.all_posted(_deploys(shown))
    older = cursor_at(read[-1]) if len(found) > len(read) else None
    return AuditPage(tuple(shown), older, catalog.timezone, links_of(ports, posted), len(read) - len(shown))


def _folded(found: Sequence[Stored], limit: int) -> tuple[Sequence[Stored], Sequence[Stored]]:
    """The part of the log that a page covers, and what it shows of it: at most ``limit`` events, and no steps.

    Steps that follow the last event shown belong to this page, so that no page consists of them alone.
    """
    shown: list[Stored] = []
    for read, stored in enumerate(found):
        if is_step(json.loads(stored.body)):
            continue
        if len(shown) == limit:
            return found[:read], shown
        shown.append(stored)
    return found, shown


def _deploys(events: Iterable[Stored]) -> set[int]:
    bodies = (json.loads(each.body) for each in events)
    return {body["deploy"] for body in bodies if "deploy" in body}


def cursor_text(cursor: Cursor) -> str:
    """A cursor as one word: ``2026-11-21T12:00:00.000000Z/1042``."""
    return f"{document_of(cursor.at)}/{cursor.index}"


def cursor_from(text: str) -> Cursor | None:
    """The cursor that ``cursor_text`` made this text from; None for any other text."""
    at, _, index = text.partition("/")
    try:
        cursor = Cursor(datetime.fromisoformat(at), int(index))
        same = cursor_text(cursor) == text
    except (ValueError, OverflowError):
        return None
    return cursor if same and 0 < cursor.index <= _LARGEST else None


def cursor_at(stored: Stored) -> Cursor:
    """The position of an event."""
    return Cursor(datetime.fromisoformat(json.loads(stored.body)["at"]), stored.index)


def is_actor(word: str) -> bool:
    """Whether the word is a Slack user id or an actor's key."""
    return bool(_USER.fullmatch(word)) or actor_of_key(word) is not None


def actor_of_key(key: str) -> Actor | None:
    """The actor whose key this is, such as ``operator:root``; None for any other text."""
    try:
        actor = actor_from_key(key)
    except ValueError:
        return None
    return actor if actor.key == key else None


async def actor_of(ports: Ports, word: str) -> Actor | Refused:
    """The actor that a Slack user id or an actor's key names. Asks Slack which workspace is ours, if still unknown."""
    if not _USER.fullmatch(word):
        return actor_of_key(word) or refuse("actor-form", no_actor(word))
    try:
        if not ports.directory.team:
            await ports.directory.introduce()
    except SlackError as error:
        return refuse(
            "team-unknown",
            f"Slack can't be asked which workspace this is ({error}). Write the whole key: `slack:TEAM:{word}`.",
        )
    return SlackUser(ports.directory.team, word)


def no_actor(word: str) -> str:
    """A sentence for a word that names no actor."""
    return (
        f"`{word[:80]}` isn't an actor. Write a Slack user id such as `U0ALICE001`, or an actor's key such as "
        "`operator:root`, `system:expiry` or `slack:TEAM:USER`."
    )


async def _unknown(reading: Reading, catalog: Catalog, query: AuditQuery) -> Refused | None:
    service, environment = query.service, query.environment
    if not await _known(reading, service, catalog.services, AuditQuery(service=service)):
        return refuse("unknown-service", unknown_name("service", service or "", catalog.services))
    if not await _known(reading, environment, catalog.environments, AuditQuery(environment=environment)):
        return refuse("unknown-environment", unknown_name("environment", environment or "", catalog.environments))
    if query.deploy is not None and await reading.deploy(query.deploy) is None:
        return refuse(
            "unknown-deploy", f"There is no deploy D-{query.deploy}. The history of its service lists the numbers."
        )
    return None


async def _known(reading: Reading, name: str | None, known: Iterable[str], query: AuditQuery) -> bool:
    return name is None or name in known or bool(await reading.audit_page(query, 1))
