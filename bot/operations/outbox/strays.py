"""A click came from a message that is not the deploy's own: a post whose answer was lost left two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.deploy.message import Delivery, Note, Outgoing

if TYPE_CHECKING:
    from bot.ports import Ports


async def adopt(ports: Ports, deploy_id: int, *, channel: str, ts: str) -> None:
    """Have the buttons taken off the other message, which then points at the deploy's own; once is enough."""
    async with ports.store.begin() as tx:
        posted = await tx.posted(deploy_id)
        if posted is None or not posted.ts or (posted.channel, posted.ts) == (channel, ts):
            return
        note = Note(text=f"D-{deploy_id} has another message in this channel; this one was posted twice.")
        strip = Outgoing(kind=Delivery.STRIP, deploy_id=deploy_id, note=note, channel=channel, ts=ts)
        await tx.send(strip, ports.clock.now())
    ports.bell.ring()
