"""The ports for Slack: who people are (``Directory``), and posting messages (``Chat``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection

    from bot.domain.access import Membership
    from bot.domain.deploy.message import Card, Note
    from bot.domain.digest.report import DigestCard, Look


class Directory(Protocol):
    """Knows the people in Slack and their user groups."""

    @property
    def team(self) -> str:
        """The id of our workspace; empty until the first successful call to Slack."""

    def link(self, channel: str, ts: str) -> str:
        """The URL of a message in our workspace; empty until the first successful call to Slack."""

    async def introduce(self) -> object:
        """Ask Slack for our workspace and app; ``SlackUnavailable``, or ``SlackRefused`` if the token is invalid."""

    async def standing(self) -> None:
        """Return if Slack accepted our token the last time, else raise like ``introduce``.

        Takes at most 1.5 s. It asks Slack again in the background, at most once a minute, for the next caller.
        """

    async def membership(
        self, usergroups: Collection[str], users: Collection[str], *, background: bool = False
    ) -> Membership:
        """A snapshot of these user groups (at most 5 s old) and of these people (at most 60 s old), within 1.5 s.

        With ``background`` nobody waits for the answer, so half of Slack's rate limit stays reserved for others.
        Without ``usergroups``, Slack is not asked for user groups. Raises ``MembershipUnknown`` if Slack does not
        answer.
        """


class Chat(Protocol):
    """Posts to Slack. Every method may raise ``SlackUnavailable`` (try again) or ``SlackRefused`` (Slack's code)."""

    async def post_card(self, card: Card, channel: str, *, plain: bool = False) -> str:
        """Post a deploy's message; returns its ``ts``. ``plain``: text only, for use after Slack refused the blocks."""

    async def update_card(self, card: Card, channel: str, ts: str, *, plain: bool = False) -> None:
        """Update a deploy's message in place."""

    async def reply(self, channel: str, ts: str, note: Note) -> None:
        """Post a note in the message's thread."""

    async def tell(self, note: Note, *, user: str, channel: str, response_url: str) -> None:
        """Show a note to one person: by ``response_url`` if that works, else as ephemeral, else as direct message."""

    async def announce(self, channel: str, note: Note) -> None:
        """Post a note as a new message in a channel."""

    async def strip(self, channel: str, ts: str, note: Note) -> None:
        """Replace a message that no longer belongs to a deploy with a note without buttons."""

    async def post_digest(self, card: DigestCard, channel: str, look: Look) -> str:
        """Post a digest; returns its ``ts``."""

    async def upload(self, channel: str, ts: str, *, name: str, title: str, content: bytes) -> None:
        """Post a file in the message's thread."""
