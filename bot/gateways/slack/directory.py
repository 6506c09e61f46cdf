"""Who is in which user group, and who people are: recent answers of Slack's, or an error, never a guess."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bot.domain.access import Membership, Person
from bot.errors import MembershipUnknown, SlackError, SlackRefused, SlackUnavailable, TokenRefused
from bot.gateways.slack.methods import AUTH_TEST, BOTS_INFO, GROUP_MEMBERS, GROUPS, PERSON
from bot.gateways.slack.shared import Shared

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from bot.gateways.slack.connection import Connection
    from bot.ports import Clock

    Call = Callable[..., Awaitable[dict[str, Any]]]

GROUPS_FRESH = 5.0
PEOPLE_FRESH = 60.0
TIME_OUT = 1.5
"""Seconds: the greatest age of groups and of people that decisions use, and how long a click waits for them."""
ASKED_AGAIN = 60.0
"""Seconds after which Slack is asked again whether it still accepts our token, if somebody wants to know."""

# callers share a read: one that hangs must not hold up those who come later
_READ_TIME_OUT = 3.0
_ALL_GROUPS = "*"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are to Slack: workspace, bot user, bot, and app; ``address`` is the workspace's, with its last slash.

    ``enterprise`` is the organisation on Enterprise Grid. The last three are empty if Slack does not tell them.
    """

    team: str
    bot_user: str
    bot: str
    app: str
    address: str
    enterprise: str


