"""How each error and refusal code is shown on every surface: HTTP status, Slack emoji, exit status."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.errors import NomatronError

REFUSED, BROKEN, AGAIN = 1, 2, 75
"""Exit statuses: a rule said no; something broke; try again later (sysexits' EX_TEMPFAIL)."""

_NO, _LOCK, _ASK, _LATE, _WAIT, _BROKE = (
    ":no_entry:", ":lock:", ":grey_question:", ":leftwards_arrow_with_hook:", ":hourglass:", ":rotating_light:",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Presentation:
    """How a code is shown: HTTP status, Slack emoji (``:lock:``), exit status of a command."""

    status: int
    emoji: str
    exit: int


_NOT_ALLOWED = Presentation(403, _LOCK, REFUSED)
_NOT_UNDERSTOOD = Presentation(422, _ASK, REFUSED)
_NOT_FOUND = Presentation(404, _ASK, REFUSED)
_TOO_LATE = Presentation(409, _LATE, REFUSED)
_HELD = Presentation(409, _WAIT, REFUSED)
_UNAVAILABLE = Presentation(503, _WAIT, AGAIN)
_BUG = Presentation(500, _BROKE, BROKEN)

PRESENTATIONS: Final[Mapping[str, Presentation]] = {
    **dict.fromkeys(
        (
            "person-deactivated", "person-bot", "person-elsewhere", "person-foreign", "person-guest", "person-unknown",
            "nobody-behind", "org-wide-installation", "another-workspace", "resolve-own",
            "not-a-person", "no-permission", "own-request", "not-an-approver", "not-the-requester", "rule-unmeetable",
        ),
        _NOT_ALLOWED,
    ),
    **dict.fromkeys(
        (
            "actor-form", "day-form", "deploy-form", "deploy-missing", "environment-missing", "environment-twice",
            "help-topic", "missing-variable", "not-settable", "quote-open", "reason-missing", "reason-too-long",
            "reject-reason", "service-missing", "setting-form", "setting-secret", "setting-twice", "setting-value",
            "resolution-form", "resolve-reason", "too-many-settings", "unexpected-word", "unknown-variable",
            "unknown-word", "version-form", "version-missing", "button-unknown", "day-to-come",
            "digest-form", "person-form", "promotion-missing", "lock-ambiguous", "lock-duration", "lock-form",
            "rollback-form",
        ),
        _NOT_UNDERSTOOD,
    ),
    **dict.fromkeys(
        (
            "unknown-service", "unknown-environment", "unknown-name", "unknown-deploy", "not-deployed-there",
            "digest-missing", "not-locked",
        ),
        _NOT_FOUND,
    ),
    **dict.fromkeys(
        (
            "cannot-resolve", "resolve-version",
            "already-locked",
            "already-seated", "cannot-again", "cannot-approve", "cannot-reject", "cannot-replace", "cannot-replan",
            "cannot-retract", "cannot-withdraw", "catalog-cuts-deploy", "no-seat-left", "nothing-to-retract",
            "already-reverted", "already-runs", "job-not-kept", "no-baseline", "no-predecessor", "rollback-elsewhere",
            "rollback-not-successful", "rolling-back",
            "stale-plan", "nothing-to-promote", "not-passed", "soak-broken", "passed-too-long-ago", "not-running",
            "version-refused",
        ),
        _TOO_LATE,
    ),
    **dict.fromkeys(
        ("locked", "turn", "seats-missing", "soaking", "wait-not-over", "outcome-unknown", "outcome-unprovable"), _HELD
    ),
    **dict.fromkeys(("too-many-open", "too-many-requests"), Presentation(429, _WAIT, AGAIN)),
    **dict.fromkeys(("catalog-busy", "team-unknown", "running-unknown"), _UNAVAILABLE),
    "not-yet": Presentation(501, _ASK, REFUSED),
    # errors, by their classes' codes
    "error": _BUG,
    "illegal-transition": _BUG,
    "settings-invalid": Presentation(500, _BROKE, BROKEN),
    "catalog-invalid": Presentation(422, _NO, REFUSED),
    "target-gone": _TOO_LATE,
    "catalog-missing": Presentation(503, _ASK, REFUSED),
    "store": _BUG,
    "store-busy": _UNAVAILABLE,
    "store-full": Presentation(507, _BROKE, BROKEN),
    "store-unavailable": _UNAVAILABLE,
    "ambiguous-commit": Presentation(503, _BROKE, AGAIN),
    "stale-fence": Presentation(409, _WAIT, AGAIN),
    "replayed": Presentation(200, "", 0),
    "nomad": Presentation(502, _BROKE, BROKEN),
    "nomad-unavailable": _UNAVAILABLE,
    "nomad-forbidden": Presentation(502, _BROKE, BROKEN),
    "nomad-refused": Presentation(422, _NO, REFUSED),
    "slack": Presentation(502, _BROKE, BROKEN),
    "slack-unavailable": _UNAVAILABLE,
    **dict.fromkeys(
        (
            "slack-refused", "slack-channel-gone", "slack-message-gone", "slack-blocks-refused", "slack-file-refused",
            "slack-plan-required", "slack-app-refused", "slack-token-refused", "slack-scope-missing",
        ),
        Presentation(502, _BROKE, BROKEN),
    ),
    "membership-unknown": _UNAVAILABLE,
}  # fmt: skip

# only what people can act on; anything else is a bug, and gets an incident code
_SENTENCES: Final[Mapping[str, str]] = {
    "catalog-missing": "There is no catalog yet. An operator has to run `nomatron apply` first.",
    "target-gone": (
        "The catalog no longer deploys this service there, or deploys it somewhere else, so nothing can be done with "
        "this deploy."
    ),
    "store-busy": "The database is busy, so nothing was recorded. Try again in a moment.",
    "store-full": "The database is full, so nothing was recorded. Ask an operator to free some space.",
    "store-unavailable": "The database is unreachable, so nothing was recorded. Try again in a moment.",
    "ambiguous-commit": (
        "The database did not confirm the change, so it may or may not be recorded. Check `/deploy status` before you "
        "try again."
    ),
    "nomad-unavailable": "Nomad is unreachable. Try again in a moment.",
    "nomad-forbidden": "Nomad refused: our token lacks a permission. Ask an operator to run `nomatron doctor`.",
    "slack-unavailable": "Slack's API is unreachable right now. Try again in a moment.",
    "membership-unknown": (
        "Slack group membership is unavailable right now, so nothing was counted. Try again in a minute."
    ),
}


def presentation_of(code: str) -> Presentation:
    """How a code is shown; one without a row is shown as a bug."""
    return PRESENTATIONS.get(code, _BUG)


def sentence_of(error: NomatronError) -> str | None:
    """A sentence about an expected failure and what to do; None for a bug, which needs an incident code and a log."""
    return _SENTENCES.get(error.code)


def incident() -> str:
    """A short random code for an unexpected failure: the person sees it, and the log has it."""
    return secrets.token_hex(2)
