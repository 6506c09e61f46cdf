from __future__ import annotations

import json

import pytest

from bot.domain.deploy import Status
from bot.domain.message import STATE_WORDS
from bot.gateways.blocks.card import render
from tests.builders import BOB, SAM, an_approval
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
        assert count == (1 if card.deploy.status is Status.WAITING and "sre" in missing else 0), name


def test_both_missing_seats_are_named_with_their_numbers() -> None:
    (facts,) = [block for block in render(a_card()).blocks if "fields" in block]
    (needs,) = [each["text"] for each in facts["fields"] if each["text"].startswith("*Needs*")]

    assert "1 of sre, 1 of owners of checkout (0 of 2 so far)" in needs
    assert "missing: sre — <!subteam^S0SRE00001>" in needs
    assert "missing: owners of checkout — <!subteam^S0DEV00001>" in needs


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


def test_a_failure_says_why_and_what_nomad_reverted_to() -> None:
    shown = json.dumps(render(CARDS["failed"]).arguments(), ensure_ascii=False)

    assert "Failed due to unhealthy allocations" in shown
    assert "Terminated: Exit Code: 1" in shown
    assert "*reverted to* v1.4.1 as job version 5" in shown
    assert "Nomad's revert is under way (2/6 healthy)" in shown


def test_block_ids_change_with_what_they_show() -> None:
    before, after = render(CARDS["waiting"]), render(CARDS["waiting-one-of-two"])

    assert not {block["block_id"] for block in before.blocks} & {block["block_id"] for block in after.blocks}
    assert render(CARDS["waiting"]) == before


def test_void_approvals_say_so() -> None:
    card = a_card(seating=a_seating(SAM.id), approvals=(an_approval(12, 2, BOB, void="left the group"),))

    assert "no longer counts: left the group" in json.dumps(render(card).arguments())