class SlackDirectory:
    """``bot.ports.slack.Directory`` over the Web API; also knows who we are ourselves."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._identity: Identity | None = None
        self._introductions: Shared[Identity] = Shared(float("inf"))
        self._standings: Shared[None] = Shared(ASKED_AGAIN)
        self._groups: Shared[frozenset[str]] = Shared(GROUPS_FRESH)
        self._lists: Shared[dict[str, frozenset[str]]] = Shared(GROUPS_FRESH)
        self._people: Shared[Person | None] = Shared(PEOPLE_FRESH)

    @property
    def identity(self) -> Identity | None:
        """Who we are, once Slack was reached."""
        return self._identity

    @property
    def team(self) -> str:
        """Our own workspace's id; empty until Slack was reached for the first time."""
        return self._identity.team if self._identity else ""

    @property
    def enterprise(self) -> str:
        """Our organisation's id on Enterprise Grid, else empty; empty until Slack was reached."""
        return self._identity.enterprise if self._identity else ""

    @property
    def app(self) -> str:
        """Our app's id; empty until Slack was reached, or if it does not tell."""
        return self._identity.app if self._identity else ""

    def link(self, channel: str, ts: str) -> str:
        """The address of a message, in the form of Slack's own links; empty until Slack was reached."""
        address = self._identity.address if self._identity else ""
        return f"{address}archives/{quote(channel, safe='')}/p{quote(ts.replace('.', ''), safe='')}" if address else ""

    async def introduce(self) -> Identity:
        """Ask Slack who we are, once in this process. ``SlackUnavailable``, or ``TokenRefused`` for a bad token."""
        self._identity = await self._introductions.get("us", self._ask_who_we_are)
        return self._identity

    async def standing(self) -> None:
        """Return if Slack accepted our token the last time it was asked; else raise why not."""
        try:
            async with asyncio.timeout(TIME_OUT):
                await self.introduce()
        except TimeoutError as error:
            raise SlackUnavailable(f"Slack did not answer within {TIME_OUT} s") from error
        # nobody waits for this: the next caller gets the result
        self._standings.start("ours", self._ask_standing)
        refused = self._connection.token_refused
        if refused is not None:
            # a new error each time: one that is raised twice collects the tracebacks of both
            raise TokenRefused(refused.error, refused.detail)

    async def membership(
        self, usergroups: Collection[str], users: Collection[str], *, background: bool = False
    ) -> Membership:
        """Who is in those user groups, and who those people are, in 1.5 s at most; else ``MembershipUnknown``."""
        try:
            async with asyncio.timeout(TIME_OUT):
                return await self._membership(frozenset(usergroups), sorted(frozenset(users)), background)
        except TimeoutError as error:
            raise MembershipUnknown(f"Slack did not answer within {TIME_OUT} s") from error
        except SlackError as error:
            raise MembershipUnknown(f"Slack group membership is unavailable: {error}") from error

    async def close(self) -> None:
        """Cancel the reads that are under way."""
        await asyncio.gather(
            *(
                shared.close()
                for shared in (self._introductions, self._standings, self._groups, self._lists, self._people)
            )
        )

    async def _membership(self, usergroups: frozenset[str], users: list[str], background: bool) -> Membership:  # noqa: FBT001 -- as it was given
        call = partial(self._connection.call, within=_READ_TIME_OUT, background=background)
        # together, so that a click waits for the slowest call, not for their sum
        people, ours, _ = await asyncio.gather(
            self._persons(users, call), self.introduce(), self._members(usergroups, call)
        )
        # costs no call, unless the other two took so long that the groups are too old by now
        groups = await self._members(usergroups, call)
        return Membership(team=ours.team, at=self._clock.now(), usergroups=groups, people=people)

    async def _persons(self, users: list[str], call: Call) -> dict[str, Person]:
        reads = (self._people.get(user, partial(self._ask_person, user, call)) for user in users)
        found = await asyncio.gather(*reads)
        return {person.id: person for person in found if person is not None}

    async def _ask_standing(self) -> None:
        # the connection keeps the result; a failed try counts, too, or every caller would start another
        with suppress(SlackError):
            await self._connection.call(AUTH_TEST, within=_READ_TIME_OUT)

    async def _ask_who_we_are(self) -> Identity:
        us = await self._connection.call(AUTH_TEST, within=_READ_TIME_OUT)
        bot, app = str(us.get("bot_id") or ""), ""
        try:
            if bot:
                info = await self._connection.call(BOTS_INFO, within=_READ_TIME_OUT, bot=bot)
                app = str((info.get("bot") or {}).get("app_id") or "")
        except SlackRefused:
            # a token without users:read may not ask; requests are then accepted without comparing the app's id
            app = ""
        team, user = str(us.get("team_id") or ""), str(us.get("user_id") or "")
        address, enterprise = _address(str(us.get("url") or "")), str(us.get("enterprise_id") or "")
        return Identity(team, user, bot, app, address, enterprise)

    async def _members(self, usergroups: frozenset[str], call: Call) -> dict[str, frozenset[str]]:
        """Who is in each group, with one call at most: one group alone, or the list of all groups."""
        # user groups are tier 2, twenty calls a minute: each group read by itself would spend them on one busy click
        stale = [group for group in usergroups if not self._groups.fresh(group)]
        if stale and (len(usergroups) > 1 or self._lists.reading(_ALL_GROUPS)):
            listed = await self._lists.get(_ALL_GROUPS, partial(self._list_groups, call))
            known = {each: self._groups.known(each) for each in usergroups if each not in stale}
            return {**known, **{each: listed.get(each, frozenset()) for each in stale}}
        for group in stale:
            await self._groups.get(group, partial(self._group, group, call))
        return {group: self._groups.known(group) for group in usergroups}

    async def _list_groups(self, call: Call) -> dict[str, frozenset[str]]:
        # their age counts from the question: Slack may have answered from before
        asked_at = time.monotonic()
        answer = await call(GROUPS, include_users=True)
        listed = {
            str(each.get("id")): frozenset(map(str, each.get("users") or ()))
            for each in answer.get("usergroups") or ()
            # a disabled group still lists its people, but is no group any more
            if not each.get("date_delete")
        }
        for group, users in listed.items():
            self._groups.keep(group, users, asked_at)
        return listed

    async def _group(self, usergroup: str, call: Call) -> frozenset[str]:
        try:
            answer = await call(GROUP_MEMBERS, usergroup=usergroup)
        except SlackRefused as error:
            if error.error == "no_such_subteam":
                # the group is disabled or deleted: nobody is in it
                return frozenset()
            raise
        return frozenset(map(str, answer.get("users") or ()))

    async def _ask_person(self, user: str, call: Call) -> Person | None:
        try:
            answer = await call(PERSON, user=user)
        except SlackRefused as error:
            if error.error in {"user_not_found", "user_not_visible"}:
                return None
            raise
        return person_from(user, answer.get("user") or {})


def _address(url: str) -> str:
    """The workspace's address with its last slash; empty if it is not https."""
    return url.rstrip("/") + "/" if url.startswith("https://") else ""


def person_from(user: str, info: dict[str, Any]) -> Person:
    """A person from Slack's user object (https://docs.slack.dev/reference/objects/user-object); no flag means false."""
    return Person(
        id=user,
        team=str(info.get("team_id") or ""),
        deleted=bool(info.get("deleted")),
        bot=bool(info.get("is_bot") or info.get("is_app_user") or info.get("is_workflow_bot")),
        guest=bool(info.get("is_restricted") or info.get("is_ultra_restricted")),
        stranger=bool(info.get("is_stranger")),
        name=str(info.get("real_name") or info.get("name") or "")[:120],
        teams=frozenset(map(str, (info.get("enterprise_user") or {}).get("teams") or ())),
    )
