"""Approvals: which seats the rules make, who may fill them, and whether all are filled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.access import Group, Membership
from bot.domain.actor import SlackUser
from bot.domain.catalog.environment import Environment
from bot.domain.decision import Allowed, Decision, Reason, Refused, instead, refuse
from bot.domain.deploy.deploy import Deploy
from bot.domain.durations import in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One person's yes to one plan. ``void`` says why it no longer counts, and is empty as long as it counts."""

    deploy_id: int
    plan: int
    user: SlackUser
    at: datetime
    note: str = ""
    void: str = ""


@dataclass(frozen=True, slots=True)
class PlanMark:
    """A plan as far as approvals go: its number, its fingerprint, and whether it changed what the plan before it did.

    A plan that changed nothing kept the approvals, even if another version of Nomatron made its fingerprint.
    """

    number: int
    fingerprint: str
    changed: bool


def is_same_change(marks: Sequence[PlanMark], seen: int, current: int) -> bool:
    """Whether two plans of a deploy are for the same change, so that a yes to one is a yes to the other."""
    by_number = {mark.number: mark for mark in marks}
    if not {seen, current} <= by_number.keys():
        return False
    if by_number[seen].fingerprint == by_number[current].fingerprint:
        return True
    return seen < current and not any(mark.changed for mark in marks if seen < mark.number <= current)


def stale_plan(deploy: Deploy, plan: int | None, marks: Sequence[PlanMark]) -> Decision:
    """Whether the plan that a person saw is for the same change as the current one; None means the current one.

    ``marks`` are those of all plans of the deploy, needed unless the plan is its current one. Each new plan has a new
    number, but a yes or a no is to a change.
    """
    if plan is None or plan == deploy.plan or is_same_change(marks, plan, deploy.plan):
        return Allowed()
    if plan > deploy.plan:
        return refuse("stale-plan", f"{deploy.number} has no plan {plan}. Its current plan is {deploy.plan}.")
    return refuse(
        "stale-plan",
        f"Plan {plan} of {deploy.number} was replaced by plan {deploy.plan}. Look at the new plan first.",
    )


@dataclass(frozen=True, slots=True)
class Seat:
    """One approval that a rule requires: its label (``sre``, ``owners of checkout``) and who may give it."""

    label: str
    group: Group


@dataclass(frozen=True, slots=True)
class Seating:
    """Who fills which seat: ``holders[i]`` is the user id in ``seats[i]``, or None."""

    seats: tuple[Seat, ...]
    holders: tuple[str | None, ...]

    @property
    def complete(self) -> bool:
        """Whether every seat is filled; true if there are no seats."""
        return None not in self.holders

    @property
    def filled(self) -> int:
        """How many seats are filled."""
        return len(self.seats) - self.holders.count(None)

    @property
    def missing(self) -> tuple[Seat, ...]:
        """The empty seats, in the order of the rules."""
        return tuple(seat for seat, holder in zip(self.seats, self.holders, strict=True) if holder is None)


def seat(seats: Sequence[Seat], approvers: Sequence[str], membership: Membership) -> Seating:
    """Fill as many seats as possible: each person fills at most one seat.

    A maximum bipartite matching by augmenting paths (Kuhn). An earlier approver keeps a seat if any largest matching
    allows it. The same arguments always give the same result.
    """
    members = [membership.members(each.group) for each in seats]
    holders: list[str | None] = [None] * len(seats)
    # greedy assignment would refuse approvals: Sam in both groups could take the only seat that Bob may fill
    for user in dict.fromkeys(approvers):
        _place(user, members, holders, set())
    return Seating(tuple(seats), tuple(holders))


def _place(user: str, members: Sequence[frozenset[str]], holders: list[str | None], tried: set[int]) -> bool:
    for index, allowed in enumerate(members):
        if user not in allowed or index in tried:
            continue
        tried.add(index)
        holder = holders[index]
        # the holder may be able to move to another seat
        if holder is None or _place(holder, members, holders, tried):
            holders[index] = user
            return True
    return False


def eligible(
    seats: Iterable[Seat], membership: Membership, *, requester: str | None, self_approval: bool
) -> frozenset[str]:
    """Who could fill a seat: members, except those known not to count, and the requester only if that is allowed."""
    members = {user for each in seats for user in membership.members(each.group)}
    # a group may hold guests and deactivated people (docs/slack-platform.md, "User groups"); members whom the snapshot
    # was not asked about may well count
    users = frozenset(members - {user for user in members & membership.people.keys() if not membership.counts(user)})
    return users if self_approval or requester is None else users - {requester}


