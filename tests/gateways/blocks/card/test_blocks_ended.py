"""A deploy that has ended: two lines in the channel, a failure's reason, a success's button."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.deploy.deploy import Status
from bot.domain.deploy.plan import Base, JobState
from bot.domain.deploy.rollout import GroupHealth, RolloutKind, RolloutStatus
from bot.gateways.blocks.card.message import render
from tests.builders import SAM, a_plan, a_rollout
from tests.gateways.blocks.cards import LINKS, OURS, a_card, cards

CARDS = cards()
ENDED = [status for status in Status if not status.open]


def lines(name: str) -> list[str]:
    """The lines of the first section, without what Slack hides of links and dates."""
    text: str = render(CARDS[name]).blocks[0]["text"]["text"]
    return text.splitlines()


@pytest.mark.parametrize("status", [status for status in ENDED if status is not Status.FAILED])
def test_an_end_is_two_lines(status: Status) -> None:
    rollouts = CARDS["succeeded"].rollouts if status is Status.SUCCEEDED else ()
    message = render(a_card(status, deploy={"overrides": {"count": 3}}, rollouts=rollouts, ended_by=SAM))

    assert len(message.blocks) == 1
    assert len(message.blocks[0]["text"]["text"].splitlines()) == 2


def test_a_success_says_what_runs_since_when_from_where_and_by_whom() -> None:
    first, second = lines("ended")

    assert first == ":large_green_circle: *Succeeded* — *checkout* `v1.4.2` to *production* (`D-12`)"
    said = second.split(" · ")
    assert said[:4] == [
        "*6/6 healthy*",
        "from `v1.4.1` (D-3)",
        "asked by <@U0ALICE001>",
        "approved by <@U0BOB00001>, <@U0SAM00001>",
    ]
    assert said[4].endswith("|2026-11-21 12:07 UTC>")
    assert said[5] == "took 4m"
    assert [each.split("|")[1] for each in said[6:]] == [f"{label}>" for label in LINKS]


@pytest.mark.parametrize("healthy", [0, 1])
def test_a_success_is_never_shown_with_less_than_all_healthy(healthy: int) -> None:
    detail = "registered: it starts on its schedule"
    groups = (GroupHealth(name="web", desired=2, healthy=healthy),)
    done = a_rollout(12, status=RolloutStatus.SUCCEEDED, groups=groups, detail=detail)
    shown = str(render(a_card(Status.SUCCEEDED, rollouts=(done,))).arguments())

    assert detail in shown
    assert "healthy" not in shown


def test_a_failure_keeps_nomads_reason() -> None:
    head, why = render(CARDS["failed"]).blocks

    assert len(head["text"]["text"].splitlines()) == 2
    assert why["text"]["text"].startswith("*Why* Failed due to unhealthy allocations\n*First failed task* `app`")


def test_a_failure_of_any_length_is_bounded() -> None:
    ours, revert = CARDS["failed"].rollouts
    reverts = tuple(replace(revert, number=number, detail="x" * 3000) for number in range(2, 30))
    message = render(a_card(Status.FAILED, rollouts=(replace(ours, detail="y" * 9000), *reverts)))

    assert len(message.blocks[1]["text"]["text"]) <= 1700
    assert "y" * 500 in message.blocks[1]["text"]["text"]


def test_a_decision_names_who_and_why() -> None:
    assert lines("rejected")[1].startswith("by <@U0SAM00001>: not on a Friday · asked by <@U0ALICE001> · ")
    assert lines("withdrawn")[1].startswith("by <@U0ALICE001> · asked by <@U0ALICE001> · ")
    assert lines("expired")[1].endswith(" · after 7m")


def test_what_overtook_a_rollout_is_said() -> None:
    detail = "version 5 replaced it before it had finished"
    over = a_rollout(12, status=RolloutStatus.SUPERSEDED, detail=detail)
    text = render(a_card(Status.SUPERSEDED, rollouts=(over,))).blocks[0]["text"]["text"]

    assert text.splitlines()[1].startswith(f"{detail} · from `v1.4.1`")


def test_a_rollout_that_is_only_a_revert_tells_nothing_of_ours() -> None:
    revert = a_rollout(12, 1, kind=RolloutKind.REVERT)
    card = a_card(Status.SUPERSEDED, rollouts=(revert,), deploy={"detail": "D-13 is newer."})

    assert "\nD-13 is newer. · asked by" in render(card).blocks[0]["text"]["text"]


def test_a_version_that_is_not_ours_is_named_as_such() -> None:
    outside = replace(OURS, deploy=None, version=None)
    for base, said in ((None, "job version 3"), (outside, "job version 3, registered outside Nomatron")):
        plan = a_plan(12, 2, base=base)
        card = a_card(Status.SUCCEEDED, plan=plan, from_version=None, rollouts=CARDS["succeeded"].rollouts)
        assert f" · from {said} · " in render(card).blocks[0]["text"]["text"]


def test_the_first_version_of_a_job_comes_from_none() -> None:
    plan = a_plan(12, 2, base=Base(state=JobState.ABSENT), base_version=None)
    card = a_card(Status.SUCCEEDED, plan=plan, from_version=None, rollouts=CARDS["succeeded"].rollouts)

    assert " from " not in render(card).blocks[0]["text"]["text"]


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.FAILED])
def test_an_end_by_a_persons_word_says_whose_and_which(status: Status) -> None:
    detail = "Settled by a person, not by Nomad: seen"
    ours = replace(CARDS["succeeded"].rollouts[0], status=RolloutStatus(status.value), detail=detail)
    settled = {"detail": detail, "resolution": status.value}
    message = render(a_card(status, rollouts=(ours,), deploy=settled, resolved_by=SAM))

    assert f" · resolved by <@U0SAM00001> as `{status.value}` · " in message.blocks[0]["text"]["text"].splitlines()[1]
    assert detail in str(message.blocks)


def test_a_success_after_a_landing_by_a_persons_word_shows_nomads_counts_and_the_word() -> None:
    rollouts = CARDS["succeeded"].rollouts
    card = a_card(Status.SUCCEEDED, rollouts=rollouts, deploy={"resolution": "landed 4"}, resolved_by=SAM)
    second = render(card).blocks[0]["text"]["text"].splitlines()[1]

    assert second.startswith("*6/6 healthy* · ")
    assert " · resolved by <@U0SAM00001> as `landed 4` · " in second


def test_a_word_that_does_not_count_yet_says_what_it_waits_for() -> None:
    card = a_card(Status.DISPATCHING, deploy={"resolution": "not-landed"}, resolved_by=SAM)
    rolling = a_card(Status.ROLLING, deploy={"resolution": "landed 4"}, resolved_by=SAM, rollouts=(a_rollout(12),))

    said = "Resolved by <@U0SAM00001> as `not-landed`: that counts once no attempt can be on its way"
    assert said in str(render(card).blocks)
    assert "Resolved by <@U0SAM00001> as `landed 4`\\n" not in str(render(rolling).blocks)
    assert "Resolved by <@U0SAM00001> as `landed 4`" in str(render(rolling).blocks)


LATE = a_rollout(12, kind=RolloutKind.LATE, job_version=4)


@pytest.mark.parametrize(
    ("status", "changes", "said"),
    [
        (Status.WITHDRAWN, {}, " as job version 4"),
        (Status.EXPIRED, {"job_version": None}, "*Nomad registered this after all*"),
        (Status.UNCHANGED, {"status": RolloutStatus.SUCCEEDED}, " as job version 4, and it succeeded"),
        (Status.REJECTED, {"status": RolloutStatus.SUPERSEDED}, " as job version 4, and it was overtaken since"),
        (Status.FAILED, {"status": RolloutStatus.FAILED, "detail": "no image"}, "*Why* no image"),
    ],
)
def test_a_landing_after_the_end_stands_below_it(status: Status, changes: dict[str, Any], said: str) -> None:
    card = a_card(status, rollouts=(replace(LATE, **changes),), deploy={"detail": "Nomad refused the job"})
    head, below = render(card).blocks

    assert len(head["text"]["text"].splitlines()) == 2
    lines = below["text"]["text"].splitlines()
    told = 1 if status is Status.FAILED else 0
    assert (lines[0] == "*Why* Nomad refused the job") is bool(told)
    assert lines[told].startswith(":rotating_light: *Nomad registered this after all*")
    assert said in below["text"]["text"]
