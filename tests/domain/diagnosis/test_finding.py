from __future__ import annotations

from datetime import timedelta

import pytest

from bot import errors
from bot.domain.diagnosis.finding import (
    Finding,
    Severity,
    check_bug,
    check_failure,
    check_timeout,
    clocks,
    has_errors,
    ok,
    unknown,
    warning,
)
from tests.clocks import NOON


def test_a_finding_is_one_line_with_its_fix() -> None:
    assert str(Finding("cluster eu", "a\nb", "fix it")) == "error: cluster eu: a; b; fix it"
    assert str(ok("cluster eu", "answers")) == "ok: cluster eu: answers"
    assert str(warning("x", "y", "z")) == "warning: x: y; z"
    assert str(unknown("x", "y", "z")) == "unknown: x: y; z"
    assert len(str(Finding("x", "y" * 1000))) < 420


def test_only_an_error_is_an_error() -> None:
    others = [ok("x", "y"), warning("x", "y", "z"), unknown("x", "y", "z")]

    assert not has_errors(others)
    assert has_errors([*others, Finding("x", "y", "z")])


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (errors.TokenRefused("invalid_auth"), "install the app, and set SLACK_BOT_TOKEN"),
        (errors.ScopeMissing("missing_scope", "needs channels:read"), "paste the output of `nomatron manifest"),
        (errors.PlanRequired("plan_upgrade_required"), "list the people in the catalog instead"),
        (errors.SlackRefused("fatal"), "look it up in docs/doctor.md"),
        (errors.SlackUnavailable("away"), "check the network, SLACK_API_URL"),
        (errors.NomadUnavailable("away"), "check the cluster's address"),
        (errors.NomadForbidden("no"), "name a valid token in the cluster's token_env"),
        (errors.NomadRefused("line 3: no"), "correct the template"),
        (errors.SettingsInvalid("X is not set"), "set it for this process"),
        (errors.StoreUnavailable("gone"), "check that the database runs"),
    ],
)
def test_a_failed_check_has_the_errors_text_and_a_fix(error: errors.NomatronError, fix: str) -> None:
    found = check_failure("subject", error)

    assert (found.text, found.severity) == (str(error), Severity.ERROR)
    assert found.fix.startswith(fix)


def test_the_subject_is_not_repeated() -> None:
    found = check_failure("cluster eu", errors.NomadUnavailable("cluster eu refuses connections"))

    assert str(found).startswith("error: cluster eu: refuses connections; ")


def test_a_slow_or_crashed_check_is_a_finding_too() -> None:
    assert str(check_timeout("x", 30)).startswith("error: x: the check took longer than 30 s; ")
    assert str(check_bug("x", KeyError("y"))).startswith("error: x: the check crashed: KeyError: 'y'; ")


@pytest.mark.parametrize(
    ("seconds", "severity", "words"),
    [
        (0, Severity.OK, "0 s apart"),
        (60, Severity.OK, "60 s apart"),
        (-60, Severity.OK, "60 s apart"),
        (61, Severity.ERROR, "this host's clock is 61 s behind its clock (2026-11-21 12:01:01 UTC)"),
        (-400, Severity.ERROR, "this host's clock is 400 s ahead of its clock"),
    ],
)
def test_clocks_are_compared(seconds: int, severity: Severity, words: str) -> None:
    found = clocks("slack clock", NOON + timedelta(seconds=seconds), NOON)

    assert found.severity is severity
    assert words in found.text


def test_a_server_without_a_date_cannot_be_compared() -> None:
    assert clocks("slack clock", None, NOON).severity is Severity.UNKNOWN
