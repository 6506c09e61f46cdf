"""A report's span and times in the report's own time zone: like its numbers, the same for every reader."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.domain.digest.schedule import day_of

if TYPE_CHECKING:
    from datetime import date, datetime

    from bot.domain.digest.schedule import Span

_DAY, _WEEK = timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class LocalSpan:
    """A span in the words and local time of a zone."""

    span: Span
    zone: ZoneInfo

    @property
    def day(self) -> date | None:
        """The calendar date if the span is exactly that date, else None."""
        first = self._local(self.span.begins).date()
        return first if day_of(first, self.zone) == self.span else None

    @property
    def title(self) -> str:
        """``on Friday 21 November``, ``until Saturday 22 November 09:00``."""
        return f"on {_date(self.day)}" if self.day else f"until {self.ends}"

    @property
    def ends(self) -> str:
        """``Saturday 22 November 09:00``."""
        return _point(self._local(self.span.ends))

    def whole(self, *, year: bool = False) -> str:
        """``Friday 21 November 09:00 to Saturday 22 November 09:00``, or the calendar date."""
        begins, ends = self._local(self.span.begins), self._local(self.span.ends)
        after = f" {begins.year}" if year else ""
        if self.day:
            return f"{_date(self.day)}{after}"
        until = f"{ends:%H:%M}" if begins.date() == ends.date() else _point(ends, f" {ends.year}" if year else "")
        return f"{_point(begins, after)} to {until}"

    def moment(self, instant: datetime) -> str:
        """As short as is clear beside the span: ``14:05``, ``Fri 14:05``, ``14 Nov 14:05``."""
        local = self._local(instant)
        clock = f"{local:%H:%M}"
        if self.day == local.date():
            return clock
        near = abs(instant - self.span.ends) < _WEEK - _DAY
        return f"{local:%a} {clock}" if near else f"{local.day} {local:%b} {clock}"

    def _local(self, instant: datetime) -> datetime:
        return instant.astimezone(self.zone)


def local_span(span: Span, zone: str) -> LocalSpan:
    """The span in the zone of that IANA name."""
    return LocalSpan(span, ZoneInfo(zone))


def _date(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B}"


def _point(local: datetime, after: str = "") -> str:
    return f"{_date(local.date())}{after} {local:%H:%M}"
