"""What a deploy replaces, on every surface in Slack."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.audit.history import HistoryPage
from bot.domain.deploy.plan import Base, JobState
from bot.gateways.blocks import answers, history
from bot.gateways.blocks.card.message import render
from bot.gateways.blocks.digest.changes import versions
from bot.gateways.blocks.pages import Pages
from bot.gateways.blocks.replaced import replaced_of, versions_of
from bot.gateways.blocks.text import moment
from tests.builders import a_plan, an_entry
from tests.clocks import NOON
from tests.gateways.blocks.cards import a_card
from tests.gateways.blocks.nasty import texts

if TYPE_CHECKING:
    from bot.domain.deploy.message import Card

OURS = Base(state=JobState.RUNNING, job_version=3, deploy=11, version="v1.4.1")
FOREIGN = Base(state=JobState.RUNNING, job_version=7, token="1a2b3c4d", at=NOON)
WORDS = "job version 7, registered outside Nomatron by token 1a2b3c4d"


def card_over(base: Base | None, version: str | None) -> Card:
    """A waiting deploy whose plan replaces that."""
    number = base.job_version if base else 3
    plan = a_plan(12, 2, base=base, from_version=version, base_version=number)
    return a_card(plan=plan, from_version=version)


CASES = [
    (OURS, "v1.4.1", "*Replaces* `v1.4.1` (D-11), job version 3"),
    (
        replace(OURS, reverted=True),
        "v1.4.1",
        "*Replaces* `v1.4.1` (D-11, restored by a revert in Nomad), job version 3",
    ),
    (replace(OURS, version="v1.4.2"), "v1.4.2", "`v1.4.2` again. *Replaces* `v1.4.2` (D-11), job version 3"),
    (FOREIGN, None, f"*Replaces* {WORDS}, {moment(NOON)}"),
    (Base(state=JobState.ABSENT), None, ":seedling: The first version of this job"),
    # plans that are older than the record of their base
    (None, "v1.4.1", "*Replaces* `v1.4.1`, job version 3"),
    (None, None, "*Replaces* job version 3"),
]


@pytest.mark.parametrize(("base", "version", "said"), CASES)
def test_the_message_and_the_whole_plan_say_what_is_replaced_and_who_made_it(base, version, said):
    card = card_over(base, version)
    on_message = [line for block in render(card).blocks for line in block.get("text", {}).get("text", "").split("\n")]
    (plan, *_) = answers.plan(card).blocks
    assert said in on_message
    assert said in plan["text"]["text"].split("\n")


def test_the_plan_of_a_new_job_replaces_nothing():
    assert "*Replaces*" not in str(answers.plan(card_over(Base(state=JobState.ABSENT), None)).blocks)


def test_the_history_and_the_digest_agree():
    ours = an_entry(base=OURS, from_version="v1.4.1")
    foreign = an_entry(base=FOREIGN)
    assert versions(ours, UTC) == "v1.4.1 → v1.4.2"
    assert versions(foreign, UTC) == f"{WORDS}, 2026-11-21 → v1.4.2"
    shown = history.render("checkout", None, HistoryPage((ours, foreign), None, {}), Pages())
    first, second = (block["text"]["text"] for block in shown.blocks[1:])
    assert "`v1.4.1` → `v1.4.2` to" in first
    assert f"{WORDS}, {moment(NOON)} → `v1.4.2` to" in second


@given(texts, st.none() | texts, texts)
def test_nothing_that_nomad_says_gets_out_of_its_place(token, version, new):
    base = Base(state=JobState.RUNNING, job_version=7, token=token, version=version, deploy=1 if version else None)
    said = versions_of(base, version, new)
    assert not set(said) & {"<", ">", "\n"}
    assert len(replaced_of(base, version)) <= 300
