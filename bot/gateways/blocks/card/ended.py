"""A deploy's message after its end: the result in a line, and for a failure why. All else is in the thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.deploy.deploy import Status
from bot.domain.deploy.dispatch import Result
from bot.domain.deploy.rollout import RolloutKind
from bot.domain.durations import short
from bot.gateways.blocks.card.facts import links_of, origin_of, people_of, resolved_by
from bot.gateways.blocks.card.progress import progress_of
from bot.gateways.blocks.reasons import name_of
from bot.gateways.blocks.text import moment, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.domain.deploy.message import Card
    from bot.domain.deploy.rollout import Rollout

_TOLD_BELOW: Final = frozenset({Status.FAILED, Status.INVALID})
"""Ends whose reason has lines of its own."""
REPOSTED: Final = "reposted: Slack did not confirm the first message"


def result_of(card: Card) -> str:
    """The result, who, when, and how long it took, on one line."""
    return " · ".join(part for part in _parts(card) if part)


def _parts(card: Card) -> Iterator[str]:
    deploy, rollout = card.deploy, _own(card)
    yield _outcome(card, rollout)
    before = origin_of(card)
    if before and rollout is not None:
        yield f"from {before}"
    yield people_of(card)
    yield resolved_by(card)
    yield moment(deploy.changed_at)
    if rollout is None:
        yield f"after {short(deploy.changed_at - deploy.requested_at)}"
    else:
        yield f"took {short(deploy.changed_at - rollout.started_at)}"
        yield links_of(card)
    if card.twice:
        yield REPOSTED


def _outcome(card: Card, rollout: Rollout | None) -> str:
    """What came of it, and by whom if it was a person's decision; empty if lines of its own say that."""
    deploy = card.deploy
    if deploy.status in _TOLD_BELOW:
        return ""
    if rollout is not None and deploy.resolution != Result.SUCCEEDED:
        return _success(rollout) if deploy.status is Status.SUCCEEDED else words(rollout.detail, 300)
    detail = words(deploy.detail, 400)
    by = f"by {name_of(card.ended_by)}" if card.ended_by is not None else ""
    return ": ".join(part for part in (by, detail) if part)


def _own(card: Card) -> Rollout | None:
    return next((each for each in card.rollouts if each.kind is RolloutKind.DEPLOY), None)


def _success(rollout: Rollout) -> str:
    """What runs; a job that nothing runs of yet says what starts it, and never ``0/1 healthy``."""
    if rollout.wanted and rollout.healthy >= rollout.wanted:
        return f"*{rollout.wanted}/{rollout.wanted} healthy*"
    return words(rollout.detail, 300)


def why_of(card: Card) -> list[str]:
    """Lines on why it failed, in Nomad's words, and what Nomad reverted to; and on a landing after the end."""
    deploy, is_told = card.deploy, _own(card) is not None and card.deploy.status is Status.FAILED
    late = any(each.kind is RolloutKind.LATE for each in card.rollouts)
    why = deploy.detail if deploy.status in _TOLD_BELOW and not is_told else ""
    return [
        *([f"*Why* {words(why, 1100)}"] if why else []),
        *(progress_of(card) if is_told or late else []),
    ]
