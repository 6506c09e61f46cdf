from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.access import Grant, Group, Permission
from bot.domain.actor import CiIdentity
from bot.domain.catalog.catalog import SERVICE_OWNERS, Catalog
from bot.domain.catalog.environment import Rule
from bot.domain.decision import Allowed, Decision, Refused
from bot.domain.deploy.approval import PlanMark, stale_plan
from bot.domain.deploy.deploy import Deploy, Status
from bot.domain.deploy.gates import (
    Ask,
    Facts,
    check_ask,
    check_requester,
    check_variables,
    fixed_members,
    interests,
    may_dispatch,
    not_open,
    permission_for,
    seats_for,
    what_holds,
)
from tests.builders import (
    ALICE,
    BOB,
    CAROL,
    DEVELOPERS,
    NORA,
    SAM,
    SRE,
    a_catalog,
    a_deploy,
    a_lock,
    a_membership,
    a_person,
    a_placement,
    a_service,
    an_approval,
    an_environment,
)
from tests.clocks import NOON


def codes(decision: Decision) -> tuple[str, ...]:
    return decision.codes if isinstance(decision, Refused) else ()


def text(decision: Decision) -> str:
    assert isinstance(decision, Refused), decision
    return decision.reasons[0].text


# --- what may be asked -----------------------------------------------------------------------------------------------


def checked(catalog: Catalog | None = None, **changes) -> tuple[str, Decision]:
    fields: dict[str, Any] = {
        "service": "checkout",
        "version": "v1",
        "environment": "staging",
        "overrides": {},
        "reason": None,
    }
    return check_ask(catalog or a_catalog(), Ask(**{**fields, **changes}))


def test_a_well_formed_request_is_allowed_where_it_says():
    assert checked() == ("staging", Allowed())
    assert checked(overrides={"count": 3}, reason="x" * 1000) == ("staging", Allowed())


def test_a_service_with_one_environment_needs_none_named():
    one = a_catalog(services={"checkout": a_service(placements={"production": a_placement("production")})})

    assert checked(one, environment=None) == ("production", Allowed())


def test_with_several_it_has_to_be_said_and_the_choices_are_listed():
    environment, decision = checked(environment=None)

    assert (environment, codes(decision)) == ("", ("environment-missing",))
    assert "`to staging` or `to production`" in text(decision)


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"service": "chekcout"}, "unknown-service", "Did you mean `checkout`? The catalog has checkout."),
        ({"service": "zzz"}, "unknown-service", "There is no service `zzz`. The catalog has checkout."),
        ({"service": "z" * 200}, "unknown-service", f"`{'z' * 80}`."),
        ({"environment": "prodction"}, "unknown-environment", "Did you mean `production`?"),
        ({"version": "a b"}, "version-form", "`a b` isn't a version"),
        ({"reason": "x" * 1001}, "reason-too-long", "1000 characters"),
    ],
)
def test_a_malformed_one_is_refused_in_words(changes: dict, code: str, words: str):
    _, decision = checked(**changes)

    assert codes(decision) == (code,)
    assert words in text(decision)


def test_an_environment_that_the_service_does_not_go_to_is_refused_with_those_it_does():
    catalog = a_catalog(services={"checkout": a_service(placements={"staging": a_placement()})})

    _, decision = checked(catalog, environment="production")

    assert codes(decision) == ("not-deployed-there",)
    assert text(decision) == "The catalog does not deploy checkout to production. Its environments: staging."


def test_an_empty_catalog_has_none():
    assert text(checked(a_catalog(services={}))[1]) == "There is no service `checkout`. The catalog has none."


@pytest.mark.parametrize(("reason", "allowed"), [(None, False), ("", False), (" \n", False), ("because", True)])
def test_a_required_reason_is_more_than_blanks(reason: str | None, allowed: bool):  # noqa: FBT001 -- a parameter
    catalog = a_catalog(environments={"staging": an_environment(reason_required=True)})

    assert codes(checked(catalog, reason=reason)[1]) == (() if allowed else ("reason-missing",))


def test_every_fault_is_said_at_once():
    assert codes(checked(version="", reason="x" * 1001)[1]) == ("version-form", "reason-too-long")


def test_variables_fit_or_every_unknown_and_missing_one_is_named():
    declared, required = frozenset({"version", "count"}), frozenset({"version"})

    assert check_variables({"version": "v1", "count": 2}, declared, required, "web") == Allowed()
    assert check_variables({"version": None}, declared, required, "web") == Allowed()
    wrong = check_variables({"b": 1, "a": 1}, declared, required, "web")
    assert isinstance(wrong, Refused)
    assert [reason.text for reason in wrong.reasons] == [
        "The template web declares no variable a, b.",
        "The template web needs a value for version.",
    ]


def test_a_requester_needs_the_permission_and_rules_that_others_can_meet():
    def asks(actor, environment="production", catalog=None, promotes="") -> tuple[str, ...]:
        return codes(
            check_requester(
                actor,
                permission_for(promotes),
                service="checkout",
                environment=environment,
                catalog=catalog or a_catalog(),
                membership=a_membership(),
            )
        )

    own = {"production": replace(a_catalog().environments["production"], self_approval=True)}
    assert asks(ALICE) == ()
    assert asks(NORA) == ("no-permission",)
    assert asks(CiIdentity("github", "repo")) == ("nobody-behind",)
    assert asks(SAM) == ("rule-unmeetable",)
    assert asks(SAM, "staging") == ()
    assert asks(SAM, catalog=a_catalog(environments=own)) == ()
    assert asks(ALICE, promotes="staging") == ("no-permission",)
    assert asks(SAM, "staging", promotes="staging") == ()


