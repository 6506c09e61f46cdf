"""Settings: from the environment or a file, all problems at once, and what each process needs of them."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from bot.errors import SettingsInvalid
from bot.settings import files_of, read, read_leniently, secret_beside, token_of

SLACK = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "a, b"}


def test_an_empty_value_is_no_value() -> None:
    assert read({"PORT": "", "NOMATRON_HOST": ""}) == read({})


def test_a_secret_comes_from_a_file_unless_the_setting_itself_is_there(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(" xoxb-file\n", "utf-8")

    assert read({"SLACK_BOT_TOKEN_FILE": str(file)}).slack_bot_token.get_secret_value() == "xoxb-file"
    both = read({"SLACK_BOT_TOKEN_FILE": str(file), "SLACK_BOT_TOKEN": "xoxb-1"})
    assert both.slack_bot_token.get_secret_value() == "xoxb-1"


def test_two_signing_secrets_are_separated_by_a_comma() -> None:
    secrets = read({"SLACK_SIGNING_SECRET": "new, old,"}).slack_signing_secret

    assert [each.get_secret_value() for each in secrets] == ["new", "old"]


def test_the_database_of_a_hosting_platform_is_taken_unless_ours_is_named() -> None:
    assert read({"DATABASE_URL": "postgresql://a"}).database_url == "postgresql://a"
    assert (
        read({"DATABASE_URL": "postgresql://a", "NOMATRON_DATABASE_URL": "sqlite:///b"}).database_url == "sqlite:///b"
    )


def test_secrets_are_not_printed() -> None:
    assert "xoxb-1" not in repr(read(SLACK))


def test_all_problems_are_named_at_once_and_the_rest_is_read(tmp_path: Path) -> None:
    number = tmp_path / "number"
    number.write_text("many", "utf-8")
    given = {
        "PORT": "http",
        "NOMATRON_LEASE_SECONDS_FILE": str(number),
        "SLACK_BOT_TOKEN_FILE": "/nowhere/at/all",
        "NOMATRON_HOST": "0.0.0.0",
    }

    settings, problems = read_leniently(given)

    names = sorted(line.partition(":")[0] for line in problems)
    assert names == ["NOMATRON_LEASE_SECONDS", "PORT", "SLACK_BOT_TOKEN_FILE"]
    assert (settings.port, settings.lease_seconds, settings.host) == (3000, 60, "0.0.0.0")
    with pytest.raises(SettingsInvalid) as error:
        read(given)
    assert str(error.value).splitlines() == list(problems)


def test_only_the_given_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "http")

    assert read({}).port == 3000
    assert read_leniently()[1] == ("PORT: Input should be a valid integer, unable to parse string as an integer",)


def test_a_process_for_slack_has_what_slack_needs() -> None:
    settings = read(SLACK)

    assert settings.for_slack() is settings


@pytest.mark.parametrize(
    ("given", "problems"),
    [
        ({}, ["SLACK_BOT_TOKEN is not set: set", "SLACK_SIGNING_SECRET is not set: set"]),
        (SLACK | {"SLACK_APP_TOKEN": "xapp-1"}, ["SLACK_APP_TOKEN is set, but Socket Mode isn't available yet"]),
        (SLACK | {"SLACK_SIGNING_SECRET": "a,b,c"}, ["SLACK_SIGNING_SECRET has more than two secrets"]),
    ],
)
def test_a_process_for_slack_says_what_it_lacks(given: dict[str, str], problems: list[str]) -> None:
    with pytest.raises(SettingsInvalid) as error:
        read(given).for_slack()

    for line, problem in zip(str(error.value).splitlines(), problems, strict=True):
        assert line.startswith(problem)


def test_a_file_counts_only_if_the_setting_itself_is_not_set() -> None:
    given = {"A_FILE": "/a", "B": "set", "B_FILE": "/b", "C": "", "C_FILE": "/c", "D_FILE": ""}

    assert files_of(["A", "B", "C", "D", "E"], given) == (Path("/a"), Path("/c"))


def test_the_token_of_a_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "token"
    file.write_text("from the file\n", "utf-8")
    monkeypatch.setenv("TOKEN_EU_FILE", str(file))

    assert token_of(None) is None
    assert token_of("TOKEN_EU") == "from the file"
    monkeypatch.setenv("TOKEN_EU", "from the environment")
    assert token_of("TOKEN_EU") == "from the environment"
    with pytest.raises(SettingsInvalid, match="TOKEN_US is not set: a cluster of the catalog names it"):
        token_of("TOKEN_US")


def test_the_secret_is_created_beside_the_database_once(tmp_path: Path) -> None:
    secret = secret_beside(read({}), tmp_path / "nomatron.db")

    assert re.fullmatch(rb"[0-9a-f]{64}", secret)
    assert secret_beside(read({}), tmp_path / "nomatron.db") == secret
    assert (tmp_path / "nomatron.secret").stat().st_mode & 0o777 == 0o600


def test_a_secret_is_needed_without_such_a_file_and_is_long_enough(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="NOMATRON_SECRET is not set"):
        secret_beside(read({}), None)
    with pytest.raises(SettingsInvalid, match="NOMATRON_SECRET has 5 bytes"):
        secret_beside(read({"NOMATRON_SECRET": "short"}), tmp_path / "nomatron.db")


def test_the_retention_is_a_number_of_days() -> None:
    assert read({}).retention == timedelta(days=90)
    assert read({"NOMATRON_RETENTION_DAYS": "7"}).retention == timedelta(days=7)
    assert read_leniently({"NOMATRON_RETENTION_DAYS": "0"})[1][0].startswith("NOMATRON_RETENTION_DAYS: ")
