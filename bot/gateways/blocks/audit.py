"""``/deploy audit``: a page of audit events, newest first, a line each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from bot.domain.actor import actor_from_key
from bot.domain.sentences import sentence
from bot.gateways.blocks.facts import name_of
from bot.gateways.blocks.note import plain_of
from bot.gateways.blocks.pages import Pages, turn
from bot.gateways.blocks.parts import Message, context, section
from bot.gateways.blocks.text import code, is_person, person, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, tzinfo

    from bot.domain.history import Body

MOST: Final = 20
"""Events on a page."""
_LONGEST_SECTION = 2900
_LONGEST_SENTENCE = 260


@dataclass(frozen=True, slots=True)
class Conditions:
    """What was asked for; ``by`` is a Slack user id or an actor's key."""

    day: date | None = None
    service: str | None = None
    environment: str | None = None
    by: str | None = None


def render(asked: Conditions, events: Sequence[Body], zone: tzinfo, pages: Pages) -> Message:
    """At most twenty events under their dates, in the times of ``zone``."""
    what = ", ".join(_conditions(asked))
    if not events:
        first = f":mag: {'No older audit event' if pages.newest else 'No audit event'}{what and f' {what}'}."
        return Message(first, (section(first), *turn(pages, "events")))
    first = f":scroll: *Audit events*{what and f' {what}'}"
    lines = list(_lines(asked, events[:MOST], zone))
    about = context(f"newest first · times of {words(str(zone), 60)}")
    body = (section(text) for text in _chunks([first, *lines]))
    return Message(plain_of([first, *lines]), (*body, about, *turn(pages, "events")))


def _conditions(asked: Conditions) -> Iterator[str]:
    if asked.day:
        yield f"of {_date(asked.day)}"
    if asked.service:
        yield f"about *{words(asked.service, 200)}*"
    if asked.environment:
        yield f"in *{words(asked.environment, 200)}*"
    if asked.by:
        yield f"by {person(asked.by) if is_person(asked.by) else code(asked.by)}"


def _lines(asked: Conditions, events: Sequence[Body], zone: tzinfo) -> Iterator[str]:
    day = asked.day
    for body in events:
        local = datetime.fromisoformat(body["at"]).astimezone(zone)
        if local.date() != day:
            day = local.date()
            yield f"*{_date(day)}*"
        yield f"`{_clock(local)}` {_told(body)}"


def _told(body: Body) -> str:
    """Who and what; a sentence that begins with what was done has the person as its subject."""
    who, said = name_of(actor_from_key(body["actor"])), words(sentence(body), _LONGEST_SENTENCE)
    return f"{who} {said}" if said[:1].islower() else f"{who}: {said}"


def _clock(local: datetime) -> str:
    """The time of day; with its offset in the hour that comes twice."""
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{local:%H:%M:%S}" + (f"{local:%z}" if twice else "")


def _date(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B} {day.year}"


def _chunks(lines: Sequence[str]) -> list[str]:
    """The lines in as few texts as Slack's limit allows; none is left out."""
    texts = [""]
    for line in lines:
        if len(texts[-1]) + len(line) + 1 > _LONGEST_SECTION:
            texts.append("")
        texts[-1] += f"{line}\n"
    return [text.rstrip("\n") for text in texts if text]
