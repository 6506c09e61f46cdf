"""What we say in Slack: deploys' messages, notes, private answers, modals."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, TypeVar

from bot.domain.deploy.message import Way
from bot.errors import AppRefused, BlocksRefused, FileRefused, ScopeMissing, SlackError, SlackRefused, SlackUnavailable
from bot.gateways.blocks import note as notes
from bot.gateways.blocks.card import message as cards
from bot.gateways.blocks.digest import message as digests
from bot.gateways.slack.methods import EPHEMERAL, OPEN_VIEW, POST, SHARE_FILE, UPDATE, UPLOAD_URL
from bot.ports.slack import DigestPosted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from bot.domain.deploy.message import Card, Note
    from bot.domain.digest.report import DigestCard, Layout
    from bot.gateways.blocks.parts import Json, Message
    from bot.gateways.slack.connection import Connection
    from bot.gateways.slack.methods import Method

log = logging.getLogger(__name__)

Sent = TypeVar("Sent")

_WAYS: Final = {
    Way.POST: (POST,),
    Way.UPDATE: (UPDATE,),
    Way.TELL: (EPHEMERAL,),
    Way.FILE: (UPLOAD_URL, SHARE_FILE),
}

_QUIET = {"unfurl_links": False, "unfurl_media": False}
"""Links never unfurl: what they show is somebody else's text."""
_STRAY = {"event_type": "nomatron_stray", "event_payload": {}}


