"""``digest preview``, in the background: the digest of a busy day takes longer than Slack waits for an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.decision import Refused
from bot.gateways.blocks.digest import message as digest
from bot.operations.digest.schedule import preview
from bot.operations.outbox.digest import likely_layout
from handlers.slack.respond import refusal

if TYPE_CHECKING:
    from datetime import date

    from handlers.slack.desk import Call


def show(call: Call, day: date | None) -> None:
    """Make the digest of a day, or the next one, and show it to the person alone; the acknowledgement stays empty.

    Some workspaces refuse tables. If one is in an acknowledgement, Slack only tells the person; if it is sent to the
    ``response_url``, Slack tells us, and we can send a plainer form.
    """
    call.desk.background.spawn(_show(call, day), "digest preview", tell=call.answer)


async def _show(call: Call, day: date | None) -> None:
    ports = call.desk.ports
    card = await preview(ports, call.channel, day)
    if isinstance(card, Refused):
        await call.say(refusal(card))
        return
    async with ports.store.read() as reading:
        layout = await likely_layout(reading, ports.clock.now())
    await call.say(digest.render(card, layout))
