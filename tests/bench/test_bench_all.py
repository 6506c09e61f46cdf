"""Benches of clicks, claims and idleness run, with sizes that say nothing about speed; the page is what was found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bench import claims, clicks, idle
from bench.__main__ import PAGE, RESULTS
from bench.lines import Line
from bench.page import page

if TYPE_CHECKING:
    import pytest

ON = {"date": "2026-12-01", "processor": "2 cores", "python": "3.11.7", "sqlite": "3.40.1", "load": "0.1"}


def lines_of(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    return {line["name"]: line["value"] for line in json.loads(capsys.readouterr().out)}


def test_clicks(capsys: pytest.CaptureFixture[str]) -> None:
    clicks.main(["--rounds", "1", "--clicks", "2", "--seconds", "0.5", "--json"])
    found = lines_of(capsys)
    assert len(found) == 12
    assert found.pop("answered with busy") == 0
    assert all(value > 0 for value in found.values())


def test_claims(capsys: pytest.CaptureFixture[str]) -> None:
    claims.main(["--few", "50", "--many", "200", "--rounds", "1", "--json"])
    found = lines_of(capsys)
    assert len(found) == 2 * (len(claims.LANES) + 1)
    assert all(value > 0 for value in found.values())


def test_idle(capsys: pytest.CaptureFixture[str]) -> None:
    idle.main(["--seconds", "0.5", "--rounds", "1", "--json"])
    found = lines_of(capsys)
    assert len(found) == 3 + len(idle.SHORT)
    assert found["memory of an idle bot"] > 10


def test_a_line_is_within_its_goal_or_not() -> None:
    most, least = Line("a", 2, "x", 3), Line.at_least("b", 2, "x", 3)
    assert (most.reached, least.reached, Line("c", 2, "x").reached) == (True, False, True)
    assert (most.bound, least.bound, Line("c", 2, "x").bound) == ("<= 3", ">= 3", "")


def test_the_page_has_each_line_with_what_it_was_before_and_whether_the_goal_is_reached() -> None:
    lines = [
        {"name": "memory of an idle bot", "value": 90.0, "unit": "MB", "goal": 100, "least": False, "reached": True},
        {"name": "ready after", "value": 2.5, "unit": "s", "goal": 2, "least": False, "reached": False},
    ]
    text = page({"on": ON, "full": True, "parts": [{"heading": "Idle", "lines": lines}]})
    assert "## Idle\n" in text
    assert "| memory of an idle bot | 128 MB | 90.00 MB | <= 100 | reached |" in text
    assert "| ready after |  | 2.50 s | <= 2 | **missed** |" in text


def test_the_page_in_the_docs_is_made_from_the_results_that_are_kept() -> None:
    assert PAGE.read_text("utf-8") == page(json.loads(RESULTS.read_text("utf-8")))
