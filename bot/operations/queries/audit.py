"""The audit log, read: newest first, a page at a time, narrowed by day, service, environment, actor and deploy."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from bot.domain.actor import SlackUser, actor_from_key
from bot.domain.day import DAY_FORMS, day_named
from bot.domain.decision import Refused, refuse
from bot.domain.deploy.gates import unknown_name
from bot.domain.digest.schedule import day_of
from bot.domain.documents import document_of
from bot.errors import SlackError
from bot.operations.queries.history import links_of
from bot.ports.audit import AuditQuery, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bot.domain.actor import Actor
    from bot.domain.catalog.catalog import Catalog
    from bot.domain.digest.schedule import Span
    from bot.ports import Ports
    from bot.ports.audit import Stored
    from bot.ports.store import Reading

_LARGEST: Final = 2**63 - 1
_USER: Final = re.compile(r"[UW][A-Z0-9]{2,30}")


@dataclass(frozen=True, slots=True)
class AuditAsk:
    """What a person asks for; each word narrows. ``by`` is a Slack user's id or an actor's key."""

    day: str | None
    service: str | None
    environment: str | None
    by: str | None
    deploy: int | None = None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """A page of audit events, newest first.

    ``next`` is the ``before`` of the page after it, None on the last one. ``span`` is the day that was asked for, in
    ``zone``, the catalog's (an IANA name); None where none was. ``posted`` has the Slack link of each deploy among the
    events whose message's address is known.
    """

    events: tuple[Stored, ...]
    next: Place | None
    span: Span | None
    zone: str
    posted: Mapping[int, str] = field(default_factory=dict)


async def audit(ports: Ports, ask: AuditAsk, before: Place | None, limit: int) -> AuditPage | Refused:
    """``limit`` audit events that fit; those after ``before``, hence older, where given.

    A service or an environment that the catalog no longer has is found by its events; refused where there are none,
    as are a number that no deploy has and a day that has not begun. Raises ``CatalogMissing``.
    """
    actor = await _actor(ports, ask.by) if ask.by else None
    if isinstance(actor, Refused):
        return actor
    async with ports.store.read() as reading:
        catalog = (await reading.active_catalog()).catalog
        span = _span(ask.day, catalog, ports.clock.now()) if ask.day else None
        if isinstance(span, Refused):
            return span
        unknown = await _unknown(reading, catalog, ask)
        if unknown is not None:
            return unknown
        query = AuditQuery(span=span, service=ask.service, environment=ask.environment, actor=actor, deploy=ask.deploy)
        # one more than is shown says whether there is another page
        found = await reading.audit_page(query, before, limit + 1)
        shown = found[:limit]
        posted = await reading.all_posted(_deploys(shown))
    older = place_of(shown[-1]) if len(found) > limit else None
    return AuditPage(shown, older, span, catalog.timezone, links_of(ports, posted))


def _deploys(events: Iterable[Stored]) -> set[int]:
    bodies = (json.loads(each.body) for each in events)
    return {body["deploy"] for body in bodies if "deploy" in body}


def cursor_of(place: Place) -> str:
    """A place as a word that can be typed: ``2026-11-21T12:00:00.000000Z/1042``."""
    return f"{document_of(place.at)}/{place.index}"


def place_at(cursor: str) -> Place | None:
    """The place whose ``cursor_of`` this is; None for any other text."""
    at, _, index = cursor.partition("/")
    try:
        place = Place(datetime.fromisoformat(at), int(index))
        same = cursor_of(place) == cursor
    except (ValueError, OverflowError):
        return None
    return place if same and 0 < place.index <= _LARGEST else None


def is_actor(word: str) -> bool:
    """Whether the word is a Slack user's id or an actor's key, as ``by`` has to be."""
    return bool(_USER.fullmatch(word)) or not isinstance(_actor_of_key(word), Refused)


async def _actor(ports: Ports, by: str) -> Actor | Refused:
    """Whose events are meant. Slack is asked once for our team, where it was never reached."""
    if not _USER.fullmatch(by):
        return _actor_of_key(by)
    try:
        if not ports.directory.team:
            await ports.directory.introduce()
    except SlackError as error:
        return refuse(
            "team-unknown",
            f"Slack does not say which workspace this is ({error}). Write the whole key, `slack:TEAM:{by}`.",
        )
    return SlackUser(ports.directory.team, by)


def _actor_of_key(key: str) -> Actor | Refused:
    try:
        actor = actor_from_key(key)
    except ValueError:
        actor = None
    if actor is not None and actor.key == key:
        return actor
    return refuse(
        "actor-form",
        f"`{key[:80]}` names nobody: write a Slack user id such as `U0ALICE001`, or an actor's key as the events have "
        "it, such as `operator:root`, `system:expiry` or `slack:TEAM:USER`.",
    )


def _span(word: str, catalog: Catalog, now: datetime) -> Span | Refused:
    """The calendar date in the catalog's time zone."""
    zone = ZoneInfo(catalog.timezone)
    day = day_named(word, now.astimezone(zone).date())
    if day is None:
        return refuse("day-form", f"`{word[:80]}` is no day: write {DAY_FORMS}.")
    span = day_of(day, zone)
    if span.begins > now:
        return refuse("day-to-come", f"`{word}` is still to come: name a day that has begun.")
    return span


async def _unknown(reading: Reading, catalog: Catalog, ask: AuditAsk) -> Refused | None:
    service, environment = ask.service, ask.environment
    if not await _known(reading, service, catalog.services, AuditQuery(service=service)):
        return refuse("unknown-service", unknown_name("service", service or "", catalog.services))
    if not await _known(reading, environment, catalog.environments, AuditQuery(environment=environment)):
        return refuse("unknown-environment", unknown_name("environment", environment or "", catalog.environments))
    if ask.deploy is not None and await reading.deploy(ask.deploy) is None:
        return refuse("unknown-deploy", f"There is no deploy D-{ask.deploy}. See the history of its service.")
    return None


async def _known(reading: Reading, name: str | None, known: Iterable[str], query: AuditQuery) -> bool:
    return name is None or name in known or bool(await reading.audit_page(query, None, 1))


def place_of(stored: Stored) -> Place:
    """Where an event stands."""
    return Place(datetime.fromisoformat(json.loads(stored.body)["at"]), stored.index)
