"""Slack as ``doctor`` examines it: the token and its scopes, and what the catalog's ids belong to."""

from __future__ import annotations

import asyncio
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from bot.domain.diagnosis.slack import BotToken, Channel, UserGroup
from bot.errors import SlackRefused
from bot.gateways.slack.directory import person_from
from bot.gateways.slack.manifest import scopes
from bot.gateways.slack.methods import AUTH_TEST, CHANNEL, GROUPS, PERSON

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bot.domain.access import Person
    from bot.gateways.slack.connection import Connection
    from bot.gateways.slack.methods import Method


class SlackExaminer:
    """``bot.ports.doctor.ExaminedSlack`` over the Web API."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def needed(self) -> frozenset[str]:
        """The bot scopes of the manifest."""
        return frozenset(scopes())

    async def token(self) -> BotToken:
        """Whose the token is, its scopes, and Slack's clock."""
        answer = await self._connection.answer(AUTH_TEST)
        granted = answer.headers.get("x-oauth-scopes")
        return BotToken(
            team=str(answer.data.get("team_id") or ""),
            team_name=str(answer.data.get("team") or ""),
            scopes=None if granted is None else frozenset(part.strip() for part in granted.split(",") if part.strip()),
            date=_instant(answer.headers.get("date", "")),
            org_wide=answer.data.get("is_enterprise_install") is True,
        )

    async def channel(self, channel: str) -> Channel | None:
        """A conversation; None if there is none that the app may see."""
        await self._turn(CHANNEL)
        try:
            found = await self._connection.call(CHANNEL, channel=channel)
        except SlackRefused as error:
            if error.error == "channel_not_found":
                return None
            raise
        return _channel(channel, found.get("channel") or {})

    async def usergroups(self) -> Mapping[str, UserGroup]:
        """Every user group of the workspace by its id, disabled ones too."""
        answer = await self._connection.call(GROUPS, include_users=True, include_disabled=True)
        groups = (_usergroup(each) for each in answer.get("usergroups") or ())
        return {group.id: group for group in groups}

    async def person(self, user: str) -> Person | None:
        """A person; None if Slack knows nobody with that id."""
        await self._turn(PERSON)
        try:
            found = await self._connection.call(PERSON, user=user)
        except SlackRefused as error:
            if error.error in {"user_not_found", "user_not_visible"}:
                return None
            raise
        return person_from(user, found.get("user") or {})

    async def _turn(self, method: Method) -> None:
        """Wait until our rate limit allows the method: a large catalog takes longer instead of failing."""
        while (wait := self._connection.budget.wait(method)) > 0:  # noqa: ASYNC110 -- tokens refill with time, there is no event
            await asyncio.sleep(wait)


def _channel(channel: str, info: dict[str, Any]) -> Channel:
    """A channel from Slack's conversation object (https://docs.slack.dev/reference/objects/conversation-object)."""
    return Channel(
        id=channel,
        name=str(info.get("name") or ""),
        archived=bool(info.get("is_archived")),
        private=bool(info.get("is_private")),
        member=bool(info.get("is_member")),
        external=bool(info.get("is_ext_shared") or info.get("is_pending_ext_shared")),
        direct=bool(info.get("is_im") or info.get("is_mpim")),
    )


def _usergroup(info: dict[str, Any]) -> UserGroup:
    """A group from Slack's user group object (https://docs.slack.dev/reference/objects/usergroup-object)."""
    return UserGroup(
        id=str(info.get("id")),
        handle=str(info.get("handle") or info.get("name") or ""),
        disabled=bool(info.get("date_delete")),
        members=len(info.get("users") or ()),
    )


def _instant(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None
