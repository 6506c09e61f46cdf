"""``digest preview``: made and said in the background, as a busy day takes longer than Slack waits for an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.domain.day import day_named
from bot.domain.decision import Refused
from bot.gateways.blocks.digest import message as digest
from bot.operations.digest.schedule import preview
from bot.operations.outbox.digest import likely_layout
from handlers.slack.respond import refusal

if TYPE_CHECKING:
    from bot.domain.catalog.catalog import Catalog
    from handlers.slack.command.ast import Preview
    from handlers.slack.desk import Call


def show(call: Call, asked: Preview, catalog: Catalog) -> None:
    """Have it made and told to the person alone; nothing of it is in the acknowledgement.

    Of blocks that it refuses in an acknowledgement Slack tells the person alone, and some workspaces refuse tables: an
    answer by ``response_url`` is refused to us, who have a plainer one.
    """
    call.desk.background.spawn(_show(call, asked, catalog), "digest preview", tell=call.answer)


async def _show(call: Call, asked: Preview, catalog: Catalog) -> None:
    ports = call.desk.ports
    today = ports.clock.now().astimezone(ZoneInfo(catalog.timezone)).date()
    card = await preview(ports, call.channel, day_named(asked.day, today) if asked.day else None)
    if isinstance(card, Refused):
        await call.say(refusal(card))
        return
    async with ports.store.read() as reading:
        layout = await likely_layout(reading, ports.clock.now())
    await call.say(digest.render(card, layout))
