"""The errors of the simulated Slack: Slack's own error names for the bot, and texts for the sandbox's page."""

from __future__ import annotations

from typing import Any


class SlackError(Exception):
    """The answer `{"ok": false, "error": name}` with further `fields`; with `retry_after` seconds it is an HTTP 429."""

    def __init__(self, name: str, *, retry_after: int | None = None, **fields: Any) -> None:
        super().__init__(name)
        self.name = name
        self.retry_after = retry_after
        self.fields = fields


def invalid_arguments(*messages: str) -> SlackError:
    """Slack's answer to a call with invalid arguments, with a line for each problem."""
    return SlackError("invalid_arguments", response_metadata={"messages": [f"[ERROR] {line}" for line in messages]})


class ControlError(Exception):
    """A control call that fails; `status` is the HTTP status, and the page shows the text."""

    def __init__(self, text: str, status: int = 409) -> None:
        super().__init__(text)
        self.status = status
