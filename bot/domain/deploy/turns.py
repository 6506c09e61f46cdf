"""Turns: the deploys of one service in one environment go one at a time, first in, first out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from bot.domain.decision import Allowed, Decision, refuse
from bot.domain.deploy.deploy import Deploy, Status
from bot.domain.deploy.versions import is_older

PLANNING_KEEPS_PLACE: Final = timedelta(seconds=60)
"""How long younger deploys wait for one that is being planned, if nothing holds up its plan."""
_OF_THE_PLACE: Final = frozenset({"turn", "locked"})
"""What holds every deploy of the service there: nobody is passed for it, and the one who asks is held by it too."""


def turn(deploy: Deploy, others: Sequence[Deploy], now: datetime) -> Decision:
    """Whether it is this deploy's turn; ``others`` are the open deploys of its service there.

    One goes at a time, the oldest request first, among those that wait for nothing but Nomatron. A deploy that is being
    planned keeps its place for a while, because a new plan is no reason to lose it. A rollback goes before all others.
    """
    # two registers for one job would race for the same check-and-set index, and one would be planned again
    rolling = _is_rolling(others)
    for other in others:
        if other.status is Status.DISPATCHING or (other.status is Status.ROLLING and not deploy.replaces):
            after = f"{other.number} ({other.release_name}) is {_doing(other)}"
        elif _goes_before(other, deploy) and not _why_held(other, now, rolling=rolling):
            why = "is a rollback" if other.rollback is not None else "was requested earlier"
            after = f"{other.number} ({other.release_name}) {why}"
        else:
            continue
        return refuse("turn", f"{after}. This deploy goes after it, with a new plan.{_step_back(deploy, other)}")
    return Allowed()


def passed_over(deploy: Deploy, others: Sequence[Deploy], now: datetime) -> tuple[tuple[Deploy, str], ...]:
    """The deploys that were requested earlier and still go later, each with what holds it up, as a sentence."""
    rolling = _is_rolling(others)
    return tuple((other, _why_held(other, now, rolling=rolling)) for other in others if _goes_before(other, deploy))


def superseded_by(deploy: Deploy, others: Sequence[Deploy]) -> tuple[Deploy, ...]:
    """The deploys that were requested earlier and of which nothing was sent to Nomad, newest first.

    ``others`` are the open deploys of its service there. A rollback supersedes nothing, and nothing supersedes it: it
    goes first.
    """
    if deploy.rollback is not None:
        return ()
    older = [other for other in others if other.status.undecided and _place(other) < _place(deploy)]
    older = [other for other in older if other.rollback is None]
    return tuple(sorted(older, key=_place, reverse=True))


def _place(deploy: Deploy) -> tuple[datetime, int]:
    # not by approval time: a quick approver must not jump the queue
    return deploy.requested_at, deploy.id


def _is_rolling(others: Sequence[Deploy]) -> bool:
    return any(other.status is Status.ROLLING for other in others)


def _goes_before(other: Deploy, deploy: Deploy) -> bool:
    """Whether the other one comes first and waits neither for people nor for Nomad's rollout of it."""
    return _order(other) < _order(deploy) and other.status in {Status.PLANNING, Status.READY}


def _order(deploy: Deploy) -> tuple[bool, datetime, int]:
    return deploy.rollback is None, *_place(deploy)


def _why_held(other: Deploy, now: datetime, *, rolling: bool) -> str:
    """Why others need not wait for this PLANNING or READY deploy, as a sentence; empty if they have to."""
    # without this a deploy that something else blocks would block all younger ones too
    held = next((reason.text for reason in other.blocked if reason.code not in _OF_THE_PLACE), "")
    if held:
        # Nomad's own words end without a full stop
        return f"{held.rstrip('.')}."
    if rolling and not other.replaces:
        return "It waits until the running rollout has ended."
    # however far the clock has moved since then, and in whichever direction
    if other.status is Status.PLANNING and abs(now - other.changed_at) >= PLANNING_KEEPS_PLACE:
        return "Its new plan takes longer than a minute."
    return ""


def _step_back(deploy: Deploy, other: Deploy) -> str:
    """A sentence if the deploy will replace the version that goes first by an older one."""
    older = is_older(deploy.version, other.version)
    return f" It will replace {other.version} by the older {deploy.version}." if older else ""


def _doing(deploy: Deploy) -> str:
    return "rolling out" if deploy.status is Status.ROLLING else "being dispatched"
