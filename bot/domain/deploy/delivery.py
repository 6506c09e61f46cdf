"""What to do with a message that Slack did not take."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Final

from bot.domain.deploy.message import Delivery

_DEAD_CHANNEL: Final = frozenset(
    {
        "channel_not_found", "is_archived", "not_in_channel", "restricted_action", "user_not_in_channel",
        "restricted_action_read_only_channel", "restricted_action_thread_only_channel", "message_limit_exceeded",
        "restricted_action_non_threadable_channel", "channel_type_not_supported",
    }
)  # fmt: skip
_BLOCKS: Final = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_too_long", "msg_blocks_too_long"})
_GONE: Final = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"})
_MENDED_OUTSIDE: Final = frozenset(
    {
        "invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "missing_scope",
        "ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout",
        "org_login_required", "team_access_not_granted", "ekm_access_denied", "accesslimited", "no_permission",
    }
)  # fmt: skip


class Fate(StrEnum):
    """What becomes of it."""

    LATER = "later"
    PLAIN = "plain"
    ANEW = "anew"
    ELSEWHERE = "elsewhere"
    DROP = "drop"


def fate(error: str) -> Fate:
    """By Slack's error code: later what a person mends, plainly, anew, in the admin channel, or not at all."""
    if error in _MENDED_OUTSIDE:
        return Fate.LATER
    if error in _BLOCKS:
        return Fate.PLAIN
    if error in _GONE:
        return Fate.ANEW
    return Fate.ELSEWHERE if error in _DEAD_CHANNEL else Fate.DROP


_PATIENCE: Final = timedelta(hours=1)


def worth_sending(kind: Delivery, age: timedelta) -> bool:
    """Whether it is still of use: a private answer is not, an hour later; what a channel should know always is."""
    return kind is not Delivery.TELL or age < _PATIENCE


def back_off(tries: int) -> timedelta:
    """How long to wait before the next try: 1 s, doubled each time, at most 60 s."""
    return timedelta(seconds=min(60, 2 ** min(tries, 6)))
