"""Adds what Slack adds when it stores blocks: missing ids, and the defaults of text objects."""

from __future__ import annotations

import secrets
from typing import Any

from sandbox.slack.blockkit.validator import interactive

_WITHOUT_ACTION = frozenset({"image", "plain_text", "mrkdwn", "card"})


def fill_blocks(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A deep copy of valid blocks with every block_id, action_id and text default that Slack fills in."""
    return [_fill_block(_with_text_defaults(block)) for block in blocks]


def fill_view(view: dict[str, Any]) -> dict[str, Any]:
    """A deep copy of a valid view with filled-in blocks, and the defaults of its title and buttons."""
    return {**_with_text_defaults(view), "blocks": fill_blocks(view["blocks"])}


def _fill_block(block: dict[str, Any]) -> dict[str, Any]:
    block["block_id"] = block.get("block_id") or secrets.token_urlsafe(4)[:5]
    for _, element in interactive(block):
        if element.get("type") not in _WITHOUT_ACTION:
            element["action_id"] = element.get("action_id") or secrets.token_urlsafe(4)[:5]
    block_lists = [
        block[name]
        for name in ("child_blocks", "elements")
        if block["type"] in {"container", "carousel"} and isinstance(block.get(name), list)
    ]
    for children in block_lists:
        for child in children:
            _fill_block(child)
    return block


def _with_text_defaults(value: Any) -> Any:
    # Text objects occur at many depths, and only they have these types.
    if isinstance(value, list):
        return [_with_text_defaults(one) for one in value]
    if not isinstance(value, dict):
        return value
    copy = {name: _with_text_defaults(one) for name, one in value.items()}
    if copy.get("type") == "plain_text":
        copy.setdefault("emoji", True)
    if copy.get("type") == "mrkdwn":
        copy.setdefault("verbatim", False)
    return copy
