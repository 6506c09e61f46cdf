"""A click on a second copy of a deploy's message: Slack had posted the first copy without confirming it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.deploy.message import Delivery, Note, Outgoing

if TYPE_CHECKING:
    from bot.ports import Ports


async def adopt(ports: Ports, deploy_id: int, *, channel: str, ts: str) -> None:
    """If the message is not the deploy's own, have its buttons removed and replaced by a note; once is enough."""
    async with ports.begin() as tx:
        posted = await tx.posted(deploy_id)
        if posted is None or not posted.ts or (posted.channel, posted.ts) == (channel, ts):
            return
        note = Note(text=f"This is a duplicate. Use the other message of D-{deploy_id} in this channel.")
        strip = Outgoing(kind=Delivery.STRIP, deploy_id=deploy_id, note=note, channel=channel, ts=ts)
        await tx.send(strip, ports.clock.now())
