"""Digests before every judge there is of what Slack takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.gateways.blocks.cells import MOST_MESSAGE, weight
from bot.sandbox.slack.blockkit.validator import message_problems, text_length
from bot.sandbox.slack.posting import BLOCKS_TEXT
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
