"""Rules that can be met: one person fills one seat, and a requester none of their own."""

from __future__ import annotations

CHECKOUT = "services/checkout.yaml"


def give(folder, rules, *, owners="[U0ALICE001, U0BOB00001]", own="false"):
    folder.change("[U0ALICE001, U0BOB00001, U0CAROL001]", f"{owners}}}\n  lead: {{users: [U0CAROL001]")
    folder.change(
        "approvals: [{from: sre, count: 1}, {from: service.owners}]",
        f"approvals: {rules}\n    self_approval: {own}",
    )


def test_more_seats_than_people_can_never_be_filled(folder):
    give(folder, "[{from: owners, count: 3}]")

    (finding,) = folder.errors()
    assert finding == (
        "services/checkout.yaml:12: no request can ever be approved for checkout in production: the rules have 3 "
        "seats over fixed lists and one person fills one seat, the requester none; add people to the lists, or "
        "lower a `count`"
    )


def test_two_rules_share_their_people(folder):
    give(folder, "[{from: owners, count: 2}, {from: service.owners, count: 1}]")

    assert "no request can ever be approved for checkout in production" in folder.errors()[0]


def test_a_rule_of_the_placement_comes_on_top(folder):
    give(folder, "[{from: owners, count: 2}]")
    assert folder.errors() == []

    folder.change("channel: C0CHECKOUT}", "approvals: [{from: owners}]}", file=CHECKOUT)
    assert "the rules have 3 seats" in folder.errors()[0]


def test_some_requesters_in_the_way_of_their_own_request_is_a_warning(folder):
    give(folder, "[{from: owners, count: 2}]")

    (warning,) = folder.warnings()
    assert warning == (
        "services/checkout.yaml:12: what U0ALICE001, U0BOB00001 asks for checkout in production can never be "
        "approved: the rules have 2 seats over fixed lists, without the requester's own; add people to the lists, "
        "or lower a `count`"
    )


def test_self_approval_takes_nobody_out(folder):
    give(folder, "[{from: owners, count: 2}]", own="true")

    assert folder.warnings() == []


def test_where_only_the_one_approver_may_ask_nobody_can_be_approved(folder):
    give(folder, "[{from: lead}]")
    folder.change("- {group: developers, may: [request, promote]}", "- {group: lead, may: [request]}")
    folder.change("may: [request, promote, withdraw", "may: [promote, withdraw")

    assert "no request can ever be approved for checkout in production" in folder.errors()[0]


def test_where_no_role_lets_anybody_ask_an_outsider_is_thought_of(folder):
    give(folder, "[{from: lead}]")
    folder.change("- {group: developers, may: [request, promote]}", "- {group: lead, may: [promote]}")
    folder.change("may: [request, promote, withdraw", "may: [promote, withdraw")

    assert folder.errors() == []


def test_user_groups_are_judged_when_somebody_asks(folder):
    give(folder, "[{from: sre, count: 9}, {from: owners}]")

    assert folder.warnings() == []


def test_no_count_is_too_large_to_be_judged(folder):
    give(folder, "[{from: owners, count: 999999999}]")

    assert any("no request can ever be approved" in each for each in folder.errors())