def meetable(seats: Sequence[Seat], membership: Membership, *, requester: str | None, self_approval: bool) -> Decision:
    """Whether all seats could ever be filled; refused with the reason why not.

    Checked when a deploy is requested, so that nobody waits for approvals that cannot come.
    """
    users = eligible(seats, membership, requester=requester, self_approval=self_approval)
    # as if everybody had approved: if that is not enough, no smaller number of people is
    best = seat(seats, sorted(users), membership)
    if best.complete:
        return Allowed()
    wanted: dict[str, int] = {}
    for each in seats:
        wanted[each.label] = wanted.get(each.label, 0) + 1
    groups = {each.label: membership.members(each.group) for each in seats}
    short = [_shortage(label, count, groups[label], users, requester) for label, count in wanted.items()]
    why = ", and ".join(each for each in short if each)
    both = f"each person counts once, and too few people are in {' and '.join(wanted)}"
    return refuse("rule-unmeetable", f"Nobody can approve this: {why or both}.")


def _shortage(label: str, count: int, members: frozenset[str], users: frozenset[str], requester: str | None) -> str:
    """Why a group cannot give the approvals that it has to; empty if it can."""
    able = len(users & members)
    if able >= count:
        return ""
    if able:
        return f"{label} has to approve {count} times, but only {able} {'person' if able == 1 else 'people'} there can"
    if requester in members:
        return f"you are the only member of {label}"
    return f"{label} has no member who can approve"


def may_fill(
    user: str,
    seats: Sequence[Seat],
    approvers: Sequence[str],
    membership: Membership,
    *,
    requester: str | None,
    self_approval: bool,
) -> Decision:
    """Whether this person's approval would fill one more seat now; if not, the refusal names people whose would."""
    now = seat(seats, approvers, membership)
    who = mentions(now.missing or seats, without=None if self_approval else requester)
    standing = membership.standing(user)
    if isinstance(standing, Refused):
        return instead(standing, **who)
    if user == requester and not self_approval:
        return refuse("own-request", "You requested this deploy, so somebody else has to approve it.", **who)
    if user in approvers:
        return refuse("already-seated", "You have already approved this plan.", **who)
    if not any(user in membership.members(each.group) for each in seats):
        return refuse("not-an-approver", "You are in none of the groups that may approve this deploy.", **who)
    if seat(seats, [*approvers, user], membership).filled == now.filled:
        return refuse(
            "no-seat-left", "Your groups have already approved. The missing approvals must come from others.", **who
        )
    return Allowed()


def can_still_fill(
    seats: Sequence[Seat],
    approvers: Sequence[str],
    membership: Membership,
    *,
    requester: str | None,
    self_approval: bool,
) -> frozenset[str]:
    """Who could fill one more seat now, other than those who approved already.

    That may be somebody of a group whose seats are filled, if one of its approvers can move to an empty seat.
    """
    filled = seat(seats, approvers, membership).filled
    others = eligible(seats, membership, requester=requester, self_approval=self_approval) - frozenset(approvers)
    return frozenset(user for user in others if seat(seats, [*approvers, user], membership).filled > filled)


def mentions(seats: Iterable[Seat], *, without: str | None = None) -> Mapping[str, tuple[str, ...]]:
    """The ``users`` and ``groups`` that can fill these seats, for a ``Reason``; the user ``without`` is left out."""
    groups = [each.group for each in seats]
    return {
        "users": tuple(sorted({user for group in groups for user in group.users} - {without})),
        "groups": tuple(dict.fromkeys(group.usergroup for group in groups if group.usergroup)),
    }


def check_wait(
    environment: Environment, seating: Seating, approvals: Sequence[Approval], blocked: Sequence[Reason], now: datetime
) -> Decision:
    """Whether the environment's `wait` is over since the last of the approvals that fill a seat; without any, it is.

    ``blocked`` is what held the deploy at the last look.
    """
    given = [each.at for each in approvals if not each.void and each.user.id in seating.holders]
    if not environment.wait or not given:
        return Allowed()
    last = max(given)
    over = min(last, now) + environment.wait
    if last > now:
        # a clock that ran ahead gave it that time: each look must not begin the wait anew
        known = (each.possible_at for each in blocked if each.code == "wait-not-over" and each.possible_at is not None)
        over = min([over, *known])
    if over <= now:
        return Allowed()
    text = f"{environment.name} starts a deploy {in_words(environment.wait)} after its last approval."
    return Refused((Reason("wait-not-over", text, possible_at=over),))
