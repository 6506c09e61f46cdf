"""Times on a deploy's message are the reader's own, and nothing speaks of approvals where none are needed."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.decision import Reason
from bot.domain.deploy.approval import Seating
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.rollout import GroupHealth
from bot.gateways.blocks.card.message import render, state_of
from bot.gateways.blocks.card.progress import progress_of
from bot.gateways.blocks.text import moment, second
from tests.builders import a_plan, a_rollout
from tests.clocks import NOON
from tests.gateways.blocks.cards import KNOWN, a_card
from tests.gateways.blocks.oracles import assert_sound


def test_what_holds_it_says_until_when() -> None:
    soaking = Reason("soaking", "v1.4.2 has to run in staging for 30m first.", possible_at=NOON)
    card = a_card(Status.READY, deploy={"blocked": (soaking,)})

    assert state_of(card)[0] == (
        f":hourglass: v1.4.2 has to run in staging for 30m first. Possible from {second(NOON)} on."
    )
    assert_sound(render(card), KNOWN)


def test_a_stuck_rollout_says_since_when_and_why() -> None:
    group = GroupHealth(name="web", desired=2, healthy=1)
    stuck = a_rollout(12, stuck=True, changed_at=NOON, groups=(group,))
    card = a_card(Status.ROLLING, rollouts=(stuck,))

    assert progress_of(card)[1] == (
        f":warning: *Stuck* since {moment(NOON)}: 1 of 2 healthy, and Nomad gives no reason"
    )
    assert progress_of(replace(card, rollouts=(replace(stuck, stuck=False),)))[1:] == []


def test_a_change_that_moved_mentions_approvals_only_if_some_are_needed() -> None:
    card = a_card(plan=a_plan(12, 2, moved=("LOG_LEVEL changed",)))
    free = replace(card, seating=Seating((), ()))

    assert "*Changed since the last plan* (its approvals no longer count):" in str(render(card).blocks)
    assert "*Changed since the last plan*:" in str(render(free).blocks)
