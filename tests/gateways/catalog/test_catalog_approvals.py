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

    (issue,) = folder.errors()
    assert issue == (
        "services/checkout.yaml:12: nobody could ever get checkout approved in production: the rules need 3 "
        "approvals from fixed lists, and one person can give only one (the requester none); add people to the lists, "
        "or lower a `count`"
    )


def test_two_rules_share_their_people(folder):
    give(folder, "[{from: owners, count: 2}, {from: service.owners, count: 1}]")

    assert "nobody could ever get checkout approved in production" in folder.errors()[0]


def test_a_placements_rules_are_added(folder):
    give(folder, "[{from: owners, count: 2}]")
    assert folder.errors() == []

    folder.change("channel: C0CHECKOUT}", "approvals: [{from: owners}]}", file=CHECKOUT)
    assert "the rules need 3 approvals" in folder.errors()[0]


def test_rules_that_only_some_requesters_can_meet_are_a_warning(folder):
    give(folder, "[{from: owners, count: 2}]")

    (warning,) = folder.warnings()
    assert warning == (
        "services/checkout.yaml:12: a request by U0ALICE001 or U0BOB00001 for checkout in production can never "
        "be approved: the rules need 2 approvals from fixed lists, and the requester cannot give one; add people to "
        "the lists, or lower a `count`"
    )


def test_with_self_approval_the_requester_counts(folder):
    give(folder, "[{from: owners, count: 2}]", own="true")

    assert folder.warnings() == []


def test_if_only_the_one_approver_may_request_nobody_can_be_approved(folder):
    give(folder, "[{from: lead}]")
    folder.change("- {group: developers, may: [request, promote]}", "- {group: lead, may: [request]}")
    folder.change("may: [request, promote, withdraw", "may: [promote, withdraw")

    assert "nobody could ever get checkout approved in production" in folder.errors()[0]


def test_if_no_role_lets_anybody_request_the_requester_may_be_an_outsider(folder):
    give(folder, "[{from: lead}]")
    folder.change("- {group: developers, may: [request, promote]}", "- {group: lead, may: [promote]}")
    folder.change("may: [request, promote, withdraw", "may: [promote, withdraw")

    assert folder.errors() == []


def test_rules_over_user_groups_wait_for_a_request(folder):
    give(folder, "[{from: sre, count: 9}, {from: owners}]")

    assert folder.warnings() == []


def test_a_huge_count_is_checked_too(folder):
    give(folder, "[{from: owners, count: 999999999}]")

    assert any("nobody could ever get checkout approved" in each for each in folder.errors())
