from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bot.domain.decision import Reason
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.message import STATE_WORDS, Card
from bot.domain.deploy.rollout import GroupHealth, RolloutStatus
from bot.gateways.blocks.card.message import render, state_of
from bot.gateways.blocks.card.progress import health
from tests.builders import BOB, SAM, a_plan, a_rollout, an_approval
from tests.gateways.blocks.cards import GOLDEN, KNOWN, a_card, a_seating, cards, golden_text
from tests.gateways.blocks.oracles import assert_sound

CARDS = cards()


@pytest.mark.parametrize("name", CARDS)
def test_golden(name: str) -> None:
    """Where this fails on purpose: ``python -m tests.gateways.blocks.cards`` writes them anew; look at the diff."""
    assert golden_text(CARDS[name]) == (GOLDEN / f"{name}.json").read_text("utf-8")


@pytest.mark.parametrize("name", CARDS)
def test_every_state_is_sound(name: str) -> None:
    assert_sound(render(CARDS[name]), KNOWN)


def test_every_state_has_a_golden_card() -> None:
    assert {card.deploy.status for card in CARDS.values()} == set(Status)
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(CARDS)


@pytest.mark.parametrize("status", Status)
def test_the_text_and_metadata_that_others_rely_on(status: Status) -> None:
    message = render(a_card(status))
    card = a_card(status)

    who = "checkout v1.4.2 to production, asked by <@U0ALICE001> (D-12)"
    assert message.text == f"{STATE_WORDS[status]}: {who}"
    assert f"*{STATE_WORDS[status]}*" in message.blocks[0]["text"]["text"]
    assert message.metadata == {
        "event_type": "nomatron_deploy",
        "event_payload": {"id": "D-12", "plan": card.deploy.plan, "status": status.value},
    }


@pytest.mark.parametrize("status", Status)
def test_buttons_only_while_seats_are_open(status: Status) -> None:
    rows = [block for block in render(a_card(status)).blocks if block["type"] == "actions"]
    labels = [element["text"]["text"] for row in rows for element in row["elements"]]

    assert labels == (["Approve", "Reject…"] if status is Status.WAITING else [])


def test_what_may_go_on_has_one_button_that_says_where_to() -> None:
    (row,) = [block for block in render(CARDS["succeeded-promotable"]).blocks if block["type"] == "actions"]
    (button,) = row["elements"]

    assert (button["text"]["text"], button["action_id"], button["value"]) == ("Promote…", "deploy.promote", "D-12:2")
    assert button["accessibility_label"] == "Promote checkout v1.4.2 to production or canada"


def test_a_promotion_says_where_it_comes_from_and_what_is_not_as_there() -> None:
    shown = texts(CARDS["waiting-promoted"])

    assert shown[-1].startswith("*Requested by* <@U0ALICE001>, promoted from *staging*\n> SHOP-981")
    (compared,) = [text for text in shown if "Compared" in text]
    assert compared.splitlines() == [
        ":left_right_arrow: *Compared with staging*",
        "• group web count 1 → 6",
        "• group web task app env LOG_LEVEL differs",
    ]
    # a second list after the first, never instead of it
    assert shown.index(compared) > next(at for at, text in enumerate(shown) if "1 change, none flagged" in text)


def test_a_plain_request_is_compared_with_the_environment_before() -> None:
    plan = a_plan(12, 2, differs=("group web count 1 → 6",), compared_with="staging")

    assert ":left_right_arrow: *Compared with staging*\n• group web count" in "\n".join(texts(a_card(plan=plan)))


def test_a_plan_from_before_the_environment_was_recorded_names_none() -> None:
    plan = a_plan(12, 2, differs=("group web count 1 → 6",))

    assert "*Compared with the previous environment*\n• group web count" in "\n".join(texts(a_card(plan=plan)))


def test_a_button_carries_the_deploy_and_the_plan_that_was_seen() -> None:
    (row,) = [block for block in render(a_card()).blocks if block["type"] == "actions"]

    assert {(each["action_id"], each["value"]) for each in row["elements"]} == {
        ("deploy.approve", "D-12:2"),
        ("deploy.reject", "D-12:2"),
    }
    assert "Approve D-12" in row["elements"][0]["accessibility_label"]


def test_a_group_is_mentioned_once_and_only_while_it_is_asked() -> None:
    for name, card in CARDS.items():
        count = json.dumps(render(card).arguments()).count("<!subteam^S0SRE00001>")
        missing = {seat.label for seat in card.seating.missing}
        asked = 1 if card.deploy.status is Status.WAITING and "sre" in missing else 0
        # a lock is lifted by the same group, which a line for each lock says
        assert count == asked + len(card.locks), name


def test_both_missing_seats_are_named_with_their_numbers() -> None:
    (needs,) = [text for text in texts(a_card()) if text.startswith("*Needs*")]

    assert needs.splitlines() == [
        "*Needs* 0 of 2 approvals",
        ":black_square_button: 1 more from sre — <!subteam^S0SRE00001>",
        ":black_square_button: 1 more from owners of checkout — <!subteam^S0DEV00001>",
    ]


MENUS = [
    (Status.PLANNING, ["withdraw D-12:0"]),
    (Status.WAITING, ["withdraw D-12:2", "replan D-12:2"]),
    (Status.READY, ["withdraw D-12:2", "retract D-12:2", "replan D-12:2"]),
    (Status.ROLLING, []),
    (Status.FAILED, []),
]


@pytest.mark.parametrize(("status", "values"), MENUS)
def test_the_menu_has_what_applies(status: Status, values: list[str]) -> None:
    accessory = render(a_card(status)).blocks[0].get("accessory", {"options": []})

    assert [option["value"] for option in accessory["options"]] == values


