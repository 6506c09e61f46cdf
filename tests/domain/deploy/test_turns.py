from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.decision import Allowed, Decision, Reason, Refused
from bot.domain.deploy.deploy import Status, WayBack
from bot.domain.deploy.turns import PLANNING_KEEPS_PLACE, passed_over, superseded_by, turn
from tests.builders import a_deploy
from tests.clocks import NOON

if TYPE_CHECKING:
    from bot.domain.deploy.deploy import Deploy


def codes(decision: Decision) -> tuple[str, ...]:
    return decision.codes if isinstance(decision, Refused) else ()


def text(decision: Decision) -> str:
    assert isinstance(decision, Refused)
    return decision.reasons[0].text


ME = a_deploy(5, Status.READY)
OLDER = replace(ME, id=4, requested_at=NOON - timedelta(hours=1))
SECOND = timedelta(seconds=1)
TURN = Reason("turn", "Not yet.")


@pytest.mark.parametrize(
    "others",
    [
        [],
        [ME],
        [replace(ME, id=6)],
        [replace(ME, id=4, requested_at=NOON + timedelta(hours=1))],
        [replace(OLDER, status=Status.WAITING)],
        [replace(OLDER, status=Status.PLANNING, blocked=(Reason("nomad-unavailable", "Nomad: no leader"),))],
        [replace(OLDER, status=Status.PLANNING, changed_at=NOON - PLANNING_KEEPS_PLACE)],
        [replace(OLDER, status=Status.PLANNING, changed_at=NOON + timedelta(hours=1))],
        [replace(OLDER, blocked=(Reason("no-permission", "No."),))],
        [replace(OLDER, blocked=(TURN, Reason("no-permission", "No.")))],
    ],
)
def test_it_goes_before_younger_ones_and_older_ones_that_something_else_blocks(others: list[Deploy]):
    assert turn(ME, others, NOON) == Allowed()


@pytest.mark.parametrize(
    "others",
    [
        [OLDER],
        [replace(ME, id=4)],
        [replace(OLDER, status=Status.PLANNING)],
        [replace(OLDER, status=Status.PLANNING, changed_at=NOON - PLANNING_KEEPS_PLACE + SECOND)],
        [replace(OLDER, blocked=(TURN,))],
        # a lock on the place holds both, so when it is lifted the older one still goes first
        [replace(OLDER, blocked=(Reason("locked", "production is locked: no."),))],
        [replace(ME, id=6, status=Status.DISPATCHING)],
        [replace(ME, id=6, status=Status.ROLLING)],
        [replace(OLDER, status=Status.WAITING), replace(ME, id=3)],
    ],
)
def test_it_waits_for_older_ones_that_are_ready_or_planned_and_for_those_on_their_way(others: list[Deploy]):
    assert codes(turn(ME, others, NOON)) == ("turn",)


REPLACING = replace(ME, replaces=True)
ROLLING = replace(ME, id=6, status=Status.ROLLING)


def test_a_replacing_one_waits_for_no_rollout_and_for_nobody_who_does():
    assert turn(REPLACING, [ROLLING], NOON) == Allowed()
    assert turn(REPLACING, [ROLLING, OLDER], NOON) == Allowed()


def test_a_replacing_one_waits_for_dispatches_and_for_older_ones_that_could_go_too():
    assert codes(turn(REPLACING, [OLDER], NOON)) == ("turn",)
    assert codes(turn(REPLACING, [ROLLING, replace(OLDER, replaces=True)], NOON)) == ("turn",)
    assert codes(turn(REPLACING, [replace(ROLLING, status=Status.DISPATCHING)], NOON)) == ("turn",)


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [Status.READY, Status.PLANNING, Status.ROLLING, Status.DISPATCHING])
def test_a_deploy_that_will_go_back_to_an_older_version_says_so_while_it_waits(status: Status):
    newer = replace(OLDER, status=status, version="v1.5.0")

    assert text(turn(ME, [newer], NOON)).endswith("with a new plan. It will replace v1.5.0 by the older v1.4.2.")
    assert text(turn(replace(ME, version="v1.5.1"), [newer], NOON)).endswith("with a new plan.")


def test_those_that_were_requested_earlier_and_go_later_are_named_with_what_holds_them():
    held = replace(OLDER, id=1, blocked=(TURN, Reason("no-permission", "The requester is gone.")))
    slow = replace(OLDER, id=2, status=Status.PLANNING, changed_at=NOON - PLANNING_KEEPS_PLACE)
    others = [held, slow, replace(OLDER, id=3, status=Status.WAITING), ME, replace(ME, id=6)]

    assert passed_over(ME, others, NOON) == (
        (held, "The requester is gone."),
        (slow, "Its new plan takes longer than a minute."),
    )
    assert passed_over(REPLACING, [ROLLING, OLDER], NOON) == ((OLDER, "It waits until the running rollout has ended."),)


def test_what_is_superseded_is_older_and_was_not_sent_and_no_rollback_is_among_it_or_does_it():
    newest = a_deploy(9, Status.WAITING, requested_at=NOON)
    back = replace(a_deploy(1, Status.READY), rollback=WayBack(deploy=11, plan=1, undoes=12, undone="v1", catalog="c"))
    waiting = [
        a_deploy(number, status, requested_at=NOON - timedelta(minutes=10 - number))
        for number, status in ((2, Status.PLANNING), (3, Status.WAITING), (4, Status.READY))
    ]
    sent = [
        a_deploy(number, status, requested_at=NOON - timedelta(minutes=10 - number))
        for number, status in ((5, Status.DISPATCHING), (6, Status.ROLLING))
    ]
    newer = a_deploy(10, Status.WAITING, requested_at=NOON + timedelta(minutes=1))
    old_rollback = replace(back, requested_at=NOON - timedelta(minutes=9))
    others = (old_rollback, *waiting, *sent, newest, newer)

    assert [each.id for each in superseded_by(newest, others)] == [4, 3, 2]
    assert superseded_by(replace(newest, rollback=back.rollback), others) == ()
