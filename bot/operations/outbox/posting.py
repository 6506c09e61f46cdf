"""What every message that is posted once has in common: where it goes, and whether a failed post may stand there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.deploy.delivery import Fate, fate
from bot.domain.deploy.message import Note
from bot.errors import SlackRefused, SlackUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.errors import SlackError
    from bot.ports import Ports


def may_stand(error: SlackError) -> bool:
    """Whether the message may stand in Slack all the same: not where Slack said no, or was never reached."""
    return isinstance(error, SlackUnavailable) and error.sent


async def admin_channel(ports: Ports) -> str:
    """The operators' channel; empty where the catalog names none."""
    async with ports.store.read() as reading:
        return (await reading.active_catalog()).catalog.admin_channel or ""


async def post_somewhere(
    ports: Ports, what: str, channel: str, post: Callable[[str], Awaitable[str]]
) -> tuple[str, str, tuple[Note, ...]]:
    """Post to the channel, or to the operators' where that is dead: the channel, the ts, what to tell the operators.

    ``what`` begins their sentence. Raises as ``post`` does.
    """
    try:
        return channel, await post(channel), ()
    except SlackRefused as error:
        admin = await admin_channel(ports)
        if fate(error.error) is not Fate.ELSEWHERE or admin in {"", channel}:
            raise
        text = f"{what} could not be posted to its channel ({error.error}); it is here."
        lost = Note(text=text, lines=(f"Channel {channel}: invite the app, unarchive it, or name another.",))
        return admin, await post(admin), (lost,)
