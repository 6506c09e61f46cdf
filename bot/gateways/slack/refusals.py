"""Which error each of Slack's codes becomes. No other ring compares these codes.

Slack documents the codes of each method at https://docs.slack.dev/reference/methods; it adds new ones without notice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.errors import (
    AppRefused,
    BlocksRefused,
    ChannelGone,
    MessageGone,
    PlanRequired,
    ScopeMissing,
    SlackRefused,
    TokenRefused,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

RATE_LIMITED: Final = frozenset({"ratelimited", "rate_limited"})
"""Slack asks to wait; a ``Retry-After`` header says how long."""
PASSING: Final = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
)
"""Slack has a problem of its own: the call was fine, and Slack may have done what it asked."""

_CODES: Final[Mapping[type[SlackRefused], tuple[str, ...]]] = {
    ChannelGone: (
        "channel_not_found", "is_archived", "not_in_channel", "restricted_action", "user_not_in_channel",
        "restricted_action_read_only_channel", "restricted_action_thread_only_channel", "message_limit_exceeded",
        "restricted_action_non_threadable_channel", "channel_type_not_supported",
    ),
    MessageGone: ("message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"),
    BlocksRefused: ("invalid_blocks", "invalid_blocks_format", "msg_too_long", "msg_blocks_too_long"),
    PlanRequired: ("plan_upgrade_required", "paid_teams_only"),
    TokenRefused: ("invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"),
    ScopeMissing: ("missing_scope",),
    AppRefused: (
        "org_login_required", "team_access_not_granted", "ekm_access_denied", "accesslimited", "no_permission",
    ),
}  # fmt: skip
_KINDS: Final = {code: kind for kind, codes in _CODES.items() for code in codes}


def refusal(code: str, detail: str = "") -> SlackRefused:
    """The error for a code of Slack's; plain ``SlackRefused`` for a code that is not in the table."""
    return _KINDS.get(code, SlackRefused)(code, detail)