# --- seats and interests ---------------------------------------------------------------------------------------------


def test_each_count_of_each_rule_is_a_seat_the_placements_besides():
    rules = (Rule("sre", 2), Rule(SERVICE_OWNERS))
    catalog = a_catalog(
        environments={"staging": an_environment(approvals=rules)},
        services={"checkout": a_service(placements={"staging": a_placement(approvals=(Rule("sre"),))})},
    )

    seats = seats_for(catalog, "checkout", "staging")

    assert [(seat.label, seat.group.name) for seat in seats] == [
        ("sre", "sre"),
        ("sre", "sre"),
        ("owners of checkout", "developers"),
        ("sre", "sre"),
    ]


def test_only_user_groups_that_matter_there_are_asked_about():
    fixed = Group("release", users=frozenset({SAM.id}))
    grant = Grant("developers", frozenset({Permission.LOCK}), environments=frozenset({"production"}))
    catalog = a_catalog(
        groups={**a_catalog().groups, "release": fixed},
        grants=(grant, Grant("release", frozenset(Permission))),
        environments={
            "staging": an_environment(approvals=(Rule("release"),)),
            "production": an_environment("production", approvals=(Rule("sre"),)),
        },
    )

    assert interests(catalog, "checkout", "production") == {DEVELOPERS, SRE}
    assert interests(catalog, "checkout", "staging") == frozenset()
    assert fixed_members(catalog, "checkout", "staging") == {SAM.id}
    assert fixed_members(catalog, "checkout", "production") == frozenset()


def facts(*approvals, deploy: Deploy | None = None, **changes) -> Facts:
    fields = {
        "fingerprint": "f",
        "catalog": a_catalog(),
        "membership": a_membership(),
        "deploy": deploy or a_deploy(status=Status.READY, environment="production"),
        "approvals": approvals,
    }
    return Facts(**{**fields, **changes})


def test_approvals_that_are_void_or_of_people_who_no_longer_count_hold_no_seat():
    gone = a_membership(a_person(CAROL, deleted=True))
    given = (an_approval(user=BOB, void="retracted"), an_approval(user=CAROL), an_approval(user=SAM))

    seen = facts(*given, membership=gone)

    assert seen.approvers == (SAM.id,)
    assert seen.seating.holders == (SAM.id, None)


def test_the_requesters_own_approval_counts_only_where_it_may():
    own = {"production": replace(a_catalog().environments["production"], self_approval=True)}

    assert facts(an_approval(user=ALICE)).approvers == ()
    assert facts(an_approval(user=ALICE), catalog=a_catalog(environments=own)).approvers == (ALICE.id,)


def test_behind_a_pipeline_stands_the_requester():
    by_ci = a_deploy(environment="production", requester=CiIdentity("github", "repo", BOB.id))

    assert facts(an_approval(user=BOB), deploy=by_ci).approvers == ()


# --- what holds a ready deploy ---------------------------------------------------------------------------------------


def test_with_permission_seats_and_turn_it_may_go():
    assert may_dispatch(facts(an_approval(user=BOB), an_approval(user=SAM)), [], [], NOON) == Allowed()


def test_everything_that_holds_it_is_said_at_once():
    rolling = a_deploy(7, Status.ROLLING)
    nobody = a_membership(usergroups={})

    held = may_dispatch(facts(an_approval(user=BOB), membership=nobody), [rolling], [a_lock()], NOON)

    assert codes(held) == ("no-permission", "seats-missing", "locked", "turn")


def test_t18_a_permission_to_deploy_is_none_to_pass_a_lock():
    given = (an_approval(user=BOB), an_approval(user=SAM))
    mine = a_lock(holder=ALICE)

    assert codes(may_dispatch(facts(*given), [], [mine], NOON)) == ("locked",)
    assert codes(what_holds(a_deploy(environment="production"), [], [mine], a_catalog(), NOON)) == ("locked",)


def test_missing_seats_name_the_rules_and_who_can():
    held = may_dispatch(facts(), [], [], NOON)

    assert isinstance(held, Refused)
    (reason,) = held.reasons
    assert reason.text == "Approval is missing from sre, owners of checkout."
    assert reason.groups == (SRE, DEVELOPERS)


# --- words -----------------------------------------------------------------------------------------------------------


def test_a_button_of_another_plan_is_stale_and_a_typed_command_never_is():
    deploy = a_deploy(plan=2)

    marks = (PlanMark(1, "a", changed=False), PlanMark(2, "b", changed=True))

    assert stale_plan(deploy, 2, marks) == stale_plan(deploy, None, marks) == Allowed()
    assert text(stale_plan(deploy, 3, marks)) == "D-1 has no plan 3. Its current plan is 2."
    assert text(stale_plan(deploy, 1, marks)) == "Plan 1 of D-1 was replaced by plan 2. Look at the new plan first."


@pytest.mark.parametrize(
    ("act", "status", "words"),
    [
        ("approve", Status.PLANNING, "D-1 is still being planned, so it cannot be approved yet. Wait for the plan."),
        ("reject", Status.DISPATCHING, "D-1 is already on its way to Nomad, so it cannot be rejected."),
        ("withdraw", Status.ROLLING, "Nomad is already rolling out D-1, so it cannot be withdrawn."),
        ("replan", Status.UNCHANGED, "D-1 has nothing to do: Nomad already runs exactly this."),
        ("retract", Status.EXPIRED, "D-1 has already expired."),
    ],
)
def test_too_early_and_too_late_are_said(act: str, status: Status, words: str):
    refusal = not_open(a_deploy(status=status), act)

    assert refusal.codes == (f"cannot-{act}",)
    assert text(refusal) == words
