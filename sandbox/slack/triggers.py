"""Trigger ids prove that a person just acted; each opens one view within three seconds."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.slack.refusals import SlackError

if TYPE_CHECKING:
    from collections.abc import Callable

LIFETIME = 3.0  # seconds after Slack issues it


@dataclass
class Trigger:
    """A trigger: the person who acted, when it expires, and the view they clicked in (None: a command or a message)."""

    user: str
    expires: float
    view: str | None
    used: bool = False


class TriggerBook:
    """Issues trigger ids, and accepts each of them once."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._issued: dict[str, Trigger] = {}

    def issue(self, user: str, view: str | None = None) -> str:
        """A new trigger id for that person."""
        key = f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._issued[key] = Trigger(user, self._now() + LIFETIME, view)
        return key

    def take(self, key: str) -> Trigger:
        """Use up a trigger id; raises SlackError with Slack's name if it is unknown, used already or too old."""
        # Check for use before expiry: Slack calls a used id "exchanged" even after it has expired.
        trigger = self._issued.get(key)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self._now() > trigger.expires:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger
