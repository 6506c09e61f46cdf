"""Slack's cursor paging: `limit`, `cursor`, and the next cursor in `response_metadata`."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from sandbox.slack.refusals import SlackError

if TYPE_CHECKING:
    from sandbox.slack.arguments import Arguments
    from sandbox.slack.state import Json

MOST = 1_000


def page(name: str, everything: list[Any], arguments: Arguments) -> Json:
    """The page of `everything` that the call requests, under `name`; no limit (0) means Slack's maximum."""
    limit = arguments.number("limit", 0)
    if not 0 <= limit <= MOST:
        raise SlackError("invalid_limit")
    start = _start(arguments.text("cursor"))
    end = start + (limit or MOST)
    following = base64.b64encode(f"next:{end}".encode()).decode() if end < len(everything) else ""
    return {name: everything[start:end], "response_metadata": {"next_cursor": following}}


def _start(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:"))
    except (binascii.Error, ValueError) as wrong:
        raise SlackError("invalid_cursor") from wrong
