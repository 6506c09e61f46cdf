"""What we say in Slack: deploys' messages, notes, private answers, modals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.errors import SlackRefused, SlackUnavailable
from bot.gateways.blocks import note as notes
from bot.gateways.blocks.card import message as cards
from bot.gateways.blocks.digest import message as digests
from bot.gateways.slack.methods import EPHEMERAL, OPEN_VIEW, POST, SHARE_FILE, UPDATE, UPLOAD_URL

if TYPE_CHECKING:
    from bot.domain.deploy.message import Card, Note
    from bot.domain.digest.report import DigestCard, Look
    from bot.gateways.blocks.parts import Json, Message
    from bot.gateways.slack.connection import Connection
    from bot.gateways.slack.methods import Method

_QUIET = {"unfurl_links": False, "unfurl_media": False}
"""Links never unfurl: what they show is somebody else's text."""
_STRAY = {"event_type": "nomatron_stray", "event_payload": {}}


class SlackChat:
    """``bot.ports.slack.Chat`` over the Web API."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def post_card(self, card: Card, channel: str, *, plain: bool = False) -> str:
        """As ``bot.ports.slack.Chat`` promises; the ``ts`` is the message's name in its channel from now on."""
        answer = await self._connection.call(POST, channel=channel, **_drawn(card, plain=plain), **_QUIET)
        return str(answer["ts"])

    async def update_card(self, card: Card, channel: str, ts: str, *, plain: bool = False) -> None:
        """As ``bot.ports.slack.Chat`` promises."""
        await self._connection.call(UPDATE, channel=channel, ts=ts, **_drawn(card, plain=plain))

    async def reply(self, channel: str, ts: str, note: Note) -> None:
        """As ``bot.ports.slack.Chat`` promises."""
        message = notes.render(note)
        await self._connection.call(POST, channel=channel, thread_ts=ts, **message.arguments(), **_QUIET)

    async def announce(self, channel: str, note: Note) -> None:
        """As ``bot.ports.slack.Chat`` promises."""
        await self._connection.call(POST, channel=channel, **notes.render(note).arguments(), **_QUIET)

    async def strip(self, channel: str, ts: str, note: Note) -> None:
        """As ``bot.ports.slack.Chat`` promises; other metadata says that it is not the deploy's own any more."""
        message = notes.render(note)
        await self._connection.call(UPDATE, channel=channel, ts=ts, **message.arguments(), metadata=_STRAY)

    async def tell(self, note: Note, *, user: str, channel: str, response_url: str) -> None:
        """As ``bot.ports.slack.Chat`` promises."""
        await self.say(notes.render(note), user=user, channel=channel, response_url=response_url)

    async def say(
        self,
        message: Message,
        *,
        user: str,
        channel: str,
        response_url: str,
        thread_ts: str = "",
        replace: bool = False,
    ) -> None:
        """A ready message for one person's eyes: by ``response_url``, else as an ephemeral, else directly.

        ``replace``: in the place of the message that was clicked, which only a ``response_url`` can do.
        """
        # a response_url works even where the app is no member, but only five times and for half an hour
        said = {**message.arguments(), **({"thread_ts": thread_ts} if thread_ts else {})}
        private = {"response_type": "ephemeral", "replace_original": replace}
        if response_url and await self._connection.respond(response_url, {**said, **private}):
            return
        try:
            if channel:
                await self._connection.call(EPHEMERAL, channel=channel, user=user, **said)
                return
        except SlackRefused:
            # not in the channel, or it is gone: a direct message still reaches the person
            pass
        await self._connection.call(POST, channel=user, **message.arguments(), **_QUIET)

    async def post_digest(self, card: DigestCard, channel: str, look: Look) -> str:
        """As ``bot.ports.slack.Chat`` promises."""
        message = digests.render(card, look)
        answer = await self._connection.call(POST, channel=channel, **message.arguments(), **_QUIET)
        return str(answer["ts"])

    async def upload(self, channel: str, ts: str, *, name: str, title: str, content: bytes) -> None:
        """As ``bot.ports.slack.Chat`` promises."""
        try:
            file = await self._stored(name, content)
        except SlackUnavailable as error:
            # whatever Slack took so far, nobody sees a file before the last step
            raise SlackUnavailable(str(error), retry_after=error.retry_after) from error
        files = [{"id": file, "title": title}]
        await self._connection.call(SHARE_FILE, files=files, channel_id=channel, thread_ts=ts)

    async def _stored(self, name: str, content: bytes) -> str:
        """The id of a file that Slack has the bytes of."""
        # the length is compared with what arrives: one byte more or less, and the file is refused
        place = await self._connection.call(UPLOAD_URL, filename=name, length=len(content))
        url, file = place.get("upload_url"), place.get("file_id")
        if not isinstance(url, str) or not isinstance(file, str):
            raise SlackUnavailable(f"{UPLOAD_URL.name}: no usable answer")
        await self._connection.put(url, content)
        return file

    async def open_view(self, trigger_id: str, view: Json) -> None:
        """Open a modal; Slack takes a trigger for 3 s, once."""
        await self._connection.call(OPEN_VIEW, trigger_id=trigger_id, view=view)

    def wait(self, method: Method, channel: str = "") -> float:
        """Seconds until our budget lets the method be called for that channel."""
        return self._connection.budget.wait(method, channel)


def _drawn(card: Card, *, plain: bool) -> Json:
    """The message's arguments; plainly, an empty list takes the blocks of before away."""
    arguments = cards.render(card).arguments()
    return {**arguments, "blocks": []} if plain else arguments
