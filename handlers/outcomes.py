"""The one table from error or refusal code to its outcome on every surface: HTTP status, Slack's sign, exit status."""

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
class Outcome:
    """What a code means to a REST caller, to a reader in Slack, and to a shell."""

    status: int
    emoji: str
    exit: int


_NOT_ALLOWED = Outcome(403, _LOCK, REFUSED)
_NOT_UNDERSTOOD = Outcome(422, _ASK, REFUSED)
_NOT_FOUND = Outcome(404, _ASK, REFUSED)
_TOO_LATE = Outcome(409, _LATE, REFUSED)
_HELD = Outcome(409, _WAIT, REFUSED)
_UNAVAILABLE = Outcome(503, _WAIT, AGAIN)
_BUG = Outcome(500, _BROKE, BROKEN)

OUTCOMES: Final[Mapping[str, Outcome]] = {
    **dict.fromkeys(
        (
            "person-deactivated", "person-bot", "person-foreign", "person-guest", "person-unknown", "nobody-behind",
            "not-a-person", "no-permission", "own-request", "not-an-approver", "not-the-requester", "rule-unmeetable",
        ),
        _NOT_ALLOWED,
    ),
    **dict.fromkeys(
        (
            "actor-form", "day-form", "deploy-form", "deploy-missing", "environment-missing", "environment-twice",
            "help-topic", "missing-variable", "not-settable", "quote-open", "reason-missing", "reason-too-long",
            "reject-reason", "service-missing", "setting-form", "setting-twice", "unexpected-word", "unknown-variable",
            "unknown-word", "version-form", "version-missing", "button-unknown", "day-to-come",
            "digest-form", "person-form",
        ),
        _NOT_UNDERSTOOD,
    ),
    **dict.fromkeys(
        ("unknown-service", "unknown-environment", "unknown-deploy", "not-deployed-there", "digest-missing"), _NOT_FOUND
    ),
    **dict.fromkeys(
        (
            "already-seated", "cannot-again", "cannot-approve", "cannot-reject", "cannot-replace", "cannot-replan",
            "cannot-retract", "cannot-withdraw", "catalog-cuts-deploy", "no-seat-left", "nothing-to-retract",
            "stale-plan", "nothing-to-promote", "not-passed", "soak-broken", "passed-too-long-ago", "not-running",
        ),
        _TOO_LATE,
    ),
    **dict.fromkeys(("turn", "seats-missing", "soaking", "outcome-unknown", "outcome-unprovable"), _HELD),
    **dict.fromkeys(("catalog-busy", "team-unknown"), _UNAVAILABLE),
    "not-yet": Outcome(501, _ASK, REFUSED),
    # errors, by their classes' codes
    "error": _BUG,
    "illegal-transition": _BUG,
    "settings-invalid": Outcome(500, _BROKE, BROKEN),
    "catalog-invalid": Outcome(422, _NO, REFUSED),
    "target-gone": _TOO_LATE,
    "catalog-missing": Outcome(503, _ASK, REFUSED),
    "store": _BUG,
    "store-busy": _UNAVAILABLE,
    "store-full": Outcome(507, _BROKE, BROKEN),
    "store-unavailable": _UNAVAILABLE,
    "ambiguous-commit": Outcome(503, _BROKE, AGAIN),
    "stale-fence": Outcome(409, _WAIT, AGAIN),
    "replayed": Outcome(200, "", 0),
    "nomad": Outcome(502, _BROKE, BROKEN),
    "nomad-unavailable": _UNAVAILABLE,
    "nomad-forbidden": Outcome(502, _BROKE, BROKEN),
    "nomad-refused": Outcome(422, _NO, REFUSED),
    "slack": Outcome(502, _BROKE, BROKEN),
    "slack-unavailable": _UNAVAILABLE,
    **dict.fromkeys(
        (
            "slack-refused", "slack-channel-gone", "slack-message-gone", "slack-blocks-refused", "slack-file-refused",
            "slack-plan-required", "slack-app-refused", "slack-token-refused", "slack-scope-missing",
        ),
        Outcome(502, _BROKE, BROKEN),
    ),
    "membership-unknown": _UNAVAILABLE,
}  # fmt: skip

# only what people can do something about, or have to know; all else is a bug, and gets a code
_SENTENCES: Final[Mapping[str, str]] = {
    "catalog-missing": "There is no catalog yet: an operator has to run `nomatron apply` first.",
    "target-gone": "The catalog no longer deploys that service there, so nothing more can be done with this deploy.",
    "store-busy": "The database is busy and nothing was recorded. Try again in a moment.",
    "store-full": "The database is full and nothing was recorded. An operator has to make room.",
    "store-unavailable": "The database cannot be reached and nothing was recorded. Try again in a moment.",
    "ambiguous-commit": "It is not known whether that was recorded: look at `/deploy status` before trying again.",
    "nomad-unavailable": "Nomad does not answer. Try again in a moment.",
    "nomad-forbidden": "Nomad's token does not allow that: an operator has to look at it.",
    "slack-unavailable": "Slack does not answer us right now. Try again in a moment.",
    "membership-unknown": (
        "Slack does not say right now who is in which group, so nothing was counted. Try again in a moment."
    ),
}


def outcome_of(code: str) -> Outcome:
    """The outcome of a code; one that has no row is treated as a bug."""
    return OUTCOMES.get(code, _BUG)


def sentence_of(error: NomatronError) -> str | None:
    """What to tell people of an expected failure; None where the error is a bug that needs a code and a log entry."""
    return _SENTENCES.get(error.code)


def incident() -> str:
    """A short code for something unexpected: shown to the person, and found in the log."""
    return secrets.token_hex(2)
