"""The whole plan in the thread: in a message, or as a file if no message holds it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.deploy.plan import Change
from bot.errors import ChannelGone, FileRefused, SlackUnavailable
from bot.operations.deploys.approve import approve
from bot.operations.deploys.decide import Origin
from tests.builders import BOB, SAM
from tests.operations.acts import delivered, planned, texts

if TYPE_CHECKING:
    from tests.fakes import World

MANY = tuple(
    Change(path=("group web", "task app", f"env KEY_{number:03}"), kind="Edited", old="a" * 90, new="b" * 90)
    for number in range(100)
)
FILE = "Every change of plan 1: /deploy plan D-1"


async def test_a_plan_that_fits_is_one_message(world: World) -> None:
    world.nomad.changes = MANY[:3]
    await planned(world, "production")
    await delivered(world)

    ((_, note, _),) = world.chat.said
    assert all(f"env KEY_{number:03}" in note.code for number in range(3))
    assert world.chat.uploads == []


async def test_a_long_plan_is_a_file_under_its_beginning(world: World) -> None:
    world.nomad.changes = MANY
    await planned(world, "production")
    await delivered(world)

    ((_, note, _),) = world.chat.said
    assert note.code.startswith("100 changes, none flagged:")
    assert "The whole plan is in the file below." in note.lines[-1]
    (file,) = world.chat.uploads
    assert (file.channel, file.ts, file.name, file.title) == (
        "C0PROD0001", "1.0", "D-1-plan-1.txt", "Plan 1 of D-1",
    )  # fmt: skip
    content = file.content.decode()
    assert all(f"env KEY_{number:03}: {'a' * 90} → {'b' * 90}" in content for number in range(100))
    assert "Plan 1 of D-1: checkout v1.4.2 to production" in content


@pytest.mark.parametrize("lacks_scope", [True, False])
async def test_without_the_file_the_thread_says_where_the_plan_is(world: World, *, lacks_scope: bool) -> None:
    world.nomad.changes = MANY
    await planned(world, "production")
    world.chat.refusals = [None, None, FileRefused("missing_scope", lacks_scope=lacks_scope)]
    await delivered(world)

    assert world.chat.uploads == []
    _, (_, note, _) = world.chat.said
    assert note.text == "The file with the whole plan 1 is missing: Slack refused it (missing_scope)."
    assert note.lines[0].endswith("`/deploy plan D-1` shows every change, page by page.")
    assert ("`nomatron doctor`" in note.lines[0]) == lacks_scope


async def test_a_file_that_slack_did_not_take_is_tried_again(world: World) -> None:
    world.nomad.changes = MANY
    await planned(world, "production")
    world.chat.refusals = [None, None, SlackUnavailable("no answer")]
    await delivered(world)
    assert world.chat.uploads == []

    world.clock.advance(timedelta(minutes=1))
    await delivered(world)
    assert len(world.chat.uploads) == 1


async def test_without_a_message_the_operators_read_where_the_plan_is(world: World) -> None:
    world.nomad.changes = MANY
    await planned(world, "production")
    world.chat.refusals = [ChannelGone("is_archived"), ChannelGone("is_archived")]
    await delivered(world)

    assert world.chat.uploads == []
    assert f"About D-1: {FILE}" in texts(world, "announce")


async def test_approvals_stay_in_the_thread(world: World) -> None:
    deploy = await planned(world, "production")
    for who, note in ((BOB, "looks good"), (SAM, "")):
        await approve(world.ports(), who, deploy.id, plan=1, note=note, origin=Origin())
    await delivered(world)

    said = [(note.text, note.said) for kind, note, _ in world.chat.said if kind == "reply"]
    assert said[1] == ("1 of 2 approvals:", ((BOB.id, "looks good"),))
    assert said[2][0].startswith("D-1 has every approval it needs")
    assert said[2][1] == ((BOB.id, "approved for owners of checkout: looks good"), (SAM.id, "approved for sre."))
