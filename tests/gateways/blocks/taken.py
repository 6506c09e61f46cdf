"""Digests before every judge there is of what Slack takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.gateways.blocks.cells import MOST_MESSAGE, weight
from sandbox.slack.blockkit.validator import message_problems, text_length
from sandbox.slack.posting import BLOCKS_TEXT
from tests.gateways.blocks.digests import KNOWN_PEOPLE, link_to
from tests.gateways.blocks.oracles import assert_sound

if TYPE_CHECKING:
    from bot.gateways.blocks.parts import Message

KNOWN = KNOWN_PEOPLE | {link_to(number) for number in range(2_000)}


def taken(message: Message) -> None:
    """Slack takes it, by every judge there is."""
    assert_sound(message, KNOWN)
    assert message_problems(list(message.blocks)) == []
    assert text_length(list(message.blocks)) <= BLOCKS_TEXT
    assert weight(list(message.blocks)) <= MOST_MESSAGE
    assert len(message.text) <= 4_000


def table(message: Message) -> list[list[str]]:
    """The table's cells in words."""
    (block,) = [block for block in message.blocks if block["type"] == "table"]
    return [[spoken(cell) for cell in row] for row in block["rows"]]


def spoken(value: Any) -> str:
    if isinstance(value, list):
        return "".join(map(spoken, value))
    if value["type"] == "user":
        return f"@{value['user_id']}"
    if value["type"] == "emoji":
        return f":{value['name']}:"
    return value["text"] if "text" in value else spoken(value["elements"])


def mrkdwn(message: Message) -> list[str]:
    """Every text of the blocks but the table's, in order."""
    found = []
    for block in message.blocks:
        objects = [block.get("text"), *block.get("fields", []), *block.get("elements", [])]
        found += [each["text"] for each in objects if each]
    return found
