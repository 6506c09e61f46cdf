"""The daily digest: which local dates are due, and the span of time that each tells of.

All arithmetic is in UTC; a local time becomes an instant in ``instant`` alone. Zones are given, never looked up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from itertools import islice
from typing import Final

from bot.domain.catalog.digest import Digest

NEWEST: Final = 7
"""How many days are caught up on, at most, by a process that was away, or after Slack was."""
SETTLED_AFTER: Final = timedelta(seconds=15)
"""How long after its time a digest is drawn: what was being written just before it is in the database by then."""
LATE_AFTER: Final = timedelta(minutes=10)
"""From then on a digest says that it comes late."""
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """From ``begins`` (included) to ``ends`` (excluded), both UTC."""

    begins: datetime
    ends: datetime

    def __contains__(self, instant: datetime) -> bool:
        """Whether the instant lies in it."""
        return self.begins <= instant < self.ends


@dataclass(frozen=True, slots=True)
class Scope:
    """What a digest counts: a span, and the environments (None: all; what belongs to none is always counted)."""

    span: Span
    environments: frozenset[str] | None = None

    def has(self, environment: str | None) -> bool:
        """Whether an event of that environment is counted."""
        return self.environments is None or not environment or environment in self.environments


class FileState(StrEnum):
    """Where the CSV under a digest stands."""

    NONE = "none"
    BEGUN = "begun"
    SENT = "sent"
    GIVEN_UP = "given-up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One date's digest of a channel: the row (channel, day) exists once, so that nothing is ever due twice.

    What it tells of is fixed when it falls due: ``span``, ``environments``, ``timezone``, ``catalog`` (a fingerprint).
    ``posting`` is when an unfinished post began, ``posted_in`` and ``ts`` where it stands, ``twice`` that it may be a
    second copy, ``refused_table`` when Slack refused its table, ``given_up`` why it never will be
    posted: Slack's word, or that it is too old.
    """

    channel: str
    day: date
    span: Span
    environments: tuple[str, ...] | None
    timezone: str
    catalog: str
    posting: datetime | None = None
    posted_in: str = ""
    ts: str = ""
    posted_at: datetime | None = None
    twice: bool = False
    refused_table: datetime | None = None
    file: FileState = FileState.NONE
    given_up: str = ""

    @property
    def scope(self) -> Scope:
        """What it counts."""
        return Scope(self.span, None if self.environments is None else frozenset(self.environments))

    def late(self, now: datetime) -> bool:
        """Whether it has to say that it comes late."""
        return now >= self.span.ends + LATE_AFTER


def instant(day: date, at: time, zone: tzinfo) -> datetime:
    """That local time as UTC: the first of two where the clock goes back, moved forward where it does not exist."""
    # fold=0 takes the offset before the change, which does both
    return datetime.combine(day, at, zone).astimezone(UTC)


def exists(day: date, zone: tzinfo) -> bool:
    """Whether the date is in that zone's calendar: Apia, for one, had no 30 December 2011."""
    return instant(day, time(), zone) < instant(day + _DAY, time(), zone)


def day_of(day: date, zone: tzinfo) -> Span:
    """The whole calendar date."""
    return Span(instant(day, time(), zone), instant(day + _DAY, time(), zone))


def day_before(day: date, zone: tzinfo) -> date:
    """The newest date before that exists."""
    return next(each for each in _dates(day - _DAY, -_DAY) if exists(each, zone))


def due_days(digest: Digest, zone: tzinfo, now: datetime, since: datetime) -> tuple[date, ...]:
    """The newest seven dates whose time has come, oldest first; none whose time was over before ``since``.

    Which of them were sent is for the store to say.
    """
    at = time.fromisoformat(digest.at)
    today = now.astimezone(zone).date()
    # one date more than today: where the clock goes back over midnight, tomorrow has begun already
    dates = ((day, instant(day, at, zone)) for day in _dates(today + _DAY, -_DAY))
    come = ((day, due) for day, due in dates if due + SETTLED_AFTER <= now and exists(day, zone))
    return tuple(day for day, due in reversed([*islice(come, NEWEST)]) if due >= since)


def span_of(digest: Digest, zone: tzinfo, day: date, before: Edition | None) -> Span:
    """What the digest of that date tells of: up to its time, from where the one of the date before ended.

    Without one (the first, or after a long absence), from the same time of day on the date before. It is empty where
    that one ended later, under another time of day or zone: nothing is told twice.
    """
    at = time.fromisoformat(digest.at)
    yesterday = day_before(day, zone)
    ends = instant(day, at, zone)
    begins = before.span.ends if before and before.day == yesterday else instant(yesterday, at, zone)
    return Span(begins, max(begins, ends))


def open_span(digest: Digest, zone: tzinfo, now: datetime, last: Edition | None) -> tuple[date, Span]:
    """The digest that is still to come: its date, and its span as far as it has got."""
    at = time.fromisoformat(digest.at)
    # one date less than today: a time that does not exist may be moved over midnight
    first = now.astimezone(zone).date() - _DAY
    following = _dates(max(first, last.day + _DAY) if last else first, _DAY)
    day = next(each for each in following if instant(each, at, zone) > now and exists(each, zone))
    begins = span_of(digest, zone, day, last).begins
    return day, Span(min(begins, now), now)


def _dates(first: date, step: timedelta) -> Iterator[date]:
    while True:
        yield first
        first += step


def median(durations: Sequence[timedelta]) -> timedelta | None:
    """The middle one, or half way between the two in the middle; None of nothing."""
    if not durations:
        return None
    ordered = sorted(durations)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
