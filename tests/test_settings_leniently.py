"""Settings as doctor reads them: what cannot be used is told and left out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bot.settings import files_of, read, read_leniently

if TYPE_CHECKING:
    import pytest


def test_right_settings_are_read_as_ever() -> None:
    settings, wrong = read_leniently({"PORT": "4000", "SLACK_BOT_TOKEN": "xoxb-1"})

    assert (settings.port, wrong) == (4000, ())


def test_wrong_ones_are_told_and_the_rest_is_read(tmp_path: Path) -> None:
    number = tmp_path / "number"
    number.write_text("many", "utf-8")

    settings, wrong = read_leniently(
        {
            "PORT": "http",
            "NOMATRON_LEASE_SECONDS_FILE": str(number),
            "SLACK_BOT_TOKEN_FILE": "/nowhere/at/all",
            "NOMATRON_HOST": "0.0.0.0",
        }
    )

    assert sorted(line.partition(":")[0] for line in wrong) == [
        "NOMATRON_LEASE_SECONDS",
        "PORT",
        "SLACK_BOT_TOKEN_FILE",
    ]
    assert (settings.port, settings.lease_seconds, settings.host) == (3000, 60, "0.0.0.0")


def test_nothing_is_read_past_what_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "http")

    assert read({}).port == 3000
    assert read_leniently()[1] == ("PORT: Input should be a valid integer, unable to parse string as an integer",)


def test_files_count_where_the_setting_itself_is_not_there() -> None:
    given = {"A_FILE": "/a", "B": "set", "B_FILE": "/b", "C": "", "C_FILE": "/c", "D_FILE": ""}

    assert files_of(["A", "B", "C", "D", "E"], given) == (Path("/a"), Path("/c"))
