from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from bot.domain.decision import Reason
from bot.domain.deploy.deploy import TRANSITIONS, Status
from bot.errors import IllegalTransition
from tests.builders import a_deploy, a_draft
from tests.clocks import NOON

ENGINE = """
PLANNING    -> WAITING | INVALID | UNCHANGED | EXPIRED | WITHDRAWN | SUPERSEDED
WAITING     -> READY | PLANNING | REJECTED | EXPIRED | WITHDRAWN | SUPERSEDED
READY       -> DISPATCHING | WAITING | PLANNING | REJECTED | EXPIRED | WITHDRAWN | SUPERSEDED
DISPATCHING -> ROLLING | READY | PLANNING | FAILED | UNCHANGED
ROLLING     -> SUCCEEDED | FAILED | SUPERSEDED
"""
"""The design's table, as it stands there."""

LEGAL = {
    (Status[source.strip()], Status[target.strip()])
    for source, targets in (line.split("->") for line in ENGINE.strip().splitlines())
    for target in targets.split("|")
}
LATER = NOON + timedelta(minutes=5)


def test_the_table_is_the_designs():
    assert {(source, target) for source, targets in TRANSITIONS.items() for target in targets} == LEGAL
    assert TRANSITIONS.keys() == set(Status)


@pytest.mark.parametrize(("source", "target"), sorted(LEGAL))
def test_every_arrow_of_the_table_can_be_taken(source: Status, target: Status):
    deploy = a_deploy(status=source).advance(target, LATER)

    assert (deploy.status, deploy.changed_at) == (target, LATER)


@pytest.mark.parametrize(("source", "target"), sorted(set(product(Status, Status)) - LEGAL))
def test_every_other_arrow_raises(source: Status, target: Status):
    with pytest.raises(IllegalTransition, match=f"D-1 is {source}: it cannot become {target}"):
        a_deploy(status=source).advance(target, LATER)


def test_a_new_state_starts_without_the_words_of_the_old_one_and_is_due_at_once():
    old = a_deploy(status=Status.READY, detail="words", blocked=(Reason("turn", "Not yet."),), due_at=NOON)

    new = old.advance(Status.DISPATCHING, LATER)

    assert (new.detail, new.blocked, new.due_at) == ("", (), LATER)


def test_what_is_given_stays_and_what_has_ended_is_never_due():
    ended = a_deploy(status=Status.ROLLING).advance(Status.FAILED, LATER, detail="no")
    held = a_deploy(status=Status.DISPATCHING).advance(Status.READY, LATER, due_at=NOON)

    assert (ended.detail, ended.due_at, held.due_at) == ("no", None, NOON)


def test_open_means_that_something_may_still_happen():
    assert {status for status in Status if status.open} == {source for source, _ in LEGAL}


def test_undecided_means_that_nothing_has_been_sent():
    assert {status for status in Status if status.undecided} == {Status.PLANNING, Status.WAITING, Status.READY}


def test_a_new_deploy_is_in_planning_and_has_no_plan_yet():
    deploy = a_draft()

    assert (deploy.status, deploy.plan, deploy.detail, deploy.blocked) == (Status.PLANNING, 0, "", ())
    assert a_deploy(1042).number == "D-1042"
