from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from bot.domain.decision import Reason
from bot.domain.deploy.deploy import TRANSITIONS, Status
from bot.errors import IllegalTransition
from tests.builders import a_deploy, a_draft
from tests.clocks import NOON

LEGAL = {(source, target) for source, targets in TRANSITIONS.items() for target in targets}
LATER = NOON + timedelta(minutes=5)


def before(status: Status) -> set[Status]:
    """The states that lead to it."""
    return {source for source, target in LEGAL if target is status}


def test_nothing_reaches_nomad_but_through_the_approvals_and_its_turn():
    assert before(Status.ROLLING) == {Status.DISPATCHING}
    assert before(Status.DISPATCHING) == {Status.READY}
    assert before(Status.READY) == {Status.WAITING, Status.DISPATCHING}
    assert before(Status.SUCCEEDED) == {Status.ROLLING}


def test_what_was_sent_can_be_ended_by_nomad_alone():
    for ended_by_people in (Status.WITHDRAWN, Status.REJECTED, Status.EXPIRED):
        assert before(ended_by_people) <= {Status.PLANNING, Status.WAITING, Status.READY}


def test_every_state_can_come_about():
    assert {target for _, target in LEGAL} | {a_draft().status} == set(Status)


def test_every_arrow_of_the_table_can_be_taken():
    for source, target in LEGAL:
        deploy = a_deploy(status=source).advance(target, LATER)
        assert (deploy.status, deploy.changed_at) == (target, LATER)


def test_every_other_arrow_raises():
    for source, target in set(product(Status, Status)) - LEGAL:
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
    assert {status for status in Status if status.open} == {
        Status.PLANNING, Status.WAITING, Status.READY, Status.DISPATCHING, Status.ROLLING
    }  # fmt: skip


def test_undecided_means_that_nothing_has_been_sent():
    assert {status for status in Status if status.undecided} == {Status.PLANNING, Status.WAITING, Status.READY}


def test_a_new_deploy_is_in_planning_and_has_no_plan_yet():
    deploy = a_draft()

    assert (deploy.status, deploy.plan, deploy.detail, deploy.blocked) == (Status.PLANNING, 0, "", ())
    assert a_deploy(1042).number == "D-1042"
