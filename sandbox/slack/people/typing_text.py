"""Escapes the text that a person types after a slash command, as Slack does for commands with `should_escape`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace

# One pass over the text, so that no rule escapes the result of another.
_TOKEN = re.compile(
    r"<(?P<user_id>@[UW][A-Z0-9]+)(?:\|[^>]*)?>"
    r"|<(?P<channel_id>\#C[A-Z0-9]+)(?:\|[^>]*)?>"
    r"|<!subteam\^(?P<group_id>S[A-Z0-9]+)(?:\|[^>]*)?>"
    r"|(?<![\w@])@(?P<name>[\w.-]+)"
    r"|(?<![\w#])\#(?P<channel>[\w-]+)"
    r"|(?P<url>https?://[^\s<>]+)"
    r"|(?P<special>[&<>])"
)
_SPECIAL = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escape(workspace: Workspace, text: str) -> str:
    """`@alice` and `<@U..>` become `<@U..|alice>`, likewise channels, groups and links; other `&<>` become entities.

    Unknown names stay unchanged.
    """
    return _TOKEN.sub(lambda found: _escape(workspace, found), text)


def _escape(workspace: Workspace, found: re.Match[str]) -> str:
    parts = found.groupdict()
    if parts["special"]:
        return _SPECIAL[parts["special"]]
    if parts["url"]:
        return f"<{parts['url'].replace('&', '&amp;')}>"
    if parts["user_id"]:
        return _user(workspace, parts["user_id"][1:], found)
    if parts["channel_id"] or parts["channel"]:
        return _channel(workspace, parts["channel_id"], parts["channel"], found)
    return _group(workspace, parts["group_id"], parts["name"], found)


def _user(workspace: Workspace, user: str, found: re.Match[str]) -> str:
    person = workspace.person(user)
    return f"<@{person.id}|{person.name}>" if person else found.group()


def _channel(workspace: Workspace, by_id: str | None, by_name: str | None, found: re.Match[str]) -> str:
    wanted = by_id[1:] if by_id else by_name
    channel = next((one for one in workspace.channels if wanted in {one.id, one.name} and not one.is_direct), None)
    return f"<#{channel.id}|{channel.name}>" if channel else found.group()


def _group(workspace: Workspace, group_id: str | None, name: str | None, found: re.Match[str]) -> str:
    group = next((one for one in workspace.groups if one.id == group_id or one.handle == name), None)
    if group is not None:
        return f"<!subteam^{group.id}|@{group.handle}>"
    person = next((one for one in workspace.people if one.name == name), None)
    return f"<@{person.id}|{person.name}>" if person else found.group()
