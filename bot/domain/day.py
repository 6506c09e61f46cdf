"""A calendar date as people name it."""

from __future__ import annotations

from datetime import date, timedelta

YESTERDAY = timedelta(days=1)
EARLIEST, LATEST = date(1970, 1, 2), date(9999, 12, 29)
"""Dates that exist as whole days in every zone: a day further, and there is no instant to begin or end with."""
DAY_FORMS = "`today`, `yesterday` or a date such as `2026-11-21`"


def day_named(word: str, today: date) -> date | None:
    """``today``, ``yesterday``, or a date in full (``2026-11-21``); None for any other word."""
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
    # the library reads weeks and dates without dashes, too: nobody who reads them back knows which day that is
    return day if day.isoformat() == word and EARLIEST <= day <= LATEST else None
