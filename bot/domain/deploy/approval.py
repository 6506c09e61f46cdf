"""Approvals: seats, who may fill them, and when they are all filled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.access import Group, Membership
from bot.domain.actor import SlackUser
from bot.domain.decision import Allowed, Decision, Reason, Refused, refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One person's yes to one plan. ``void`` says why it no longer counts; empty while it does."""

    deploy_id: int
    plan: int
    user: SlackUser
    at: datetime
    note: str = ""
    void: str = ""


@dataclass(frozen=True, slots=True)
class Seat:
    """One seat of a rule: its label (``sre``, ``owners of checkout``) and the group that may fill it."""

    label: str
    group: Group


@dataclass(frozen=True, slots=True)
class Seating:
    """Who sits where: ``holders[i]`` is the user id in ``seats[i]``, or None."""

    seats: tuple[Seat, ...]
    holders: tuple[str | None, ...]

    @property
    def complete(self) -> bool:
        """Whether every seat is filled; true where there is none."""
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
    """Fill as many seats as can be: one person at most one seat, one seat at most one person.

    A maximum bipartite matching by augmenting paths (Kuhn). Earlier approvers keep a place whenever a matching of the
    largest size allows it; the result is the same whenever the arguments are.
    """
    members = [membership.members(each.group) for each in seats]
    holders: list[str | None] = [None] * len(seats)
    for user in dict.fromkeys(approvers):
        _place(user, members, holders, set())
    return Seating(tuple(seats), tuple(holders))


def _place(user: str, members: Sequence[frozenset[str]], holders: list[str | None], tried: set[int]) -> bool:
    for index, allowed in enumerate(members):
        if user not in allowed or index in tried:
            continue
        tried.add(index)
        holder = holders[index]
        if holder is None or _place(holder, members, holders, tried):
            holders[index] = user
            return True
    return False


def eligible(
    seats: Iterable[Seat], membership: Membership, *, requester: str | None, self_approval: bool
) -> frozenset[str]:
    """Who could fill some seat: members, without those known not to count, and the requester only where allowed."""
    members = {user for each in seats for user in membership.members(each.group)}
    users = frozenset(members - {user for user in members & membership.people.keys() if not membership.counts(user)})
    return users if self_approval or requester is None else users - {requester}


def meetable(seats: Sequence[Seat], membership: Membership, *, requester: str | None, self_approval: bool) -> Decision:
    """Whether all seats could ever be filled, with the numbers where not: said at request, never found out later."""
    users = eligible(seats, membership, requester=requester, self_approval=self_approval)
    best = seat(seats, sorted(users), membership)
    if best.complete:
        return Allowed()
    wanted: dict[str, int] = {}
    for each in seats:
        wanted[each.label] = wanted.get(each.label, 0) + 1
    lines = ", ".join(
        f"{label}: needs {count}, {_able(label, seats, users, membership)} could besides the requester"
        for label, count in wanted.items()
    )
    return refuse(
        "rule-unmeetable", f"This can never be approved as the rules stand ({lines}); one person fills one seat."
    )


def _able(label: str, seats: Sequence[Seat], users: frozenset[str], membership: Membership) -> int:
    group = next(each.group for each in seats if each.label == label)
    return len(users & membership.members(group))


def may_fill(
    user: str,
    seats: Sequence[Seat],
    approvers: Sequence[str],
    membership: Membership,
    *,
    requester: str | None,
    self_approval: bool,
) -> Decision:
    """Whether this person's yes fills one more seat now; refused with who can."""
    now = seat(seats, approvers, membership)
    who = mentions(now.missing or seats, without=None if self_approval else requester)
    standing = membership.standing(user)
    if isinstance(standing, Refused):
        return Refused(tuple(Reason(reason.code, reason.text, **who) for reason in standing.reasons))
    if user == requester and not self_approval:
        return refuse("own-request", "You asked for this deploy, so somebody else has to approve it.", **who)
    if user in approvers:
        return refuse("already-seated", "You have already approved this plan.", **who)
    if not any(user in membership.members(each.group) for each in seats):
        return refuse("not-an-approver", "None of this deploy's approval rules names a group that you are in.", **who)
    if seat(seats, [*approvers, user], membership).filled == now.filled:
        return refuse("no-seat-left", "The seats that you could fill are taken; the missing ones need others.", **who)
    return Allowed()


def mentions(seats: Iterable[Seat], *, without: str | None = None) -> Mapping[str, tuple[str, ...]]:
    """Who can fill these seats, for a ``Reason``; not one who may never (``without``)."""
    groups = [each.group for each in seats]
    return {
        "users": tuple(sorted({user for group in groups for user in group.users} - {without})),
        "groups": tuple(dict.fromkeys(group.usergroup for group in groups if group.usergroup)),
    }
