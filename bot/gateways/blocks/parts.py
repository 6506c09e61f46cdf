"""Block Kit's building blocks, within Slack's limits (https://docs.slack.dev/reference/block-kit/blocks)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bot.gateways.blocks.text import FIELD, SECTION, clean, cut

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Json = dict[str, Any]

MOST_BLOCKS: Final = 50
MOST_FIELDS: Final = 10
CODE: Final = 2900
"""Most characters of preformatted text."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a Web API method or a response is given: the text that stands for the blocks, and the blocks.

    ``plainer`` is the same message in simpler blocks or in none, to send if Slack refuses these.
    """

    text: str
    blocks: tuple[Json, ...] = ()
    metadata: Json | None = None
    plainer: Message | None = None

    def arguments(self) -> Json:
        """As the Web API's arguments."""
        metadata = {"metadata": self.metadata} if self.metadata else {}
        return {"text": self.text, "blocks": list(self.blocks), **metadata}


def mrkdwn(text: str, limit: int = SECTION) -> Json:
    """A text object of ready mrkdwn; verbatim, so that Slack makes no links of its own."""
    # callers stay within the limit; the cut only keeps a mistake from costing the whole message
    return {"type": "mrkdwn", "text": text[:limit], "verbatim": True}


def plain(text: str, limit: int = 75) -> Json:
    """A text object that Slack shows literally; it is never empty."""
    # nothing is read into plain text but emoji names, so nothing in it needs escaping
    return {"type": "plain_text", "text": cut(clean(text).strip(), limit) or "-", "emoji": True}


def section(text: str, accessory: Json | None = None) -> Json:
    """A section of ready mrkdwn."""
    return {"type": "section", "text": mrkdwn(text), **({"accessory": accessory} if accessory else {})}


def fields(texts: Sequence[str]) -> Json:
    """A section of at most ten short texts, drawn in two columns."""
    return {"type": "section", "fields": [mrkdwn(text, FIELD) for text in texts[:MOST_FIELDS]]}


def context(*texts: str) -> Json:
    """Small print."""
    return {"type": "context", "elements": [mrkdwn(text) for text in texts[:10]]}


def actions(buttons: Iterable[Json]) -> Json:
    """A row of buttons."""
    return {"type": "actions", "elements": list(buttons)[:25]}


def preformatted(text: str) -> Json:
    """Literal text in a fixed width, cut at 2,900 characters; nothing in it is ever read as markup."""
    shown = cut(clean(text).rstrip(), CODE) or "-"
    body = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": shown}]}
    return {"type": "rich_text", "elements": [body]}


def button(label: str, action_id: str, value: str, *, style: str = "", hint: str = "") -> Json:
    """A button; ``hint`` is what a screen reader says of it."""
    extra = {**({"style": style} if style else {}), **({"accessibility_label": cut(clean(hint), 75)} if hint else {})}
    return {"type": "button", "action_id": action_id, "value": value[:2000], "text": plain(label), **extra}


def confirm(title: str, text: str, yes: str, no: str = "Not now") -> Json:
    """A dialog that asks before a click counts."""
    return {"title": plain(title, 100), "text": plain(text, 300), "confirm": plain(yes, 30), "deny": plain(no, 30)}


def overflow(action_id: str, choices: Sequence[tuple[str, str]]) -> Json | None:
    """A menu of at most five (label, value); None if there are no choices."""
    options = [{"text": plain(label), "value": value[:150]} for label, value in choices[:5]]
    return {"type": "overflow", "action_id": action_id, "options": options} if options else None


def with_block_ids(blocks: Sequence[tuple[str, Json]], subject: str) -> tuple[Json, ...]:
    """The blocks, each with a ``block_id`` of name, subject and a revision that changes with what they show.

    Slack wants a new id whenever a message's block is updated (https://docs.slack.dev/reference/block-kit/blocks).
    """
    # by content, not by counter: the same state gives the same message on every replica and after every restart
    shown = json.dumps(blocks, sort_keys=True).encode()
    revision = hashlib.sha256(shown).hexdigest()[:8]
    return tuple({**block, "block_id": f"{name}:{subject}:{revision}"} for name, block in blocks[:MOST_BLOCKS])
