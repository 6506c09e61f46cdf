from __future__ import annotations

import pytest

from bot.domain.access import Grant, Group, Permission, Person, Resource, authorize
from bot.domain.actor import Actor, CiIdentity, Operator, System
from bot.domain.decision import Allowed, Decision, Refused
from tests.builders import ALICE, BOB, DEVELOPERS, GUS, NORA, SAM, TEAM, a_catalog, a_membership, a_person

GROUPS = {
    "developers": Group("developers", usergroup=DEVELOPERS),
    "release": Group("release", users=frozenset({SAM.id, NORA.id})),
}
LOCK = Permission.LOCK


def may(actor: Actor, *grants: Grant, permission: Permission = LOCK, membership=None) -> Decision:
    rules = a_catalog(groups=GROUPS, grants=grants)
    return authorize(actor, permission, Resource("checkout", "production"), rules, membership or a_membership())


def a_grant(group: str = "developers", **changes) -> Grant:
    return Grant(**{"group": group, "may": frozenset({LOCK}), **changes})


def codes(decision: Decision) -> tuple[str, ...]:
    assert isinstance(decision, Refused), decision
    return decision.codes


def test_a_member_of_a_granted_group_may():
    assert may(ALICE, a_grant()) == Allowed()
    assert may(SAM, a_grant("release")) == Allowed()


@pytest.mark.parametrize(
    "grant",
    [
        a_grant(may=frozenset(Permission) - {LOCK}),
        a_grant(environments=frozenset({"staging"})),
        a_grant(services=frozenset({"cart"})),
        a_grant(environments=frozenset()),
        a_grant("release"),
    ],
)
def test_whatever_is_not_granted_is_denied(grant: Grant):
    assert codes(may(ALICE, grant)) == ("no-permission",)


@pytest.mark.parametrize(
    "grant", [a_grant(environments=frozenset({"staging", "production"})), a_grant(services=frozenset({"checkout"}))]
)
def test_a_narrowed_grant_holds_where_it_names_the_place(grant: Grant):
    assert may(ALICE, grant) == Allowed()


def test_without_any_grant_nobody_may():
    assert codes(may(ALICE)) == ("no-permission",)


def test_a_refusal_names_who_could():
    refusal = may(BOB, a_grant("release"), a_grant(services=frozenset({"cart"})))

    assert isinstance(refusal, Refused)
    (reason,) = refusal.reasons
    assert (reason.users, reason.groups) == ((NORA.id, SAM.id), ())
    other = may(NORA, a_grant())
    assert isinstance(other, Refused)
    assert (other.reasons[0].users, other.reasons[0].groups) == ((), (DEVELOPERS,))


@pytest.mark.parametrize("actor", [System("worker"), Operator("root"), CiIdentity("github", "repo")])
def test_without_a_person_behind_it_nothing_is_held(actor: Actor):
    grant = a_grant(may=frozenset({Permission.REQUEST}))
    assert codes(may(actor, grant, permission=Permission.REQUEST)) == ("nobody-behind",)


@pytest.mark.parametrize("permission", Permission)
def test_an_operator_on_the_host_locks_and_resolves_without_slack_and_nothing_else(permission: Permission):
    rules = a_catalog(grants=(a_grant(may=frozenset(Permission)),))

    decision = authorize(Operator("root"), permission, Resource("checkout"), rules, None)

    assert isinstance(decision, Allowed) == (permission in {Permission.LOCK, Permission.RESOLVE})


def test_without_membership_a_person_has_nothing():
    decision = authorize(ALICE, LOCK, Resource(), a_catalog(grants=(a_grant(),)), None)

    assert codes(decision) == ("nobody-behind",)


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        (Resource("checkout", "production"), "checkout in production"),
        (Resource(environment="production"), "everything in production"),
        (Resource(), "everything"),
    ],
)
def test_a_resource_in_words(resource: Resource, words: str):
    assert str(resource) == words


def test_a_pipeline_holds_what_the_person_behind_it_holds():
    assert may(CiIdentity("github", "repo", ALICE.id), a_grant()) == Allowed()
    assert codes(may(CiIdentity("github", "repo", NORA.id), a_grant())) == ("no-permission",)


@pytest.mark.parametrize(
    ("person", "code"),
    [
        (a_person(deleted=True), "person-deactivated"),
        (a_person(bot=True), "person-bot"),
        (a_person(stranger=True), "person-foreign"),
        (Person(ALICE.id, "T0ELSE"), "person-foreign"),
        (Person(ALICE.id, "T0ELSE", teams=frozenset({"T0ELSE"})), "person-elsewhere"),
        # of Slack's two answers, the list of workspaces is the exact one
        (Person(ALICE.id, TEAM, teams=frozenset({"T0ELSE"})), "person-elsewhere"),
        (Person(ALICE.id, TEAM, stranger=True, teams=frozenset({TEAM})), "person-foreign"),
        (Person(ALICE.id, "T0ELSE", guest=True, teams=frozenset({"T0ELSE", TEAM})), "person-guest"),
        (a_person(guest=True), "person-guest"),
    ],
)
def test_who_does_not_count_may_nothing_whatever_their_group(person: Person, code: str):
    assert codes(may(ALICE, a_grant(), membership=a_membership(person))) == (code,)
    assert not a_membership(person).counts(ALICE.id)


def test_on_enterprise_grid_the_home_workspace_does_not_matter():
    colleague = Person(ALICE.id, "T0ELSE", teams=frozenset({"T0ELSE", TEAM}))

    assert may(ALICE, a_grant(), membership=a_membership(colleague)) == Allowed()


def test_who_is_deactivated_and_more_is_told_that_first():
    assert codes(a_person(deleted=True, bot=True, guest=True).standing(TEAM)) == ("person-deactivated",)


def test_one_whom_slack_does_not_know_does_not_count():
    assert codes(a_membership().standing("U0STRANGER")) == ("person-unknown",)
    assert not a_membership().counts("U0STRANGER")


def test_a_user_group_that_was_not_asked_for_is_closed():
    membership = a_membership(usergroups={})

    assert membership.members(GROUPS["developers"]) == frozenset()
    assert membership.members(GROUPS["release"]) == {SAM.id, NORA.id}


def test_a_name_decides_nothing():
    assert a_person(GUS, name="Alice").standing(TEAM) == Allowed()
