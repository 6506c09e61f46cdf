from __future__ import annotations

from datetime import timedelta

import pytest

from bot import errors
from bot.domain.diagnosis.finding import (
    Finding,
    Severity,
    broken,
    clocks,
    troubled,
    unexpected,
    unfinished,
    untold,
    warning,
    well,
)
from tests.clocks import NOON


def test_a_finding_is_one_line_with_its_mend() -> None:
    assert str(Finding("cluster eu", "a\nb", "mend it")) == "error: cluster eu: a; b; mend it"
    assert str(well("cluster eu", "answers")) == "well: cluster eu: answers"
    assert str(warning("x", "y", "z")) == "warning: x: y; z"
    assert str(untold("x", "y", "z")) == "cannot be told: x: y; z"
    assert len(str(Finding("x", "y" * 1000))) < 420


def test_only_an_error_is_trouble() -> None:
    others = [well("x", "y"), warning("x", "y", "z"), untold("x", "y", "z")]

    assert not troubled(others)
    assert troubled([*others, Finding("x", "y", "z")])


@pytest.mark.parametrize(
    ("error", "mend"),
    [
        (errors.TokenRefused("invalid_auth"), "install the app, and set SLACK_BOT_TOKEN"),
        (errors.ScopeMissing("missing_scope", "needs channels:read"), "paste the output of `nomatron manifest"),
        (errors.PlanRequired("plan_upgrade_required"), "name people by fixed lists"),
        (errors.SlackRefused("fatal"), "look it up in docs/doctor.md"),
        (errors.SlackUnavailable("away"), "check the network, SLACK_API_URL"),
        (errors.NomadUnavailable("away"), "check the cluster's address"),
        (errors.NomadForbidden("no"), "give the cluster a token that Nomad knows"),
        (errors.NomadRefused("line 3: no"), "mend the template"),
        (errors.SettingsInvalid("X is not set"), "set it for this process"),
        (errors.StoreUnavailable("gone"), "check that it runs"),
    ],
)
def test_an_error_of_ours_says_its_words_and_a_mend(error: errors.NomatronError, mend: str) -> None:
    found = broken("subject", error)

    assert (found.trouble, found.severity) == (str(error), Severity.ERROR)
    assert found.mend.startswith(mend)


def test_a_subject_is_not_said_twice() -> None:
    found = broken("cluster eu", errors.NomadUnavailable("cluster eu refuses connections"))

    assert str(found).startswith("error: cluster eu: refuses connections; ")


def test_a_check_that_fails_by_itself_is_a_finding_too() -> None:
    assert str(unfinished("x", 30)).startswith("error: x: the check did not end within 30 s; ")
    assert str(unexpected("x", KeyError("y"))).startswith("error: x: the check itself failed: KeyError: 'y'; ")


@pytest.mark.parametrize(
    ("seconds", "severity", "words"),
    [
        (0, Severity.WELL, "0 s apart"),
        (60, Severity.WELL, "60 s apart"),
        (-60, Severity.WELL, "60 s apart"),
        (61, Severity.ERROR, "this host's clock is 61 s behind its clock (2026-11-21 12:01:01 UTC)"),
        (-400, Severity.ERROR, "this host's clock is 400 s ahead of its clock"),
    ],
)
def test_clocks_are_compared(seconds: int, severity: Severity, words: str) -> None:
    found = clocks("slack clock", NOON + timedelta(seconds=seconds), NOON)

    assert found.severity is severity
    assert words in found.trouble


def test_a_server_without_a_date_cannot_be_compared() -> None:
    assert clocks("slack clock", None, NOON).severity is Severity.UNTOLD
