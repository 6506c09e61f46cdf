"""The daily digest: which local dates are due, and the span of time that each covers.

All arithmetic is in UTC; only ``instant`` converts local times. Callers pass the time zone.
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
"""How many missed days are posted at most, after the process or Slack was down."""
SETTLED_AFTER: Final = timedelta(seconds=15)
"""How long after its time a digest is made, so that transactions that began before its time have ended."""
LATE_AFTER: Final = timedelta(minutes=10)
"""After this delay a digest says that it is late."""
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
    """What a digest counts: a span and environments (None: all). An event without an environment always counts."""

    span: Span
    environments: frozenset[str] | None = None

    def has(self, environment: str | None) -> bool:
        """Whether an event of that environment is counted."""
        return self.environments is None or not environment or environment in self.environments


class FileState(StrEnum):
    """The state of the CSV file under a digest."""

    NONE = "none"
    BEGUN = "begun"
    SENT = "sent"
    GIVEN_UP = "given-up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One date's digest of a channel; the row (channel, day) exists only once, so that no digest is sent twice.

    Its content is fixed when it is due: ``span``, ``environments``, ``timezone``, ``catalog`` (a fingerprint).
    ``posting`` is when an unfinished post began, ``posted_in`` and ``ts`` where it was posted, ``twice``: it may be a
    second copy. ``refused_table`` is when Slack refused its table, ``given_up`` why it will never be posted: Slack's
    error code, or that it is too old.
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
        """What the digest counts."""
        return Scope(self.span, None if self.environments is None else frozenset(self.environments))

    def late(self, now: datetime) -> bool:
        """Whether it has to say that it is late."""
        return now >= self.span.ends + LATE_AFTER


def instant(day: date, at: time, zone: tzinfo) -> datetime:
    """A local time as UTC: the earlier of two if the clock goes back, shifted forward if it does not exist."""
    # fold=0 takes the offset before the change, which does both
    return datetime.combine(day, at, zone).astimezone(UTC)


def exists(day: date, zone: tzinfo) -> bool:
    """Whether the date is in that zone's calendar: Apia, for one, had no 30 December 2011."""
    return instant(day, time(), zone) < instant(day + _DAY, time(), zone)


def day_of(day: date, zone: tzinfo) -> Span:
    """The whole calendar date."""
    return Span(instant(day, time(), zone), instant(day + _DAY, time(), zone))


def day_before(day: date, zone: tzinfo) -> date:
    """The newest date before ``day`` that exists in the zone."""
    return next(each for each in _dates(day - _DAY, -_DAY) if exists(each, zone))


def due_days(digest: Digest, zone: tzinfo, now: datetime, since: datetime) -> tuple[date, ...]:
    """The newest seven dates that are due, oldest first, without those that were due before ``since``.

    Some of them may have been sent: the store knows.
    """
    at = time.fromisoformat(digest.at)
    today = now.astimezone(zone).date()
    # one date more than today: if the clock goes back over midnight, tomorrow has already begun
    dates = ((day, instant(day, at, zone)) for day in _dates(today + _DAY, -_DAY))
    come = ((day, due) for day, due in dates if due + SETTLED_AFTER <= now and exists(day, zone))
    return tuple(day for day, due in reversed([*islice(come, NEWEST)]) if due >= since)


def span_of(digest: Digest, zone: tzinfo, day: date, before: Edition | None) -> Span:
    """The span of that date's digest: from the end of the previous date's digest until its own time.

    Without a previous one it starts at the same time on the previous date. It is empty if the previous one ended later,
    because its time or zone was different then: no event is counted twice.
    """
    at = time.fromisoformat(digest.at)
    yesterday = day_before(day, zone)
    ends = instant(day, at, zone)
    begins = before.span.ends if before and before.day == yesterday else instant(yesterday, at, zone)
    return Span(begins, max(begins, ends))


def open_span(digest: Digest, zone: tzinfo, now: datetime, last: Edition | None) -> tuple[date, Span]:
    """The next digest: its date, and its span up to now."""
    at = time.fromisoformat(digest.at)
    # one date less than today: a time that does not exist may be shifted over midnight
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
    """The middle duration, or the mean of the two in the middle; None if there are none."""
    if not durations:
        return None
    ordered = sorted(durations)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
