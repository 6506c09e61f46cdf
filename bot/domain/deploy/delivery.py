"""How long an undelivered Slack message is worth sending, and how long to wait between two tries."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bot.domain.deploy.message import Delivery

_PATIENCE: Final = timedelta(hours=1)


def worth_sending(kind: Delivery, age: timedelta) -> bool:
    """Whether a message of this age is still useful. A private answer is useful for an hour; all others always are."""
    return kind is not Delivery.TELL or age < _PATIENCE


def back_off(tries: int) -> timedelta:
    """How long to wait before the next try: 1 s, doubled each time, at most 60 s."""
    return timedelta(seconds=min(60, 2 ** min(tries, 6)))
