"""What every message that is posted once needs: which channel takes it, and whether a failed post may have arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.deploy.message import Note
from bot.errors import ChannelGone, SlackUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.errors import SlackError
    from bot.ports import Ports


def may_have_arrived(error: SlackError) -> bool:
    """Whether the message may be in Slack although the call failed: only if Slack was reached and did not refuse."""
    return isinstance(error, SlackUnavailable) and error.sent


async def admin_channel(ports: Ports) -> str:
    """The operators' channel; empty if the catalog names none."""
    async with ports.store.read() as reading:
        return (await reading.active_catalog()).catalog.admin_channel or ""


async def post_somewhere(
    ports: Ports, what: str, channel: str, post: Callable[[str], Awaitable[str]]
) -> tuple[str, str, tuple[Note, ...]]:
    """Post to the channel, or to the operators' channel if the first is gone.

    The channel that took it, the message's ``ts``, and notes for the operators. ``what`` is the subject of the note's
    sentence. Raises what ``post`` raises.
    """
    try:
        return channel, await post(channel), ()
    except ChannelGone as error:
        admin = await admin_channel(ports)
        if admin in {"", channel}:
            raise
        text = f"{what} could not be posted to its channel ({error.error}), so it is here."
        note = Note(text=text, lines=(f"Invite the app to {channel}, unarchive it, or name another channel.",))
        return admin, await post(admin), (note,)
