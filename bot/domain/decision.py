"""Decisions as values: allowed, or refused with every reason kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """Why not: a stable machine code beside a plain sentence that says what to do.

    ``users`` and ``groups`` (Slack ids) are who could do it instead; surfaces render them as mentions. The sentence is
    plain text: a surface escapes it.
    """

    code: str
    text: str
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Allowed:
    """Nothing speaks against it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A rule said no; never empty."""

    reasons: tuple[Reason, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """The reasons' codes, in order."""
        return tuple(reason.code for reason in self.reasons)


Decision = Allowed | Refused


def refuse(code: str, text: str, *, users: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> Refused:
    """A refusal for one reason."""
    return Refused((Reason(code, text, users, groups),))


def instead(refused: Refused, *, users: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> Refused:
    """The refusal with these people added to each reason: who could do it instead."""
    return Refused(
        tuple(
            Reason(
                reason.code,
                reason.text,
                tuple(dict.fromkeys((*reason.users, *users))),
                tuple(dict.fromkeys((*reason.groups, *groups))),
            )
            for reason in refused.reasons
        )
    )


def every(decisions: Iterable[Decision]) -> Decision:
    """Allowed if all are; otherwise refused with every reason, in order, so that people mend all of them at once."""
    reasons = tuple(reason for each in decisions if isinstance(each, Refused) for reason in each.reasons)
    return Refused(reasons) if reasons else Allowed()
