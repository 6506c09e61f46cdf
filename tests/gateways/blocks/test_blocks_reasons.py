"""A lock as everybody reads it: what is closed, why, since when, by whom, until when, and who can lift it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.actor import CiIdentity, Operator, System
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.matrix import Cell, Matrix
from bot.domain.deploy.message import Note
from bot.domain.locks import reason_of
from bot.gateways.blocks import answers, note, overview
from bot.gateways.blocks.card.message import render
from bot.gateways.blocks.reasons import blocker
from tests.builders import SAM, a_catalog, a_lock
from tests.clocks import NOON
from tests.gateways.blocks.cards import KNOWN, a_card
from tests.gateways.blocks.oracles import assert_sound

SINCE = "<!date^1795262400^{date_short_pretty} at {time}|2026-11-21 12:00 UTC>"
UNTIL = "<!date^1795269600^{date_short_pretty} at {time}|2026-11-21 14:00 UTC>"
LONG = "word " * 200


def reason(**changes):
    return reason_of(a_lock(**changes), a_catalog())


def shown(message) -> str:
    return "\n".join(block["text"]["text"] for block in message.blocks if block["type"] == "section")


def test_a_lock_is_one_line_with_all_there_is_to_know():
    assert blocker(reason()) == (
        f":lock: production is locked: the database moves. _Since {SINCE}, by <@{SAM.id}>._ "
        "Until somebody lifts the lock. Who can lift it: <!subteam^S0SRE00001>."
    )
    assert f" Until {UNTIL}. Who can" in blocker(reason(until=NOON + timedelta(hours=2)))


@pytest.mark.parametrize(
    ("holder", "name"),
    [
        (Operator("root"), "`root` on the host"),
        (CiIdentity("https://ci.example", "repo:x", SAM.id), f"<@{SAM.id}> by `repo:x`"),
        (System("rules"), "Nomatron"),
    ],
)
def test_whoever_placed_it_has_a_name(holder, name):
    assert f", by {name}._" in blocker(reason(holder=holder))


def test_a_lock_that_nobody_in_slack_can_lift_names_nobody():
    alone = reason_of(a_lock(), a_catalog(grants=()))
    assert blocker(alone).endswith("Until somebody lifts the lock.")


@pytest.mark.parametrize("status", [Status.PLANNING, Status.WAITING, Status.READY])
def test_however_long_the_reason_is_the_message_says_who_can_lift_it(status):
    closed = tuple(reason(reason=LONG, service="s" * 60, until=NOON) for _ in range(4))
    detail = {"detail": LONG * 2, "blocked": closed}

    message = render(a_card(status, locks=closed, deploy=detail))

    text = shown(message)
    assert text.count("Who can lift it: <!subteam^S0SRE00001>.") >= 1
    assert "_… and more locks: `/deploy status`_" in text
    assert_sound(message, KNOWN)


def test_a_message_shows_the_locks_of_now_and_not_those_of_when_it_was_held():
    lifted = a_card(Status.READY, deploy={"blocked": (reason(),)})
    assert "locked" not in shown(render(lifted))
    held = replace(lifted, locks=(reason(),))
    assert shown(render(held)).count("production is locked") == 1
    assert answers.one(held).text.count("production is locked") == 1


def test_a_note_says_its_reasons_right_after_its_first_sentence():
    message = note.render(Note(text="A lock was placed.", lines=("To lift it: so.",), reasons=(reason(),)))
    first, second, third = message.text.splitlines()
    assert (first, third) == ("A lock was placed.", "To lift it: so.")
    assert second == blocker(reason())


def test_the_overview_begins_with_the_locks_the_newest_first():
    closed = (reason(environment="staging"), reason(environment=""))
    message = overview.matrix(Matrix((), (), closed=closed))
    assert message.text.splitlines()[1].startswith(":lock: Everything is locked")
    assert message.text.splitlines()[2].startswith(":lock: staging is locked")


def test_any_number_of_locks_is_one_message():
    closed = tuple(reason(reason=LONG, until=NOON) for _ in range(40))
    row = (Cell("checkout", "staging", None, ()),)
    message = overview.matrix(Matrix(("staging",), (row,), closed=closed))
    assert_sound(message, KNOWN)
    locks, service = (block["text"]["text"] for block in message.blocks)
    assert locks.endswith("_… and more locks. All of them: `nomatron status`_")
    assert service.startswith("*checkout*")
    assert_sound(overview.matrix(Matrix((), (), closed=closed)), KNOWN)
    few = overview.matrix(Matrix(("staging",), (row,), closed=tuple(reason() for _ in range(11))))
    assert shown(few).count(":lock:") == 10
    assert "more locks" in shown(few)


def test_the_answers_say_what_was_done():
    placed = answers.locked(a_lock(), a_catalog())
    assert placed.text.splitlines()[0] == blocker(reason())
    assert placed.text.endswith("To lift the lock: `/deploy unlock production because TEXT`.")
    lifted = answers.unlocked(a_lock(reason=LONG))
    assert lifted.text.startswith(f":unlock: The lock on production was lifted. <@{SAM.id}> had placed it {SINCE}: ")
    assert_sound(placed, KNOWN)
    assert_sound(lifted, KNOWN)
