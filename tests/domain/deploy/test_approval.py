from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.access import Group, Membership
from bot.domain.decision import Allowed, Decision, Reason, Refused
from bot.domain.deploy.approval import (
    Approval,
    PlanMark,
    Seat,
    Seating,
    can_still_fill,
    check_wait,
    eligible,
    is_same_change,
    may_fill,
    meetable,
    mentions,
    seat,
)
from tests.builders import (
    ALICE,
    BOB,
    CAROL,
    GUS,
    NORA,
    SAM,
    SRE,
    a_membership,
    a_person,
    an_approval,
    an_environment,
)
from tests.clocks import NOON

PEOPLE = (ALICE.id, BOB.id, CAROL.id, SAM.id, NORA.id)
SRES = Seat("sre", Group("sre", usergroup=SRE))


def a_seat(label: str, *users: str) -> Seat:
    """A seat of a rule over a fixed list."""
    return Seat(label, Group(label, users=frozenset(users)))


SEATS = st.lists(st.sets(st.sampled_from(PEOPLE)), max_size=5).map(
    lambda groups: [a_seat(f"rule {number}", *users) for number, users in enumerate(groups)]
)
APPROVERS = st.lists(st.sampled_from(PEOPLE), max_size=7)


def largest(seats: list[Seat], approvers: list[str]) -> int:
    """The most seats that these people could fill, by trying every order of theirs."""
    people = list(dict.fromkeys(approvers))
    people += [""] * max(0, len(seats) - len(people))
    return max(
        sum(user in each.group.users for user, each in zip(order, seats, strict=False))
        for order in permutations(people, len(seats))
    )


@given(SEATS, APPROVERS)
def test_as_many_seats_are_filled_as_by_trying_everything(seats: list[Seat], approvers: list[str]):
    seating = seat(seats, approvers, a_membership())

    assert seating.filled == largest(seats, approvers)
    assert seating.complete == (largest(seats, approvers) == len(seats))


@given(SEATS, APPROVERS)
def test_each_holder_approved_belongs_there_and_sits_once(seats: list[Seat], approvers: list[str]):
    seating = seat(seats, approvers, a_membership())

    holders = [user for user in seating.holders if user]
    assert len(holders) == len(set(holders))
    assert set(holders) <= set(approvers)
    assert all(user in each.group.users for each, user in zip(seats, seating.holders, strict=True) if user)
    assert len(seating.missing) + seating.filled == len(seats)


@given(SEATS, APPROVERS)
def test_whoever_sits_keeps_sitting_when_others_approve_later(seats: list[Seat], approvers: list[str]):
    before: set[str] = set()
    for count in range(len(approvers) + 1):
        after = {user for user in seat(seats, approvers[:count], a_membership()).holders if user}
        assert before <= after
        before = after


def test_an_earlier_approver_moves_over_for_one_who_can_sit_in_one_seat_alone():
    seats = [a_seat("any", BOB.id, SAM.id), a_seat("owners", BOB.id)]

    assert seat(seats, [BOB.id], a_membership()).holders == (BOB.id, None)
    assert seat(seats, [BOB.id, SAM.id], a_membership()).holders == (SAM.id, BOB.id)


def test_without_seats_everything_is_filled():
    assert seat([], [BOB.id], a_membership()) == Seating((), ())
    assert Seating((), ()).complete


def test_the_missing_seats_come_in_the_order_of_the_rules():
    seating = seat([a_seat("a", BOB.id), a_seat("b", SAM.id), a_seat("c", NORA.id)], [SAM.id], a_membership())

    assert [each.label for each in seating.missing] == ["a", "c"]


# --- who could -------------------------------------------------------------------------------------------------------


def test_members_could_but_for_the_requester_and_those_known_not_to_count():
    seats = [a_seat("any", ALICE.id, BOB.id, GUS.id, "U0UNKNOWN"), SRES]
    membership = a_membership(a_person(BOB, deleted=True))

    could = eligible(seats, membership, requester=ALICE.id, self_approval=False)

    assert could == {"U0UNKNOWN", SAM.id}
    assert eligible(seats, membership, requester=ALICE.id, self_approval=True) == could | {ALICE.id}
    assert eligible(seats, membership, requester=None, self_approval=False) == could | {ALICE.id}


def ever(*seats: Seat, requester: str | None = ALICE.id, self_approval: bool = False) -> Decision:
    return meetable(seats, a_membership(), requester=requester, self_approval=self_approval)