class SlackChat:
    """``bot.ports.slack.Chat`` over the Web API."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def post_card(self, card: Card, channel: str) -> str:
        """Post a deploy's message; the ``ts``, which names it in its channel from then on."""
        ts, _ = await self._post(cards.render(card), channel)
        return ts

    async def update_card(self, card: Card, channel: str, ts: str) -> None:
        """Replace a deploy's message by what the card shows now."""

        async def update(form: Message) -> None:
            # an empty list of blocks takes away those that the message had before
            await self._connection.call(UPDATE, channel=channel, ts=ts, **form.arguments())

        await _plainer_if_refused(cards.render(card), update)

    async def reply(self, channel: str, ts: str, note: Note) -> None:
        """Post a note in the message's thread."""
        message = notes.render(note)
        await self._connection.call(POST, channel=channel, thread_ts=ts, **message.arguments(), **_QUIET)

    async def announce(self, channel: str, note: Note) -> None:
        """Post a note as a message of its own in a channel."""
        await self._connection.call(POST, channel=channel, **notes.render(note).arguments(), **_QUIET)

    async def strip(self, channel: str, ts: str, note: Note) -> None:
        """Replace a message by a note without buttons, and its metadata by that of a duplicate."""
        message = notes.render(note)
        await self._connection.call(UPDATE, channel=channel, ts=ts, **message.arguments(), metadata=_STRAY)

    async def tell(self, note: Note, *, user: str, channel: str, response_url: str) -> None:
        """Show a note to one person, in the first way that works (see ``say``)."""
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
        """Show a message to one person: by ``response_url``, else as an ephemeral, else as a direct message.

        ``replace`` puts it in place of the message that was clicked, which only a ``response_url`` can do.
        """

        async def send(form: Message) -> None:
            # a response_url works even if the app is not in the channel, but only five times and for half an hour
            said = {**form.arguments(), **({"thread_ts": thread_ts} if thread_ts else {})}
            private = {"response_type": "ephemeral", "replace_original": replace}
            if response_url and await self._connection.respond(response_url, {**said, **private}):
                return
            try:
                if channel:
                    await self._connection.call(EPHEMERAL, channel=channel, user=user, **said)
                    return
            except SlackRefused:
                # the app is not in the channel, or the channel is gone: a direct message still reaches the person
                pass
            await self._connection.call(POST, channel=user, **form.arguments(), **_QUIET)

        await _plainer_if_refused(message, send)

    async def post_digest(self, card: DigestCard, channel: str, layout: Layout) -> DigestPosted:
        """Post a digest in that layout, or in the first plainer one that Slack takes."""
        return DigestPosted(*await self._post(digests.render(card, layout), channel))

    async def _post(self, message: Message, channel: str) -> tuple[str, bool]:
        """The new message's ``ts``, and whether Slack took it only in a plainer form."""

        async def post(form: Message) -> str:
            answer = await self._connection.call(POST, channel=channel, **form.arguments(), **_QUIET)
            ts = answer.get("ts")
            if not isinstance(ts, str):
                raise SlackUnavailable(f"{POST.name}: no usable answer", sent=True)
            return ts

        return await _plainer_if_refused(message, post)

    async def upload(self, channel: str, ts: str, *, name: str, title: str, content: bytes) -> None:
        """Put a file into the message's thread. ``FileRefused`` if Slack will never take it."""
        try:
            file = await self._store_file(name, content)
            files = [{"id": file, "title": title}]
            await self._connection.call(SHARE_FILE, files=files, channel_id=channel, thread_ts=ts)
        except ScopeMissing as error:
            raise FileRefused(error.error, error.detail, lacks_scope=True) from error
        except (AppRefused, FileRefused):
            raise
        except SlackRefused as error:
            raise FileRefused(error.error, error.detail) from error

    async def _store_file(self, name: str, content: bytes) -> str:
        """The id of a file whose bytes Slack has, and which nobody sees yet."""
        try:
            file, url = await self._upload_address(name, len(content))
            await self._connection.put(url, content)
        except SlackUnavailable as error:
            # whatever Slack took so far, nobody sees a file before the last step
            raise SlackUnavailable(str(error), retry_after=error.retry_after) from error
        return file

    async def _upload_address(self, name: str, length: int) -> tuple[str, str]:
        """A new file's id, and where its bytes go. Slack refuses a byte more or less than ``length``."""
        answer = await self._connection.call(UPLOAD_URL, filename=name, length=length)
        file, url = answer.get("file_id"), answer.get("upload_url")
        if not isinstance(file, str) or not isinstance(url, str):
            raise SlackUnavailable(f"{UPLOAD_URL.name}: no usable answer")
        return file, url

    async def open_view(self, trigger_id: str, view: Json) -> None:
        """Open a modal; Slack takes a trigger for 3 s, once."""
        await self._connection.call(OPEN_VIEW, trigger_id=trigger_id, view=view)

    def resting(self) -> frozenset[tuple[Way, str]]:
        """The ways and channels that Slack's limits, or our own budget, let nobody use now."""
        budget = self._connection.budget
        return frozenset(
            (way, channel) for way, methods in _WAYS.items() for each in methods for channel in budget.resting(each)
        )

    def promise(self, ways: Collection[Way], channel: str) -> None:
        """Keep our budget for a message that may go these ways."""
        self._count(ways, channel, 1)

    def redeem(self, ways: Collection[Way], channel: str) -> None:
        """That message is sent, or will not be."""
        self._count(ways, channel, -1)

    def _count(self, ways: Collection[Way], channel: str, calls: int) -> None:
        for method in (each for way in ways for each in _WAYS[way]):
            self._connection.budget.promise(method, channel, calls)

    def wait(self, method: Method, channel: str = "") -> float:
        """Seconds until our budget lets the method be called for that channel."""
        return self._connection.budget.wait(method, channel)


async def _plainer_if_refused(message: Message, send: Callable[[Message], Awaitable[Sent]]) -> tuple[Sent, bool]:
    """Send the message in the first of its forms whose blocks Slack takes; whether that was a plainer one.

    Raises what ``send`` raises, ``BlocksRefused`` only for the plainest form; ``plainer`` of the error says whether
    Slack had refused a richer form before.
    """
    form = message
    while True:
        try:
            return await send(form), form is not message
        except SlackError as error:
            error.plainer = form is not message
            if not isinstance(error, BlocksRefused) or form.plainer is None:
                raise
            log.warning("slack refused a message's blocks: a plainer form is sent", extra={"error": str(error)})
            form = form.plainer
