"""The findings of ``nomatron doctor``, and those that every check shares: a failed check, and a wrong clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.multierror import one_line
from bot.errors import NomatronError

CLOCKS_APART = timedelta(seconds=60)
"""The largest difference between two clocks that is ok; 300 s break Slack (docs/slack-platform.md, "Signatures")."""

LONGEST = 400


class Severity(StrEnum):
    """How bad a finding is. Only an error makes ``doctor`` exit with 1."""

    ERROR = "error"
    WARNING = "warning"
    UNKNOWN = "unknown"
    OK = "ok"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of ``doctor``: the subject, the problem, and the fix.

    If the severity is OK, ``text`` says what is ok and ``fix`` is empty; otherwise ``text`` is the problem.
    """

    subject: str
    text: str
    fix: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        fix = f"; {self.fix}" if self.fix else ""
        return f"{self.severity.value}: {self.subject}: {one_line(self.text, LONGEST)}{fix}"


def ok(subject: str, text: str) -> Finding:
    """A finding that something is as it should be."""
    return Finding(subject, text, severity=Severity.OK)


def warning(subject: str, problem: str, fix: str) -> Finding:
    """A finding about something that works, but should be changed."""
    return Finding(subject, problem, fix, Severity.WARNING)


def unknown(subject: str, problem: str, fix: str) -> Finding:
    """A finding about something that could not be checked; ``fix`` says how to make it possible."""
    return Finding(subject, problem, fix, Severity.UNKNOWN)


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether any of the findings is an error."""
    return any(each.severity is Severity.ERROR for each in findings)


_FIXES: Mapping[str, str] = {
    "settings-invalid": "set it for this process (docs/settings.md)",
    "store-busy": "run doctor again",
    "store-full": "free some disk space",
    "store-unavailable": "check that the database runs, and that NOMATRON_DATABASE_URL is correct",
    "nomad-unavailable": "check the cluster's address and ca_file in the catalog, and the network",
    "nomad-forbidden": "name a valid token in the cluster's token_env, with the policy from docs/install.md",
    "nomad-refused": "correct the template, or its variables in the catalog",
    "slack-unavailable": "check the network, SLACK_API_URL and Slack's status page, then run doctor again",
    "slack-token-refused": "install the app, and set SLACK_BOT_TOKEN to the token from its OAuth & Permissions page",
    "slack-scope-missing": "paste the output of `nomatron manifest --url URL` into the app, then reinstall it",
    "slack-plan-required": "list the people in the catalog instead (users: [U…]), or upgrade the workspace's plan",
}


def check_failure(subject: str, error: NomatronError) -> Finding:
    """The finding for a check that raised one of our errors: the error's text, and the fix for its code."""
    problem = str(error).removeprefix(f"{subject} ")
    return Finding(subject, problem, _FIXES.get(error.code, "look it up in docs/doctor.md"))


def check_timeout(subject: str, seconds: float) -> Finding:
    """The finding for a check that took too long."""
    return Finding(subject, f"the check took longer than {seconds:.0f} s", "check the network, then run doctor again")


def check_bug(subject: str, error: BaseException) -> Finding:
    """The finding for a check that crashed. It is a finding so that the other checks still run."""
    return Finding(subject, f"the check crashed: {type(error).__name__}: {error}", "report it as a bug in doctor")


def clocks(subject: str, theirs: datetime | None, ours: datetime) -> Finding:
    """Whether a server's clock (the Date header of its answer) agrees with ours."""
    if theirs is None:
        problem = "its answer has no Date header, so the clocks cannot be compared"
        return unknown(subject, problem, "check that no proxy removes the header")
    apart = abs(ours - theirs)
    if apart <= CLOCKS_APART:
        return ok(subject, f"its clock and ours are {apart.total_seconds():.0f} s apart")
    behind = "behind" if ours < theirs else "ahead of"
    return Finding(
        subject,
        f"this host's clock is {apart.total_seconds():.0f} s {behind} its clock ({theirs:%Y-%m-%d %H:%M:%S} UTC); "
        "at 300 s, every request from Slack is rejected",
        "synchronize both clocks with NTP",
    )
