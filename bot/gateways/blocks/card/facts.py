"""What a deploy's message says of the request: where, which version, who asked, whose yes it needs and has."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from bot.domain.actor import CiIdentity, Operator, SlackUser, human_behind
from bot.domain.deploy.deploy import Status
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
"""States in which approvals are asked for; before there is no plan to approve, afterwards it is history."""


def name_of(actor: Actor) -> str:
    """Who acted, as a mention wherever a person stands behind it."""
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
    """The texts of the facts' section."""
    deploy = card.deploy
    where = f"{words(deploy.environment, 100)} · namespace {code(card.namespace, 100)}"
    job = "" if card.job == deploy.service else f"\njob {code(card.job, 150)}"
    facts = [
        f"*Version*\n{_versions(card)}",
        f"*Requested by*\n{name_of(deploy.requester)}{_promoted(deploy)}",
        f"*Environment*\n{where}{job}",
    ]
    if card.seating.seats and deploy.status in _ASKED_FOR:
        facts.append(_needs(card))
    if deploy.overrides:
        facts.append(fit(["*With*", *_settings(card)], 600))
    return facts


def _promoted(deploy: Deploy) -> str:
    """Where a promoted release comes from."""
    return f"\npromoted from *{words(deploy.promotes, 100)}*" if deploy.promotes else ""


def _versions(card: Card) -> str:
    new = code(card.deploy.version, 140)
    if card.from_version == card.deploy.version:
        return f"{new}, once more"
    if card.from_version:
        return f"{code(card.from_version, 140)} → {new}"
    if card.plan is None:
        return new
    base = card.plan.base_version
    return f"{new}, the first of this job" if base is None else f"job version {base} → {new}"


def _settings(card: Card) -> Iterator[str]:
    for name, value in sorted(card.deploy.overrides.items())[:10]:
        yield code(f"{name}={value}", 100)


def _needs(card: Card) -> str:
    """How many seats are filled, and a line for each label of which some are not."""
    seating = card.seating
    lines = [f"*Needs*\n{_count(seating)}"]
    if card.deploy.status is Status.WAITING:
        lines += list(_missing(seating, human_behind(card.deploy.requester)))
    return fit(lines, _LONGEST_NEEDS)


def _count(seating: Seating) -> str:
    total = len(seating.seats)
    approvals = "approval" if total == 1 else "approvals"
    return f"{total} {approvals}, all there" if seating.complete else f"{seating.filled} of {total} {approvals} so far"


def _missing(seating: Seating, requester: str | None) -> Iterator[str]:
    """A line for each label that is missing; a group that fills several is mentioned once in the whole message."""
    mentioned: set[str] = set()
    counts = Counter(seat.label for seat in seating.missing)
    for label, count in list(counts.items())[:_MOST_LABELS]:
        seat = next(each for each in seating.missing if each.label == label)
        fresh = _mentions(seat, requester, mentioned)
        yield f":black_square_button: {count} of {words(label, 100)}" + (f" — {fresh}" if fresh else "")


def _mentions(seat: Seat, requester: str | None, mentioned: set[str]) -> str:
    if seat.group.usergroup:
        found = [] if seat.group.usergroup in mentioned else [seat.group.usergroup]
        mentioned.update(found)
        return "".join(group(each) for each in found)
    # a fixed list has no handle to call it by, so its people are called, all but the one who may not approve
    users = sorted(user for user in seat.group.users if user not in mentioned and user != requester)
    mentioned.update(users)
    return who(users, (), _MOST_MENTIONED)


def approvals_of(card: Card) -> list[str]:
    """A line for each approval of this plan: who, for which seat, when; or why it no longer counts."""
    labels = {
        holder: seat.label for seat, holder in zip(card.seating.seats, card.seating.holders, strict=True) if holder
    }
    return [_approval(each, labels) for each in card.approvals]


def _approval(approval: Approval, labels: dict[str, str]) -> str:
    name, at = person(approval.user.id), moment(approval.at)
    # a void approval stays on the message: somebody gave it, and has to see that it is gone
    if approval.void:
        return f":heavy_minus_sign: approval of {name}, {at}, no longer counts: {words(approval.void, 200)}"
    label = labels.get(approval.user.id)
    seat = f" for {words(label, 100)}" if label else ""
    note = f" — “{words(approval.note, 200)}”" if approval.note else ""
    return f":white_check_mark: approved by {name}{seat}, {at}{note}"
