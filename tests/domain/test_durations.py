"""Durations in words."""

from __future__ import annotations

import pytest

from bot.domain.durations import from_nanoseconds


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
