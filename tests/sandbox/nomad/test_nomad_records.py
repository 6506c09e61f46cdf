"""Times and durations as Nomad writes them."""

from __future__ import annotations

import pytest

from sandbox.nomad.records import SECOND, duration, go_duration, instant, rfc3339


def test_an_instant_is_written_and_read_to_the_nanosecond():
    now = 1_795_318_103_481_839_271
    assert rfc3339(now) == "2026-11-22T03:28:23.481839271Z"
    assert instant(rfc3339(now)) == now
    assert instant("2026-11-22T03:28:23Z") == 1_795_318_103 * SECOND


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("30s", 30 * SECOND),
        ("1m30s", 90 * SECOND),
        ("1.5h", 5400 * SECOND),
        ("100ms", SECOND // 10),
        ("2x", None),
        ("", None),
        ("10", None),
        ("-1s", None),
    ],
)
def test_go_durations_are_read(text: str, nanoseconds: int | None):
    assert duration(text) == nanoseconds


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(15 * SECOND, "15s"), (SECOND // 2, "0.5s"), (1800 * SECOND, "30m0s"), (86_400 * SECOND, "24h0m0s")],
)
def test_go_durations_are_written(nanoseconds: int, text: str):
    assert go_duration(nanoseconds) == text
