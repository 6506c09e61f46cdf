from __future__ import annotations

from typing import TYPE_CHECKING

from bot.operations.outbox.strays import adopt
from tests.operations.acts import asked, delivered, planned

if TYPE_CHECKING:
    from tests.fakes import World

PROD = "C0PROD0001"


async def strips(world: World) -> list[dict[str, str]]:
    await delivered(world)
    return [where for kind, _, where in world.chat.said if kind == "strip"]


async def test_a_click_on_the_other_message_has_its_buttons_taken_off(world: World):
    await planned(world, "production")
    await delivered(world)

    await adopt(world.ports(), 1, channel=PROD, ts="0.9")

    assert await strips(world) == [{"channel": PROD, "ts": "0.9"}]
    note = next(note for kind, note, _ in world.chat.said if kind == "strip")
    assert note.text == "This is a duplicate. Use the other message of D-1 in this channel."


async def test_a_click_on_its_own_message_changes_nothing(world: World):
    await planned(world, "production")
    await delivered(world)

    await adopt(world.ports(), 1, channel=PROD, ts="1.0")

    assert await strips(world) == []


async def test_without_a_posted_message_there_is_nothing_to_point_at(world: World):
    await asked(world)

    await adopt(world.ports(), 1, channel=PROD, ts="0.9")

    assert await strips(world) == []
