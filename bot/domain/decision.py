"""Decisions as values: allowed, or refused with all reasons."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is refused: a stable code for programs, and a sentence that says what to do.

    ``users`` and ``groups`` (Slack ids) could do it instead; surfaces show them as mentions. ``possible_at`` is when it
    becomes possible by itself, and ``since`` when it began, if that is known; surfaces show both in their own time
    zone. The sentence is plain text, which the surface must escape. ``setting`` is the name of the setting that the
    reason is about, if it is about one: a form shows it beside that field. ``by`` is the key of the actor who made it
    so, if somebody did.
    """

    code: str
    text: str
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    setting: str = ""
    possible_at: datetime | None = None
    since: datetime | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Every rule allows it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """At least one rule refuses it; ``reasons`` is never empty."""

    reasons: tuple[Reason, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """The reasons' codes, in order."""
        return tuple(reason.code for reason in self.reasons)


Decision = Allowed | Refused


def refuse(code: str, text: str, *, users: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> Refused:
    """A refusal with one reason."""
    return Refused((Reason(code, text, users, groups),))


def instead(refused: Refused, *, users: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> Refused:
    """The refusal, with these people added to each reason as those who could do it instead."""
    return Refused(
        tuple(
            replace(
                reason,
                users=tuple(dict.fromkeys((*reason.users, *users))),
                groups=tuple(dict.fromkeys((*reason.groups, *groups))),
            )
            for reason in refused.reasons
        )
    )


def every(decisions: Iterable[Decision]) -> Decision:
    """Allowed if all are allowed; else refused with all their reasons, so that people can fix everything at once."""
    reasons = tuple(reason for each in decisions if isinstance(each, Refused) for reason in each.reasons)
    return Refused(reasons) if reasons else Allowed()
