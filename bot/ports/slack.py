"""What the verbs need from Slack: a part of ``bot.ports``, whose ``Ports`` has both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection

    from bot.domain.access import Membership
    from bot.domain.deploy.message import Card, Note
    from bot.domain.digest.report import DigestCard, Look


class Directory(Protocol):
    """Who is in which group, and who people are."""

    @property
    def team(self) -> str:
        """Our own workspace's id; empty until Slack was reached for the first time."""

    def link(self, channel: str, ts: str) -> str:
        """The address of a message in our workspace; empty until Slack was reached for the first time."""

    async def introduce(self) -> object:
        """Ask Slack once who we are; ``SlackUnavailable``, or ``SlackRefused`` for a token that is no good."""

    async def standing(self) -> None:
        """Whether Slack takes our token, as far as is known; raises like ``introduce`` where it does not.

        1.5 s at most. Slack is asked anew in the background, once a minute at most, for whoever looks next.
        """

    async def membership(
        self, usergroups: Collection[str], users: Collection[str], *, background: bool = False
    ) -> Membership:
        """A snapshot: user groups no older than 5 s (one shared read), people no older than 60 s; 1.5 s at most.

        ``background``: nobody waits for it, and half of what Slack lets us ask is kept for those who do.

        People are those of ``users`` alone. Slack's user groups are not called where none is asked for.
        ``MembershipUnknown`` where Slack does not answer.
        """


class Chat(Protocol):
    """Slack's Web API for what we say. Raises ``SlackUnavailable`` (try again) or ``SlackRefused`` (Slack's code)."""

    async def post_card(self, card: Card, channel: str, *, plain: bool = False) -> str:
        """Post a deploy's message; its ``ts``. ``plain``: text alone, where Slack refused the blocks."""

    async def update_card(self, card: Card, channel: str, ts: str, *, plain: bool = False) -> None:
        """Draw it anew in place."""

    async def reply(self, channel: str, ts: str, note: Note) -> None:
        """A note in the message's thread."""

    async def tell(self, note: Note, *, user: str, channel: str, response_url: str) -> None:
        """A note for one person: by ``response_url`` where given and good, else an ephemeral, else a direct message."""

    async def announce(self, channel: str, note: Note) -> None:
        """A note as a message of its own in a channel."""

    async def strip(self, channel: str, ts: str, note: Note) -> None:
        """Replace a message that is no longer ours by a note without buttons."""

    async def post_digest(self, card: DigestCard, channel: str, look: Look) -> str:
        """Post a digest; its ``ts``."""

    async def upload(self, channel: str, ts: str, *, name: str, title: str, content: bytes) -> None:
        """Put a file under a message, in its thread."""
