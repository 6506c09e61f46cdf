"""Reads a calendar date as people write it."""

from __future__ import annotations

from datetime import date, timedelta

YESTERDAY = timedelta(days=1)
EARLIEST, LATEST = date(1970, 1, 2), date(9999, 12, 29)
"""The first and last date that Python can represent as a whole day in every time zone."""
DAY_FORMS = "`today`, `yesterday` or a date such as `2026-11-21`"


def day_named(word: str, today: date) -> date | None:
    """The date for ``today``, ``yesterday`` or a full date (``2026-11-21``); None for any other word."""
    match word.casefold():
        case "today":
            return today
        case "yesterday":
            return today - YESTERDAY
        case _:
            return _date(word)


def _date(word: str) -> date | None:
    try:
        day = date.fromisoformat(word)
    except ValueError:
        return None
    # the library also accepts weeks and dates without dashes, which people misread
    return day if day.isoformat() == word and EARLIEST <= day <= LATEST else None
