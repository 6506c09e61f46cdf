"""Reminders: when people are told again that a deploy waits for them, and whom that mentions."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.domain.deploy.approval import can_still_fill, mentions
from bot.domain.deploy.message import Note
from bot.domain.durations import short

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.deploy.gates import Facts

_SHARES: Final = (0.5, 0.8)
"""The shares of a deploy's time after which people are reminded: few, or nobody reads them."""
_SHORTEST: Final = timedelta(hours=1)
"""Where deploys wait for less than this, nobody is reminded: the first message is recent enough."""
_FEW: Final = 5
"""Up to so many people are mentioned one by one; a larger group is mentioned as such, and only the last time."""


def due_reminder(facts: Facts, now: datetime) -> bool:
    """Whether the deploy's approvers are due to be reminded, if nothing but approvals holds it."""
    last = _last_mark(facts, now)
    reminded = facts.deploy.reminded_at
    return last is not None and (reminded is None or reminded < last)


def _marks(facts: Facts) -> tuple[datetime, ...]:
    """When the deploy's approvers are reminded: counted back from its expiry, which a changed plan puts off."""
    expires = facts.catalog.environments[facts.deploy.environment].expires
    if expires < _SHORTEST:
        return ()
    return tuple(facts.deploy.expires_at - expires * (1 - share) for share in _SHARES)


def _last_mark(facts: Facts, now: datetime) -> datetime | None:
    return max((mark for mark in _marks(facts) if mark <= now), default=None)


def reminder(facts: Facts, now: datetime) -> Note | None:
    """The note that reminds those who can still approve; None if that would disturb many people too early.

    It mentions neither those who approved nor a requester who must not, unless they are in a large group.
    """
    deploy, missing = facts.deploy, facts.seating.missing
    requester = None if facts.self_approval else facts.requester
    able = can_still_fill(
        facts.seats, facts.approvers, facts.membership, requester=facts.requester, self_approval=facts.self_approval
    )
    labels = ", ".join(dict.fromkeys(seat.label for seat in missing))
    what = f"{deploy.number} ({deploy.service} {deploy.release_name} to {deploy.environment})"
    text = f"{what} expires in {short(deploy.expires_at - now)} and still needs approval from {labels}."
    if able and len(able) <= _FEW:
        return Note(text=text, mention=tuple(sorted(able)))
    is_last = _last_mark(facts, now) == _marks(facts)[-1]
    # to a group that is empty now nobody would listen, but the requester has to know
    if not able:
        return Note(text=text, mention=(facts.requester,) if facts.requester else ()) if is_last else None
    who = mentions(missing, without=requester)
    users = tuple(user for user in who["users"] if user in able)
    return Note(text=text, users=users, groups=who["groups"]) if is_last else None
