"""The facts of a deploy's message: environment, version, requester, and the approvals it needs and has."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from bot.domain.actor import CiIdentity, Operator, SlackUser, human_behind
from bot.domain.deploy.deploy import Status
from bot.gateways.blocks.replaced import versions_of
from bot.gateways.blocks.text import code, fit, group, moment, person, who, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.domain.actor import Actor
    from bot.domain.deploy.approval import Approval, Seat, Seating
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.message import Card

_MOST_MENTIONED = 10
_MOST_LABELS = 8
_LONGEST_NEEDS = 1500
_ASKED_FOR = frozenset({Status.WAITING, Status.READY})
"""States in which a message says what approvals the deploy needs."""


def name_of(actor: Actor) -> str:
    """Who acted: a mention if there is a person behind it."""
    user = human_behind(actor)
    match actor:
        case SlackUser(id=known):
            return person(known)
        case CiIdentity(subject=subject):
            return f"{person(user)} by {code(subject, 150)}" if user else code(subject, 150)
        case Operator(name=name):
            return f"{code(name, 80)} on the host"
        case _:
            return "Nomatron"


def facts_of(card: Card) -> list[str]:
    """The texts of the section with a deploy's facts, one for each column cell."""
    deploy = card.deploy
    where = f"{words(deploy.environment, 100)} · namespace {code(card.namespace, 100)}"
    job = "" if card.job == deploy.service else f"\njob {code(card.job, 150)}"
    facts = [
        f"*Version*\n{_versions(card)}",
        f"*Requested by*\n{name_of(deploy.requester)}{_promoted_from(deploy)}",
        f"*Environment*\n{where}{job}",
    ]
    if card.seating.seats and deploy.status in _ASKED_FOR:
        facts.append(_needs(card))
    if deploy.overrides:
        facts.append(fit(["*Variables*", *_settings(card)], 600))
    return facts


def _promoted_from(deploy: Deploy) -> str:
    """Where a promoted release comes from."""
    return f"\npromoted from *{words(deploy.promotes, 100)}*" if deploy.promotes else ""


def _versions(card: Card) -> str:
    base = card.plan.base if card.plan else None
    said = versions_of(base, card.from_version, card.deploy.release_name)
    if card.plan is None or card.from_version or (base is not None and base.job_version is not None):
        return said
    # a plan that is older than `base` knows the number alone
    number = card.plan.base_version
    return f"{said}, the first version of this job" if number is None else f"job version {number} → {said}"


def _settings(card: Card) -> Iterator[str]:
    for name, value in sorted(card.deploy.overrides.items())[:10]:
        yield code(f"{name}={value}", 100)


def _needs(card: Card) -> str:
    """How many approvals there are, and a line for each group that still has to give one."""
    seating = card.seating
    lines = [f"*Needs*\n{count_of(seating)}"]
    if card.deploy.status is Status.WAITING:
        lines += list(_missing(seating, human_behind(card.deploy.requester)))
    return fit(lines, _LONGEST_NEEDS)


def count_of(seating: Seating) -> str:
    """``1 of 2 approvals``."""
    total = len(seating.seats)
    return f"{seating.filled} of {total} {'approval' if total == 1 else 'approvals'}"


def _missing(seating: Seating, requester: str | None) -> Iterator[str]:
    """A line for each group whose approvals are missing. No group or person is mentioned twice."""
    mentioned: set[str] = set()
    counts = Counter(seat.label for seat in seating.missing)
    for label, count in list(counts.items())[:_MOST_LABELS]:
        seat = next(each for each in seating.missing if each.label == label)
        fresh = _mentions(seat, requester, mentioned)
        yield f":black_square_button: {count} more from {words(label, 100)}" + (f" — {fresh}" if fresh else "")


def _mentions(seat: Seat, requester: str | None, mentioned: set[str]) -> str:
    if seat.group.usergroup:
        found = [] if seat.group.usergroup in mentioned else [seat.group.usergroup]
        mentioned.update(found)
        return "".join(group(each) for each in found)
    # a fixed list has no handle to mention, so its people are mentioned; a requester may not approve their own request
    users = sorted(user for user in seat.group.users if user not in mentioned and user != requester)
    mentioned.update(users)
    return who(users, (), _MOST_MENTIONED)


def approvals_of(card: Card) -> list[str]:
    """A line for each approval of the current plan: by whom, for which seat, when, or why it no longer counts."""
    labels = {
        holder: seat.label for seat, holder in zip(card.seating.seats, card.seating.holders, strict=True) if holder
    }
    return [_approval(each, labels) for each in card.approvals]


def _approval(approval: Approval, labels: dict[str, str]) -> str:
    name, at = person(approval.user.id), moment(approval.at)
    # a void approval stays on the message, so that the approver sees that it no longer counts
    if approval.void:
        return f":heavy_minus_sign: the approval by {name}, {at}, no longer counts: {words(approval.void, 200)}"
    label = labels.get(approval.user.id)
    seat = f" for {words(label, 100)}" if label else ""
    note = f" — “{words(approval.note, 200)}”" if approval.note else ""
    return f":white_check_mark: approved by {name}{seat}, {at}{note}"
