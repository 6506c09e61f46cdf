"""The answer to ``/deploy audit``: a page of audit events, newest first, a line each."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from bot.domain.actor import SlackUser, System, actor_from_key
from bot.domain.audit.sentences import sentence
from bot.gateways.blocks.note import plain_of
from bot.gateways.blocks.pages import Pages, turn
from bot.gateways.blocks.parts import Message, context, section
from bot.gateways.blocks.reasons import name_of
from bot.gateways.blocks.text import code, escape, link, person, second, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, tzinfo

    from bot.domain.audit.history import Body
    from bot.ports.audit import AuditQuery

MOST: Final = 20
"""Events on a page."""
_LONGEST_SECTION = 2900
_LONGEST_SENTENCE = 240
_LONGEST_LINK = 150


def render(
    query: AuditQuery,
    events: Sequence[Body],
    zone: tzinfo,
    posted: Mapping[int, str],
    pages: Pages,
    folded: int = 0,
) -> Message:
    """At most twenty events, each with its time in the reader's zone; ``posted`` links deploys to their messages.

    ``zone`` is that of the query's day. ``folded`` is how many steps of Nomatron itself are left out.
    """
    what = ", ".join(_conditions(query, zone))
    left = f"{folded:,} {'step' if folded == 1 else 'steps'} of Nomatron itself left out"
    if not events:
        kind = "decisions or results" if folded else "audit events"
        first = f":mag: {'No older' if pages.newest else 'No'} {kind}{what and f' {what}'}."
        note = [context(left)] if folded else []
        return Message(first, (section(first), *note, *turn(pages, "events")))
    first = f":scroll: *Audit events*{what and f' {what}'}"
    lines = [f"{second(datetime.fromisoformat(body['at']))} {_line(body, posted)}" for body in events[:MOST]]
    about = context(" · ".join(["newest first", "times in your time zone", *([left] if folded else [])]))
    body = (section(text) for text in _chunks([first, *lines]))
    return Message(plain_of([first, *lines]), (*body, about, *turn(pages, "events")))


def _conditions(query: AuditQuery, zone: tzinfo) -> Iterator[str]:
    day, actor = _day(query, zone), query.actor
    if query.deploy:
        yield f"of D-{query.deploy}"
    if day:
        # days are the catalog's, times are the reader's
        yield f"of {_date(day)} in {words(str(zone), 60)}"
    if query.service:
        yield f"about *{words(query.service, 200)}*"
    if query.environment:
        yield f"in *{words(query.environment, 200)}*"
    if actor:
        yield f"by {person(actor.id) if isinstance(actor, SlackUser) else code(actor.key)}"


def _day(query: AuditQuery, zone: tzinfo) -> date | None:
    return query.span.begins.astimezone(zone).date() if query.span else None


def _line(body: Body, posted: Mapping[int, str]) -> str:
    """The actor, and what happened, with the deploy's number as a link to its message."""
    actor, what = actor_from_key(body["actor"]), sentence(body)
    acted = what.actor_is_subject and not isinstance(actor, System)
    before = escape(what.before, _LONGEST_SENTENCE)
    number = link(posted.get(body.get("deploy", 0), ""), what.number) if what.number else ""
    if len(number) > _LONGEST_LINK:
        number = what.number
    room = _LONGEST_SENTENCE - len(before) - len(what.number)
    after = escape(what.after, room) if what.after and room > 0 else ""
    return f"{name_of(actor)}{'' if acted else ':'} {before}{number}{after}"


def _date(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B} {day.year}"


def _chunks(lines: Sequence[str]) -> list[str]:
    """All lines, in as few texts as Slack's limit allows."""
    texts = [""]
    for line in lines:
        if len(texts[-1]) + len(line) + 1 > _LONGEST_SECTION:
            texts.append("")
        texts[-1] += f"{line}\n"
    return [text.rstrip("\n") for text in texts if text]