def test_a_rule_that_can_be_met_is_allowed():
    assert ever() == Allowed()
    assert ever(a_seat("any", BOB.id), SRES) == Allowed()
    assert ever(a_seat("own", ALICE.id), self_approval=True) == Allowed()


def test_two_seats_of_a_group_of_two_with_the_requester_in_it_can_never_be_met():
    pair = a_seat("pair", ALICE.id, BOB.id)

    refusal = ever(pair, pair)

    assert isinstance(refusal, Refused)
    assert refusal.codes == ("rule-unmeetable",)
    assert "pair has to approve 2 times, but only 1 person there can." in refusal.reasons[0].text
    assert ever(pair, pair, requester=CAROL.id) == Allowed()


def test_a_group_of_the_requester_alone_or_of_nobody_who_counts_can_never_approve():
    alone, guests = ever(a_seat("sre", ALICE.id)), ever(a_seat("visitors", GUS.id))

    assert isinstance(alone, Refused)
    assert alone.reasons[0].text == "Nobody can approve this: you are the only member of sre."
    assert isinstance(guests, Refused)
    assert guests.reasons[0].text == "Nobody can approve this: visitors has no member who can approve."


def test_one_person_cannot_fill_the_seats_of_two_rules():
    refusal = ever(a_seat("a", BOB.id), a_seat("b", BOB.id))

    assert isinstance(refusal, Refused)
    assert "each person counts once, and too few people are in a and b." in (refusal.reasons[0].text)


# --- one more --------------------------------------------------------------------------------------------------------


def fills(user: str, *approvers: str, self_approval: bool = False) -> Decision:
    """Whether one more yes fills a seat of two; Alice asked."""
    seats = [a_seat("any", ALICE.id, BOB.id, CAROL.id, GUS.id), SRES]
    return may_fill(user, seats, approvers, a_membership(), requester=ALICE.id, self_approval=self_approval)


def test_a_yes_that_fills_one_more_seat_counts():
    assert fills(BOB.id) == Allowed()
    assert fills(SAM.id, BOB.id) == Allowed()
    assert fills(ALICE.id, self_approval=True) == Allowed()


@pytest.mark.parametrize(
    ("user", "approvers", "code"),
    [
        (GUS.id, (), "person-guest"),
        ("U0UNKNOWN", (), "person-unknown"),
        (ALICE.id, (), "own-request"),
        (BOB.id, (BOB.id,), "already-seated"),
        (NORA.id, (), "not-an-approver"),
        (CAROL.id, (BOB.id,), "no-seat-left"),
    ],
)
def test_any_other_yes_is_refused_with_the_reason(user: str, approvers: tuple[str, ...], code: str):
    refusal = fills(user, *approvers)

    assert isinstance(refusal, Refused)
    assert refusal.codes == (code,)


@pytest.mark.parametrize("user", [GUS.id, ALICE.id, NORA.id])
def test_every_refusal_says_who_can_and_never_names_the_requester(user: str):
    refusal = fills(user)

    assert isinstance(refusal, Refused)
    (reason,) = refusal.reasons
    assert (reason.users, reason.groups) == ((BOB.id, CAROL.id, GUS.id), (SRE,))


def test_once_some_seats_are_filled_only_those_for_the_missing_ones_are_named():
    refusal = fills(NORA.id, BOB.id)

    assert isinstance(refusal, Refused)
    assert (refusal.reasons[0].users, refusal.reasons[0].groups) == ((), (SRE,))


def test_mentions_name_each_once():
    seats = [SRES, SRES, a_seat("any", BOB.id), a_seat("more", BOB.id, SAM.id)]

    assert mentions(seats) == {"users": (BOB.id, SAM.id), "groups": (SRE,)}
    assert mentions(seats, without=SAM.id)["users"] == (BOB.id,)


def test_groups_that_slack_did_not_tell_of_are_empty():
    silent = Membership(team="T", at=a_membership().at, usergroups={}, people={})

    assert not seat([SRES], [SAM.id], silent).complete


def marks(*plans: tuple[str, bool]) -> list[PlanMark]:
    """A deploy's plans from the first on: fingerprint, and whether it changed what the plan before it did."""
    return [PlanMark(number, *plan) for number, plan in enumerate(plans, 1)]


