"""Modals: the reason for a rejection, and what replaces a modal that cannot go on."""

from __future__ import annotations

from typing import Final

from bot.domain.policy import LONGEST_REASON, SHORTEST_REASON
from bot.gateways.blocks.parts import Json, Message, plain, section
from bot.gateways.blocks.text import words

REJECT: Final = "deploy.reject"
"""The callback id of the Reject modal."""

REASON_BLOCK, REASON_ACTION = "reason", "text"


def reject(number: str, value: str, what: str) -> Json:
    """Asks why; ``value`` (``D-12:2``) comes back with the answer."""
    field = {
        "type": "plain_text_input",
        "action_id": REASON_ACTION,
        "multiline": True,
        "min_length": SHORTEST_REASON,
        "max_length": LONGEST_REASON,
        "focus_on_load": True,
        "placeholder": plain("What has to change, and for whom?", 150),
    }
    ask = {
        "type": "input",
        "block_id": REASON_BLOCK,
        "label": plain("Why?", 2000),
        "hint": plain("The reason stands on the deploy's message, and is kept.", 2000),
        "element": field,
    }
    # danger is stated before the field: a modal has no confirm dialog of its own
    told = f"*{words(number, 40)}* {words(what, 500)} will be rejected. That is final: it then needs a new request."
    return {
        "type": "modal",
        "callback_id": REJECT,
        "private_metadata": value,
        "title": plain(f"Reject {number}", 24),
        "submit": plain("Reject", 24),
        "close": plain("Cancel", 24),
        "blocks": [{**section(told), "block_id": "told"}, ask],
    }


def instead(title: str, message: Message) -> Json:
    """What a modal is replaced by when it cannot go on."""
    return {
        "type": "modal",
        "title": plain(title, 24),
        "close": plain("Close", 24),
        "blocks": list(message.blocks) or [section(message.text)],
    }
