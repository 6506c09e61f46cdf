"""The facts of a deploy's message: what it replaces, who requested it, and the approvals it needs and has."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from bot.domain.actor import human_behind
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.plan import JobState
from bot.domain.deploy.sentences import STARTS_STOPPED, maker, takeover
from bot.domain.rollback import in_words
from bot.gateways.blocks.reasons import name_of
from bot.gateways.blocks.replaced import replaced_of
from bot.gateways.blocks.text import block_quote, code, cut, fit, group, link, moment, person, who, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.domain.deploy.approval import Approval, Seat, Seating
    from bot.domain.deploy.message import Card

_MOST_MENTIONED = 10
_MOST_LABELS = 8
_LONGEST_NEEDS = 1000


def replaces_of(card: Card) -> list[str]:
    """Lines on what the deploy replaces, and that it starts a stopped job."""
    plan = card.plan
    if plan is None:
        return []
    before, base = _before(card), plan.base
    name = card.deploy.release_name
    again = f"{code(name, 140)} again. " if card.from_version == name else ""
    lines = [f"{again}*Replaces* {before}" if before else ":seedling: The first version of this job"]
    if base is not None and base.state is JobState.STOPPED:
        lines.append(f":arrow_forward: *{STARTS_STOPPED}*")
    return lines


def takeover_of(card: Card) -> list[str]:
    """Lines on the first deploy of a job that runs already: what was set by hand goes, unless the catalog has it."""
    plan = card.plan
    base = plan.base if plan else None
    if plan is None or base is None or not base.first or base.state is JobState.ABSENT:
        return []
    removed = [cut(each.path[-1], 40) for each in plan.changes if each.kind == "Deleted" and each.path]
    return [":rotating_light: *First deploy over a running job*", words(takeover(base, removed), 800)]


def _before(card: Card) -> str:
    """The version that is replaced, its number in Nomad and who made it; empty if there is none."""
    plan = card.plan
    base = plan.base if plan else None
    if plan is None or (base is not None and base.job_version is None):
        return ""
    before = replaced_of(base, card.from_version)
    if base is None:
        # a plan that is older than the record of its base
        number = "" if plan.base_version is None else f"job version {plan.base_version}"
        return ", ".join(each for each in (before, number) if each)
    return f"{before} ({words(maker(base), 150)}), job version {base.job_version}" if base.is_ours else before


def origin_of(card: Card) -> str:
    """The version before in a few words: ``v1.4.1 (D-3)``; empty if there is none."""
    plan = card.plan
    base = plan.base if plan else None
    before = replaced_of(base, card.from_version)
    if base is not None:
        return f"{before} (D-{base.deploy})" if base.is_ours else before
    return before or (f"job version {plan.base_version}" if plan and plan.base_version is not None else "")


def request_of(card: Card) -> list[str]:
    """Who requested it, where a promoted release comes from, and the reason."""
    deploy = card.deploy
    promoted = f", promoted from *{words(deploy.promotes, 100)}*" if deploy.promotes else ""
    lines = [f"*Requested by* {name_of(deploy.requester)}{promoted}"]
    return [*lines, block_quote(deploy.reason, 1000)] if deploy.reason else lines


def rollback_of(card: Card) -> list[str]:
    """Lines on what a rollback undoes and goes back to, and whose approvals it has; empty for any other deploy."""
    lines = [words(each, 500) for each in in_words(card.deploy)]
    lines[:1] = [f":rewind: *{first}*" for first in lines[:1]]
    given = _given_before(card)
    return [*lines, f":white_check_mark: {given}"] if given else lines


def _given_before(card: Card) -> str:
    """Who approved the deploy that a rollback undoes, if it needs no other approvals."""
    back = card.deploy.rollback
    approvers = back.approvers if back is not None else ()
    return f"D-{back.undoes} was approved by {who(approvers, (), _MOST_MENTIONED)}" if back and approvers else ""


def people_of(card: Card) -> str:
    """Who requested it and whose approvals count, in a few words."""
    given = _given_before(card)
    return " · ".join(each for each in (_people(card), given) if each)


def _people(card: Card) -> str:
    counted = [approval.user.id for approval in card.approvals if not approval.void]
    approved = f" · approved by {who(counted, (), _MOST_MENTIONED)}" if counted else ""
    return f"asked by {name_of(card.deploy.requester)}{approved}"


def resolved_by(card: Card) -> str:
    """Who said what became of the deploy, and as what; empty if nobody had to."""
    by = f" by {name_of(card.resolved_by)}" if card.resolved_by is not None else ""
    return f"resolved{by} as {code(card.deploy.resolution)}" if card.deploy.resolution else ""


def links_of(card: Card) -> str:
    """The links side by side; a very long address is left out rather than cut."""
    shown = [link(url, label) for label, url in card.links.items()]
    return " · ".join([each for each in shown if len(each) <= 300][:3])


def needs_of(card: Card) -> list[str]:
    """How many approvals there are, and a line for each group that still has to give one."""
    seating = card.seating
    if not seating.seats:
        return []
    lines = [f"*Needs* {count_of(seating)}"]
    if card.deploy.status is Status.WAITING:
        lines += list(_missing(seating, human_behind(card.deploy.requester)))
    return [fit(lines, _LONGEST_NEEDS, "_… and more_")]


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
    left = sum(list(counts.values())[_MOST_LABELS:])
    if left:
        yield f":black_square_button: {left} more from other groups"


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