def test_replacing_a_running_rollout_is_offered_to_one_that_is_held_by_it() -> None:
    values = [option["value"] for option in render(CARDS["ready-held"]).blocks[0]["accessory"]["options"]]

    assert "replace D-12:2" in values


def test_what_holds_it_says_who_can() -> None:
    gone = Reason("no-permission", "Its requester no longer holds `request`.", users=(BOB.id,), groups=("S0SRE00001",))
    card = a_card(Status.READY)
    (line, _) = state_of(replace(card, deploy=replace(card.deploy, blocked=(gone,))))

    assert line.endswith("Its requester no longer holds `request`. Who can: <!subteam^S0SRE00001>, <@U0BOB00001>.")


def texts(card: Card) -> list[str]:
    """The text of every section, in order."""
    return [block["text"]["text"] for block in render(card).blocks if block["type"] == "section"]


def test_a_failure_says_right_away_why_and_what_nomad_reverted_to() -> None:
    _, second, *_ = texts(CARDS["failed"])

    assert second.splitlines() == [
        "*Why* Failed due to unhealthy allocations",
        "*First failed task* `app` of group `web`, allocation `a1b2c3d4`: Terminated: Exit Code: 1",
        "░░░░░░ *0/6 healthy*, 1 unhealthy (v1.4.2)",
        ":rewind: Nomad *reverted to* v1.4.1 (job version 3), as job version 5",
        ":rewind: Nomad's revert is under way (2/6 healthy)",
    ]


def test_a_revert_to_another_version_than_the_one_before_is_not_given_its_name() -> None:
    rollout = replace(CARDS["failed"].rollouts[0], detail="Failed - rolling back to job version 1", reverted_to=1)

    assert ":rewind: Nomad *reverted to* job version 1" in texts(a_card(Status.FAILED, rollouts=(rollout,)))[1]


def test_a_failure_without_a_revert_says_so() -> None:
    rollout = a_rollout(12, status=RolloutStatus.FAILED, nomad_deployment="6f1c", detail="Failed due to unhealthy")

    assert ":warning: Nomad did not revert automatically." in texts(a_card(Status.FAILED, rollouts=(rollout,)))[1]
    assert "revert" not in str(texts(a_card(Status.FAILED, deploy={"detail": "Permission denied"})))


def test_the_reason_of_an_end_is_labelled_and_told_once() -> None:
    assert "by <@U0SAM00001>: not on a Friday · asked by" in texts(CARDS["rejected"])[0]
    assert texts(a_card(Status.FAILED, deploy={"detail": "Permission denied"}))[1] == "*Why* Permission denied"
    whole = (GroupHealth(name="web", desired=2, healthy=2),)
    done = a_rollout(12, status=RolloutStatus.SUCCEEDED, detail="Deployment completed successfully", groups=whole)
    succeeded = a_card(Status.SUCCEEDED, deploy={"detail": done.detail}, rollouts=(done,))
    assert "Deployment completed" not in str(texts(succeeded))


def test_what_waits_for_something_else_says_that_it_goes_on_by_itself() -> None:
    held = texts(CARDS["ready-held"])[1]

    assert held.startswith(":hourglass: D-11 (v1.4.0) is rolling out; this one goes after it.")
    assert "_Continues automatically._" in held


def test_warnings_of_the_plan_give_way_to_what_came_of_it() -> None:
    warning = "count kept at 6: the group scales itself"

    assert warning in str(texts(CARDS["waiting"]))
    assert warning not in str(texts(CARDS["rolling"]))


def test_the_same_version_again_is_called_so() -> None:
    assert texts(a_card(from_version="v1.4.2"))[1] == "`v1.4.2` again. *Replaces* `v1.4.2`, job version 3"


def test_a_revision_is_on_the_message_but_not_in_its_text() -> None:
    card = a_card(from_version="v1.4.2")
    message = render(replace(card, deploy=replace(card.deploy, revision=2)))

    head = next(block for block in message.blocks if block["type"] == "section")
    assert "`v1.4.2 r2` to" in head["text"]["text"]
    assert "checkout v1.4.2 to " in message.text


@pytest.mark.parametrize(
    ("wanted", "healthy", "bar"), [(1, 0, "░░░░░░"), (3, 1, "██░░░░"), (6, 4, "████░░"), (24, 12, "██████░░░░░░")]
)
def test_the_bar_is_neither_a_dot_nor_a_line_that_wraps(wanted: int, healthy: int, bar: str) -> None:
    rollout = a_rollout(12, groups=(GroupHealth(name="web", desired=wanted, healthy=healthy),))

    assert health(rollout) == f"{bar} *{healthy}/{wanted} healthy*"


def test_who_approves_is_asked_with_what_it_does() -> None:
    (row,) = [block for block in render(a_card()).blocks if block["type"] == "actions"]
    asked = row["elements"][0]["confirm"]["text"]["text"]

    assert asked == "checkout v1.4.2 will start in production once the other approvals are in. 1 change, none flagged."


def test_block_ids_change_with_what_they_show() -> None:
    before, after = render(CARDS["waiting"]), render(CARDS["waiting-one-of-two"])

    assert not {block["block_id"] for block in before.blocks} & {block["block_id"] for block in after.blocks}
    assert render(CARDS["waiting"]) == before


def test_void_approvals_say_so() -> None:
    card = a_card(seating=a_seating(SAM.id), approvals=(an_approval(12, 2, BOB, void="left the group"),))

    assert "no longer counts: left the group" in json.dumps(render(card).arguments())
