"""Durations in words."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.durations import duration_from, from_nanoseconds, in_words, short


@pytest.mark.parametrize(
    ("nanoseconds", "words"),
    [
        (0, "0s"),
        (10_000_000_000, "10s"),
        (90_000_000_000, "1m30s"),
        (3_600_000_000_000, "1h"),
        (90_000_000_000_000, "1d1h"),
        (250_000_000, "250ms"),
        (1_500, "1µs500ns"),
        (-5_000_000_000, "-5s"),
    ],
)
def test_nanoseconds(nanoseconds, words):
    assert from_nanoseconds(nanoseconds) == words


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(0), "0s"),
        (timedelta(seconds=90), "1m30s"),
        (timedelta(days=7), "7d"),
        (timedelta(seconds=9, microseconds=1), "10s"),
    ],
)
def test_durations_are_said_in_whole_seconds_and_never_too_short(duration, words):
    assert in_words(duration) == words


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(), "0s"),
        (timedelta(seconds=44.6), "45s"),
        (timedelta(minutes=3, seconds=12), "3m12s"),
        (timedelta(hours=2, minutes=5, seconds=10), "2h5m"),
        (timedelta(days=1, hours=4, minutes=20), "1d4h"),
    ],
)
def test_what_something_took(duration, words):
    assert short(duration) == words


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("90s", timedelta(seconds=90)),
        ("1H30m", timedelta(hours=1.5)),
        ("0m", timedelta()),
        ("7d", timedelta(days=7)),
        ("7", None),
        ("7w", None),
        ("", None),
    ],
)
def test_what_people_type_is_read(text, duration):
    assert duration_from(text) == duration
