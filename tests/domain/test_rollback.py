"""The rules of a rollback that need no database: when it is free, when it no longer is, and who goes first."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.access import Permission
from bot.domain.catalog.environment import Rule
from bot.domain.deploy.deploy import Deploy, Status, WayBack
from bot.domain.deploy.gates import permission_of, seats_of
from bot.domain.deploy.plan import Base, JobState
from bot.domain.deploy.turns import turn
from bot.domain.rollback import confirmed, in_words, judged
from tests.builders import BOB, SAM, a_catalog, a_deploy, a_placement, a_plan, a_service, an_approval, an_environment
from tests.clocks import NOON

HOUR = timedelta(hours=1)
BACK = WayBack(deploy=11, plan=1, undoes=12, undone="v1.4.2", catalog="c")
FREE = replace(BACK, free=True, approvers=(BOB.id,))
OURS = Base(state=JobState.RUNNING, job_version=3, deploy=11, version="v1.4.1")


def running(**changes: Any) -> Deploy:
    """The deploy that runs: D-12, dispatched half an hour ago."""
    return replace(a_deploy(12, Status.SUCCEEDED, plan=2, landed_at=NOON - HOUR / 2), **changes)


def a_rollback(back: WayBack = BACK, **changes: Any) -> Deploy:
    """A rollback of D-12 in production."""
    return replace(a_deploy(13, Status.READY, environment="production", rollback=back), **changes)


def judge(base: Base | None = OURS, back: WayBack = BACK, **changes: Any) -> WayBack:
    approvals = [
        an_approval(12, 1, BOB),
        an_approval(12, 2, BOB, void="the plan changed"),
        an_approval(12, 2, SAM),
    ]
    return judged(back, running(**changes), a_plan(12, 2, base=base), approvals, window=HOUR, now=NOON)


def test_it_is_free_to_what_a_deploy_of_the_last_hour_replaced_and_names_who_approved_that():
    assert judge() == replace(BACK, free=True, approvers=(SAM.id,))
    first = replace(OURS, deploy=None, version=None, first=True)
    assert judge(first, replace(BACK, baseline=True)).free


@pytest.mark.parametrize(
    ("base", "back", "changes"),
    [
        (OURS, BACK, {"landed_at": NOON - HOUR}),
        (OURS, BACK, {"landed_at": None}),
        (OURS, BACK, {"rollback": FREE}),
        (OURS, replace(BACK, outside=True), {}),
        (OURS, replace(BACK, baseline=True), {}),
        (OURS, replace(BACK, deploy=9), {}),
        (None, BACK, {}),
        (replace(OURS, state=JobState.STOPPED), BACK, {}),
        (replace(OURS, deploy=None), BACK, {}),
    ],
)
def test_otherwise_it_is_not_and_says_why(base, back, changes):
    found = judge(base, back, **changes)
    assert (found.free, found.approvers) == (False, ())
    assert found.why.endswith(".")


def test_a_rollback_of_one_that_was_approved_itself_is_free():
    assert judge(OURS, BACK, rollback=replace(BACK, why="late")).free


NOW = Base(state=JobState.RUNNING, job_version=4, deploy=12, version="v1.4.2")


@pytest.mark.parametrize(
    ("base", "free"),
    [
        (NOW, True),
        (replace(NOW, state=JobState.STOPPED), False),
        (replace(NOW, reverted=True), False),
        (replace(NOW, deploy=11), False),
        (replace(NOW, deploy=None), False),
        (Base(state=JobState.ABSENT), False),
    ],
)
def test_it_stays_free_only_if_the_live_job_is_what_it_undoes(base, free):
    found = confirmed(a_rollback(FREE), base).rollback
    assert found is not None
    assert (found.free, bool(found.approvers), bool(found.why)) == (free, free, not free)


def test_what_is_not_free_never_becomes_it_and_what_is_no_rollback_stays_none():
    assert confirmed(a_rollback(), NOW) == a_rollback()
    assert confirmed(a_deploy(), NOW) == a_deploy()
    assert in_words(a_deploy()) == ()


def test_its_rules_stand_in_for_the_environments_and_those_of_the_service_hold_too():
    production = an_environment("production", approvals=(Rule("sre", 2),), rollback_approvals=(Rule("developers"),))
    placed = {"production": a_placement("production", approvals=(Rule("sre"),))}
    catalog = a_catalog(environments={"production": production}, services={"checkout": a_service(placements=placed)})
    assert [seat.label for seat in seats_of(catalog, a_rollback())] == ["developers", "sre"]
    assert seats_of(catalog, a_rollback(FREE)) == ()
    assert [seat.label for seat in seats_of(catalog, a_deploy(environment="production"))] == ["sre", "sre", "sre"]
    assert permission_of(a_rollback()) is Permission.ROLLBACK


def test_it_goes_before_what_was_requested_earlier_but_not_into_a_dispatch():
    rollback = a_rollback(requested_at=NOON, replaces=True)
    early = a_deploy(9, Status.READY, environment="production", requested_at=NOON - HOUR)
    rolling, sent = (a_deploy(8, each, environment="production") for each in (Status.ROLLING, Status.DISPATCHING))
    assert str(turn(rollback, [early, rolling], NOON)) == "Allowed()"
    assert "is a rollback" in str(turn(early, [rollback], NOON))
    assert "being dispatched" in str(turn(rollback, [sent], NOON))
