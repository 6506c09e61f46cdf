"""How the simulated Slack says no: by Slack's own error names towards the bot, in words towards the sandbox's page."""

from __future__ import annotations

from typing import Any


class SlackError(Exception):
    """An answer `{"ok": false, "error": name}` with `fields` beside it; `retry_after` seconds make it an HTTP 429."""

    def __init__(self, name: str, *, retry_after: int | None = None, **fields: Any) -> None:
        super().__init__(name)
        self.name = name
        self.retry_after = retry_after
        self.fields = fields


def invalid_arguments(*messages: str) -> SlackError:
    """Slack's answer to a call whose arguments do not fit, one line for each fault."""
    return SlackError("invalid_arguments", response_metadata={"messages": [f"[ERROR] {line}" for line in messages]})


class ControlError(Exception):
    """A control call that cannot be done; `status` is the HTTP status, the text is shown to the person."""

    def __init__(self, text: str, status: int = 409) -> None:
        super().__init__(text)
        self.status = status
