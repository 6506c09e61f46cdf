"""What every message that is posted once needs: a channel that takes it, a mark if it may be a second, a sure end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

from bot.domain.deploy.message import MAY_BE_SECOND, Note
from bot.errors import ChannelGone, SlackUnavailable, StaleFence, StoreError
from bot.operations.worker.lease import is_cancelled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.errors import SlackError
    from bot.ports import Ports
    from bot.ports.claims import Parcel

Result = TypeVar("Result")

_PAUSE: Final = 0.2


async def surely(ports: Ports, write: Callable[[], Awaitable[Result]]) -> Result:
    """``write``, repeated for the length of a lease while the database fails: a lost result means a duplicate.

    Raises ``StaleFence`` at once: somebody else has the parcel, and its result is theirs.
    """
    loop = asyncio.get_running_loop()
    ends = loop.time() + ports.limits.lease.total_seconds()
    while True:
        try:
            return await write()
        except StaleFence:
            raise
        except StoreError:
            if loop.time() >= ends or is_cancelled():
                raise
            await asyncio.sleep(_PAUSE)


async def begun(ports: Ports, parcel: Parcel, note: Note) -> Note:
    """Commit that the parcel's note is about to be posted; the note, marked if an earlier try may have arrived.

    Raises ``StaleFence`` if the parcel is somebody else's now: then nothing may be posted.
    """
    await ports.store.begin_parcel(parcel)
    return replace(note, lines=(MAY_BE_SECOND, *note.lines)) if parcel.begun else note


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