@pytest.mark.parametrize(
    ("plans", "seen", "same"),
    [
        ([("a", False)], 1, True),
        ([("a", False), ("a", False)], 1, True),
        ([("a", False), ("b", True)], 1, False),
        ([("a", False), ("b", True), ("a", True)], 1, True),
        ([("a", False), ("b", True), ("a", True)], 2, False),
        # the second fingerprint is of another form, made by a newer version of Nomatron
        ([("a", False), ("2:a", False)], 1, True),
        ([("a", False), ("2:a", False), ("2:b", True)], 1, False),
        ([("a", False)], 0, False),
        ([("a", False)], 2, False),
    ],
)
def test_plans_are_for_the_same_change_by_fingerprint_or_if_none_moved_it(
    plans: list[tuple[str, bool]], seen: int, *, same: bool
):
    assert is_same_change(marks(*plans), seen, len(plans)) is same


def test_a_plan_that_is_not_there_is_for_no_change():
    assert not is_same_change(marks(("a", False)), 1, 2)


# --- who still can ---------------------------------------------------------------------------------------------------


@given(SEATS, APPROVERS)
def test_whoever_still_can_fills_one_more_seat_and_nobody_else_does(seats: list[Seat], approvers: list[str]):
    membership = a_membership()
    counted = [user for user in approvers if membership.counts(user)]

    able = can_still_fill(seats, counted, membership, requester=None, self_approval=False)

    for user in PEOPLE:
        more = largest(seats, [*counted, user]) > largest(seats, counted)
        assert (user in able) == (more and membership.counts(user))


def test_the_requester_still_can_only_where_that_is_allowed():
    seats, membership = [a_seat("any", ALICE.id)], a_membership()

    assert can_still_fill(seats, [], membership, requester=ALICE.id, self_approval=False) == frozenset()
    assert can_still_fill(seats, [], membership, requester=ALICE.id, self_approval=True) == {ALICE.id}


# --- the wait after the last approval --------------------------------------------------------------------------------

TEN = timedelta(minutes=10)


def wait_of(*approvals: Approval, now: datetime, wait: timedelta = TEN, blocked: tuple[Reason, ...] = ()) -> Decision:
    """The wait in staging if these approvals fill two seats, in this order."""
    seats = (Seat("a", Group("a")), Seat("b", Group("b")))
    seating = Seating(seats, (BOB.id, SAM.id))
    return check_wait(an_environment(wait=wait), seating, approvals, blocked, now)


def over_at(decision: Decision) -> datetime | None:
    assert isinstance(decision, Refused)
    assert decision.codes == ("wait-not-over",)
    return decision.reasons[0].possible_at


def test_the_wait_begins_with_the_last_approval_and_ends_at_its_instant():
    given = (an_approval(user=BOB, at=NOON + timedelta(minutes=3)), an_approval(user=SAM, at=NOON))
    over = NOON + timedelta(minutes=13)

    early = wait_of(*given, now=over - timedelta(microseconds=1))

    assert over_at(early) == over
    assert isinstance(early, Refused)
    assert early.reasons[0].text == "staging starts a deploy 10m after its last approval."
    assert wait_of(*given, now=over) == Allowed()


def test_approvals_that_fill_no_seat_do_not_begin_it_anew():
    later = NOON + timedelta(hours=1)
    given = (an_approval(user=BOB, at=NOON), an_approval(user=CAROL, at=later))

    assert wait_of(*given, an_approval(user=SAM, at=later, void="retracted"), now=NOON + TEN) == Allowed()


def test_without_approvals_or_a_wait_there_is_none():
    assert wait_of(now=NOON) == Allowed()
    assert wait_of(an_approval(user=BOB, at=NOON), now=NOON, wait=timedelta(0)) == Allowed()


def test_a_clock_that_ran_ahead_at_the_approval_costs_one_wait_at_most():
    ahead = an_approval(user=BOB, at=NOON + timedelta(days=1))
    first = wait_of(ahead, now=NOON)
    assert over_at(first) == NOON + TEN

    assert isinstance(first, Refused)
    others = (Reason("turn", "D-2 goes first."), Reason("wait-not-over", "an older form"))
    again = wait_of(ahead, now=NOON + timedelta(minutes=5), blocked=(*others, *first.reasons))

    assert over_at(again) == NOON + TEN
    assert wait_of(ahead, now=NOON + TEN, blocked=first.reasons) == Allowed()
