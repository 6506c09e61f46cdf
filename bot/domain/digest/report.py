"""What a digest says: numbers, the changes of the final environments, and what a person should look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from bot.domain.actor import Actor
from bot.domain.audit.events import EventType
from bot.domain.audit.history import OUTCOMES, Entry, Outcome
from bot.domain.digest.schedule import Scope, Span, exists, instant, median

MOST_CHANGES: Final = 40
"""Rows of the table; all of them are in the CSV."""
MOST_NAMED: Final = 10
"""How many of each kind a digest names under *what to look at*; how many there are is said of all."""
WORKING_DAYS: Final = range(5)
WORKING_HOURS: Final = range(8, 18)
"""Monday to Friday, 08:00 to 18:00 of the digest's zone; an approval at another time is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What a scope's audit events add up to.

    ``types`` counts them by type, ``events`` all of them. ``reverted`` is how many of the deploys that failed in the
    span Nomad was reverting by its end. ``to_approve`` has a duration for each deploy whose newest dispatch is in the
    span and that somebody approved before; ``to_succeed`` for each that succeeded in it, from its newest dispatch.
    """

    events: int
    types: Mapping[EventType, int]
    reverted: int
    to_approve: tuple[timedelta, ...]
    to_succeed: tuple[timedelta, ...]

    def ended(self) -> dict[Outcome, int]:
        """How many deploys ended, by outcome; every deploy that ended in the span is in exactly one."""
        counts = {outcome: self.types.get(kind, 0) for kind, outcome in OUTCOMES.items()}
        counts[Outcome.FAILED] -= self.reverted
        return {**counts, Outcome.REVERTED: self.reverted}


@dataclass(frozen=True, slots=True)
class Listed:
    """The first of several deploys, and how many there are in all."""

    entries: tuple[Entry, ...] = ()
    total: int = 0


@dataclass(frozen=True, slots=True)
class Sign:
    """An approval that somebody should look at: out of hours, or of one's own request."""

    deploy_id: int
    service: str
    environment: str
    actor: Actor
    at: datetime


@dataclass(frozen=True, slots=True)
class Signs:
    """The first of several approvals, and how many there are in all."""

    signs: tuple[Sign, ...] = ()
    total: int = 0


@dataclass(frozen=True, slots=True)
class CatalogChange:
    """Another catalog became active; fingerprints, ``before`` empty for the first one."""

    at: datetime
    actor: Actor
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A digest's content. ``zone`` is the IANA name that its times are shown in.

    ``outcomes`` has every outcome: the deploys that ended in the span, and under OPEN those that were open at its end.
    ``changes`` are the deploys that Nomad took in the final environments and that ended in the span or were rolling out
    at its end, oldest first; ``final`` names these environments. ``refusals`` counts the rules that said no by code,
    out of ``refused`` refusals. ``posted`` has the Slack link of each deploy that has a message.
    """

    scope: Scope
    zone: str
    final: tuple[str, ...]
    tally: Tally
    outcomes: Mapping[Outcome, int]
    changes: Listed
    failures: Listed = Listed()
    reverts_failed: Listed = Listed()
    stuck: Listed = Listed()
    overdue: Listed = Listed()
    out_of_hours: Signs = Signs()
    self_approved: Signs = Signs()
    catalogs: tuple[CatalogChange, ...] = ()
    refusals: Mapping[str, int] = field(default_factory=dict)
    refused: int = 0
    posted: Mapping[int, str] = field(default_factory=dict)

    @property
    def requested(self) -> int:
        """How many deploys were asked for in the span."""
        return self.tally.types.get(EventType.DEPLOY_REQUESTED, 0)

    @property
    def quiet(self) -> bool:
        """Whether nothing happened that anybody has to read about."""
        # a revert goes on after its deploy has ended, in another span it may be
        to_look_at = self.refused or self.catalogs or self.reverts_failed.total or self.stuck.total
        return not self.requested and not any(self.outcomes.values()) and not to_look_at

    @property
    def time_to_approve(self) -> timedelta | None:
        """The median; None where nobody approved anything that was dispatched."""
        return median(self.tally.to_approve)

    @property
    def time_to_succeed(self) -> timedelta | None:
        """The median; None where nothing succeeded."""
        return median(self.tally.to_succeed)


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestCard:
    """All that a digest's message shows. ``day`` is its local date.

    ``late`` says that it was due more than ten minutes ago, ``twice`` that it may be a second copy, ``preview`` that it
    is one person's look at it, before or after it was posted.
    """

    day: date
    report: Report
    late: bool = False
    twice: bool = False
    preview: bool = False


class Layout(StrEnum):
    """How a digest is drawn: with a table, with lines instead of one, or as text alone."""

    TABLE = "table"
    CLASSIC = "classic"
    PLAIN = "plain"

    @property
    def plainer(self) -> Layout | None:
        """The layout to use if Slack refuses the blocks of this one."""
        return {Layout.TABLE: Layout.CLASSIC, Layout.CLASSIC: Layout.PLAIN}.get(self)


def closed_hours(span: Span, zone: tzinfo) -> tuple[Span, ...]:
    """The parts of the span that are outside working hours of that zone, in order."""
    since, day = span.begins, span.begins.astimezone(zone).date()
    found: list[Span] = []
    while since < span.ends:
        opens, closes = (instant(day, time(hour), zone) for hour in (WORKING_HOURS.start, WORKING_HOURS.stop))
        if day.weekday() in WORKING_DAYS and exists(day, zone) and since < closes:
            found.append(Span(since, min(opens, span.ends)))
            since = closes
        elif opens >= span.ends:
            found.append(Span(since, span.ends))
            since = span.ends
        day += timedelta(days=1)
    return tuple(part for part in found if part.begins < part.ends)
