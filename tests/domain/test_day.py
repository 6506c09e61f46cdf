from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo, available_timezones

import pytest

from bot.domain.day import EARLIEST, LATEST, day_named
from bot.domain.digest.schedule import day_of

TODAY = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("word", "day"),
    [
        ("today", TODAY),
        ("Today", TODAY),
        ("yesterday", date(2026, 2, 28)),
        ("2026-11-21", date(2026, 11, 21)),
        ("1970-01-02", EARLIEST),
        ("9999-12-29", LATEST),
    ],
)
def test_a_day_is_named(word: str, day: date) -> None:
    assert day_named(word, TODAY) == day


@pytest.mark.parametrize(
    "word",
    [
        "", "tomorrow", "checkout", "2026-02-29", "2026-13-01", "21-11-2026", "2026-11-21 ", "2026-1-1", "20261121",
        "2026-W47-6", "2026-11-21T00:00", "٢٠٢٦-١١-٢١", "0001-01-01", "1970-01-01", "9999-12-30",
    ],
)  # fmt: skip
def test_any_other_word_names_none(word: str) -> None:
    assert day_named(word, TODAY) is None


@pytest.mark.parametrize("day", [EARLIEST, LATEST])
def test_the_outermost_days_can_be_looked_up_in_every_zone(day: date) -> None:
    assert all(day_of(day, ZoneInfo(name)).begins < day_of(day, ZoneInfo(name)).ends for name in available_timezones())
