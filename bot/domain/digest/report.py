"""A digest's content: numbers, the changes of the final environments, and what a person should look at."""

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
"""Most rows of the table; the CSV has all of them."""
MOST_NAMED: Final = 10
"""How many of each kind a digest names under *what to look at*; it always gives the total."""
WORKING_DAYS: Final = range(5)
WORKING_HOURS: Final = range(8, 18)
"""Monday to Friday, 08:00 to 18:00 in the digest's time zone; an approval outside these hours is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The numbers that a scope's audit events add up to.

    ``types`` counts them by type, ``events`` all of them. ``reverted`` is how many of the deploys that failed in the
    span had been, or were being, reverted by Nomad at its end. ``to_approve`` has a duration for each deploy whose
    newest dispatch is in the span and that somebody had approved; ``to_succeed`` has one for each deploy that succeeded
    in the span, from its newest dispatch.
    """

    events: int
    types: Mapping[EventType, int]
    reverted: int
    to_approve: tuple[timedelta, ...]
    to_succeed: tuple[timedelta, ...]

    def ended(self) -> dict[Outcome, int]:
        """How many deploys ended, by outcome; each deploy that ended in the span counts once."""
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
    """A change of the active catalog, as two fingerprints; ``before`` is empty for the first catalog."""

    at: datetime
    actor: Actor
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockChange:
    """A lock on ``what`` that was placed (``until`` then), lifted, or whose time was over; ``reason`` is why."""

    kind: EventType
    at: datetime
    actor: Actor
    what: str
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A digest's content. ``zone`` is the IANA name of the time zone that it uses.

    ``outcomes`` has every outcome: the deploys that ended in the span, and under OPEN those that were open at its end.
    ``changes`` are the deploys that Nomad registered in the final environments and that ended in the span or were
    rolling out at its end, oldest first; ``final`` names these environments. ``refusals`` counts reasons by code, over
    all ``refused`` refusals. ``landed_late`` and ``resolved`` are the deploys that
    Nomad was found to have registered after their end, and those of which a person said what became of them.
    ``posted`` has the Slack link of each deploy that has a message.
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
    landed_late: Listed = Listed()
    resolved: Listed = Listed()
    out_of_hours: Signs = Signs()
    self_approved: Signs = Signs()
    catalogs: tuple[CatalogChange, ...] = ()
    locks: tuple[LockChange, ...] = ()
    refusals: Mapping[str, int] = field(default_factory=dict)
    refused: int = 0
    posted: Mapping[int, str] = field(default_factory=dict)

    @property
    def requested(self) -> int:
        """How many deploys were requested in the span."""
        return self.tally.types.get(EventType.DEPLOY_REQUESTED, 0)

    @property
    def quiet(self) -> bool:
        """Whether nothing happened that anybody needs to know."""
        # a revert may still run in a span after the one in which its deploy ended
        to_look_at = self.refused or self.catalogs or self.locks or self.reverts_failed.total or self.stuck.total
        to_look_at = to_look_at or self.landed_late.total or self.resolved.total
        return not self.requested and not any(self.outcomes.values()) and not to_look_at

    @property
    def time_to_approve(self) -> timedelta | None:
        """The median; None if no deploy was approved and dispatched."""
        return median(self.tally.to_approve)

    @property
    def time_to_succeed(self) -> timedelta | None:
        """The median; None if no deploy succeeded."""
        return median(self.tally.to_succeed)


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestCard:
    """Everything that a digest's message shows. ``day`` is its local date.

    ``late``: it was due more than ten minutes ago. ``twice``: it may be a second copy. ``preview``: it is shown to one
    person, before or after it was posted.
    """

    day: date
    report: Report
    late: bool = False
    twice: bool = False
    preview: bool = False


class Layout(StrEnum):
    """How a digest is formatted: with a table, with lines instead, or as plain text."""

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
