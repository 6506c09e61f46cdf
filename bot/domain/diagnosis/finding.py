"""What ``nomatron doctor`` finds: findings, each with its mend, and what a failed check and a clock mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.multierror import one_line
from bot.errors import NomatronError

CLOCKS_APART = timedelta(seconds=60)
"""From here a clock is a finding: at 300 s all Slack's requests are refused (docs/slack-platform.md, "Signatures")."""

LONGEST = 400


class Severity(StrEnum):
    """How bad it is. Only an error makes ``doctor`` end with 1; what cannot be told is said, and is nobody's fault."""

    ERROR = "error"
    WARNING = "warning"
    UNTOLD = "cannot be told"
    WELL = "well"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: about whom, what there is, and how it is mended (empty where all is well)."""

    subject: str
    trouble: str
    mend: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        mend = f"; {self.mend}" if self.mend else ""
        return f"{self.severity.value}: {self.subject}: {one_line(self.trouble, LONGEST)}{mend}"


def well(subject: str, said: str) -> Finding:
    """Something that is as it should be."""
    return Finding(subject, said, severity=Severity.WELL)


def warning(subject: str, trouble: str, mend: str) -> Finding:
    """Something that works, and should be otherwise."""
    return Finding(subject, trouble, mend, Severity.WARNING)


def untold(subject: str, trouble: str, mend: str) -> Finding:
    """Something that could not be looked at; ``mend`` is what would let it be."""
    return Finding(subject, trouble, mend, Severity.UNTOLD)


def troubled(findings: Iterable[Finding]) -> bool:
    """Whether there is anything that has to be mended."""
    return any(each.severity is Severity.ERROR for each in findings)


_MENDS: Mapping[str, str] = {
    "settings-invalid": "set it for this process (docs/settings.md)",
    "store-busy": "run doctor again",
    "store-full": "make room",
    "store-unavailable": "check that it runs, and NOMATRON_DATABASE_URL",
    "nomad-unavailable": "check the cluster's address in the catalog, its CA, and the network between",
    "nomad-forbidden": "give the cluster a token that Nomad knows (token_env), with the policy of docs/install.md",
    "nomad-refused": "mend the template, or the variables that the catalog gives it",
    "slack-unavailable": "check the network, SLACK_API_URL and Slack's own status page, then run doctor again",
}

_SLACK_MENDS: Mapping[str, str] = {
    **dict.fromkeys(
        ("invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"),
        "install the app, and set SLACK_BOT_TOKEN to the bot token of its OAuth & Permissions page",
    ),
    "missing_scope": "paste the output of `nomatron manifest --url URL` into the app, then install it anew",
    "plan_upgrade_required": "name people by fixed lists in the catalog (users: [U…]), or upgrade the workspace's plan",
    "paid_teams_only": "name people by fixed lists in the catalog (users: [U…]), or upgrade the workspace's plan",
}


def broken(subject: str, error: NomatronError) -> Finding:
    """A check that ended in one of our errors: its words, and the mend that its code has."""
    slack = _SLACK_MENDS.get(str(getattr(error, "error", "")))
    said = str(error).removeprefix(f"{subject} ")
    return Finding(subject, said, slack or _MENDS.get(error.code, "look it up in docs/doctor.md"))


def unfinished(subject: str, seconds: float) -> Finding:
    """A check that took too long."""
    return Finding(subject, f"the check did not end within {seconds:.0f} s", "check the network, then run doctor again")


def unexpected(subject: str, error: BaseException) -> Finding:
    """A check that failed by itself: a bug, which hides nothing else."""
    return Finding(subject, f"the check itself failed: {type(error).__name__}: {error}", "report it as a bug of doctor")


def clocks(subject: str, theirs: datetime | None, ours: datetime) -> Finding:
    """Whether a server's clock, by the Date header of its answer, agrees with ours."""
    if theirs is None:
        return untold(subject, "answers without a Date, so the clocks cannot be compared", "let no proxy take it off")
    apart = abs(ours - theirs)
    if apart <= CLOCKS_APART:
        return well(subject, f"its clock and ours are {apart.total_seconds():.0f} s apart")
    behind = "behind" if ours < theirs else "ahead of"
    return Finding(
        subject,
        f"this host's clock is {apart.total_seconds():.0f} s {behind} its clock ({theirs:%Y-%m-%d %H:%M:%S} UTC); "
        "from 300 s on every request of Slack's is refused",
        "let this host, and that server, follow NTP",
    )
