"""What operations need from Slack: ``Directory`` (who people are) and ``Chat`` (what we say)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection

    from bot.domain.access import Membership
    from bot.domain.deploy.message import Card, Note, Way
    from bot.domain.digest.report import DigestCard, Layout


class Directory(Protocol):
    """Knows the people in Slack and their user groups."""

    @property
    def team(self) -> str:
        """The id of our workspace; empty until the first successful call to Slack."""

    @property
    def enterprise(self) -> str:
        """The id of our organisation on Enterprise Grid; empty on other plans, and until the first call to Slack."""

    def link(self, channel: str, ts: str) -> str:
        """The URL of a message in our workspace; empty until the first successful call to Slack."""

    async def introduce(self) -> object:
        """Ask Slack once who we are. Raises ``SlackUnavailable``, or ``TokenRefused`` for a token that is not valid."""

    async def standing(self) -> None:
        """Return if Slack accepted our token the last time it was asked; else raise what ``introduce`` raises.

        Takes 1.5 s at most. Slack is asked again in the background, at most once a minute, for the next caller.
        """

    async def membership(
        self, usergroups: Collection[str], users: Collection[str], *, background: bool = False
    ) -> Membership:
        """Who is in those user groups, and who those people are.

        Groups are no older than 5 s (concurrent callers share one read), people no older than 60 s. Takes 1.5 s at
        most. ``people`` has only ``users``; without ``usergroups`` Slack's user groups are not called. ``background``
        says that nobody waits for the answer: such reads use at most half of our rate limit. Raises
        ``MembershipUnknown`` if Slack does not answer.
        """


class DigestPosted(NamedTuple):
    """A digest's ``ts``; ``plainer`` if Slack refused the layout that was asked for and took a plainer one."""

    ts: str
    plainer: bool


class Chat(Protocol):
    """Slack's Web API for what we say.

    Every method raises ``SlackUnavailable`` (try again) or a ``SlackRefused``, whose subclasses say what to do instead:
    ``ChannelGone``, ``MessageGone``, ``BlocksRefused``, ``AppRefused`` (try again once somebody has fixed the app).
    If Slack refuses the blocks of a card or of a digest, the same call sends a plainer form at once: a card as text
    alone, a digest in the next plainer ``Layout``. ``SlackError.plainer`` says that this had happened before the error.
    """

    async def post_card(self, card: Card, channel: str) -> str:
        """Post a deploy's message; its ``ts``."""

    async def update_card(self, card: Card, channel: str, ts: str) -> None:
        """Replace a deploy's message by what the card shows now."""

    async def reply(self, channel: str, ts: str, note: Note) -> None:
        """Post a note in the message's thread."""

    async def tell(self, note: Note, *, user: str, channel: str, response_url: str) -> None:
        """Show a note to one person: by ``response_url`` if Slack takes it, else as an ephemeral, else directly."""

    async def announce(self, channel: str, note: Note) -> None:
        """Post a note as a message of its own in a channel."""

    async def strip(self, channel: str, ts: str, note: Note) -> None:
        """Replace a message that is no longer the deploy's own by a note without buttons."""

    async def post_digest(self, card: DigestCard, channel: str, layout: Layout) -> DigestPosted:
        """Post a digest in that layout, or in the first plainer one that Slack takes."""

    def resting(self) -> Collection[tuple[Way, str]]:
        """What Slack's limits let nobody send now: a way, and the channel that it rests for, empty if for every one."""

    def promise(self, ways: Collection[Way], channel: str) -> None:
        """Keep our own budget for a message that was claimed and may go these ways, so that no other is claimed on it.

        Until ``redeem``. A person's click still goes first.
        """

    def redeem(self, ways: Collection[Way], channel: str) -> None:
        """The promised message is sent, or will not be: what it did not use is free again."""

    async def upload(self, channel: str, ts: str, *, name: str, title: str, content: bytes) -> None:
        """Put a file into the message's thread. ``FileRefused`` if Slack will never take it."""
