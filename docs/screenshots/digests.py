"""Draws the pictures of digests: real ones, posted by the bot's own gateway to the simulated Slack.

``python -m docs.screenshots.digests`` writes the ``digest-*.png`` of ``docs/pictures``. The days are those of the
golden files (``tests/gateways/blocks/digests.py``): two thousand deploys take longer to make than to tell of.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.domain.digest.csv import csv_of
from bot.domain.digest.report import DigestCard, Layout
from bot.gateways.slack.chat import SlackChat
from bot.gateways.slack.connection import Connection
from docs.screenshots.pictures import keep
from docs.screenshots.screen import sandbox, screen
from tests.gateways.blocks.digests import (
    a_day_with_everything,
    a_day_with_forty,
    a_day_with_one,
    a_day_with_two_thousand,
    a_quiet_day,
)

if TYPE_CHECKING:
    from selenium.webdriver.remote.webelement import WebElement

    from docs.screenshots.screen import Screen

CHANNEL, READER = "C0AUDIT001", "U0NORA0001"
DIGESTS = {
    "digest-quiet": (a_quiet_day, Layout.TABLE),
    "digest-one": (a_day_with_one, Layout.TABLE),
    "digest-forty": (a_day_with_forty, Layout.TABLE),
    "digest-two-thousand": (a_day_with_two_thousand, Layout.TABLE),
    "digest-classic": (a_day_with_everything, Layout.CLASSIC),
}
"""By the name of the picture."""
WIDTH, HEIGHT = 1900, 2200
"""A wide window: the table without scrolling, as on a desk."""


def main() -> int:
    """Posts each digest, takes its picture, and one of the thread with the CSV."""
    os.environ["SLACK_BOT_TOKEN"] = token = f"xoxb-{secrets.token_hex(16)}"
    with sandbox("--no-bot") as at, screen(at["page"]) as seen:
        seen.one("body[data-ready]")
        seen.size(WIDTH, HEIGHT)
        seen.be(READER, "audit")
        for name, (made, layout) in DIGESTS.items():
            card = made()
            asyncio.run(_post(at["slack"], token, card, layout))
            keep(seen, name, partial(_newest, seen))
        _thread(seen)
    return 0


def _newest(seen: Screen) -> WebElement:
    seen.settle()
    return seen.one('#messages article[data-testid="message"]')


def _thread(seen: Screen) -> None:
    """The CSV under the digest."""
    seen.hook("open-thread").click()
    seen.settle()
    keep(seen, "digest-csv", lambda: seen.one('#thread article[data-testid="message"]'))


async def _post(slack: str, token: str, card: DigestCard, layout: Layout) -> None:
    """What the bot does when a digest falls due: the message, then its CSV."""
    zone = ZoneInfo(card.report.zone)
    async with Connection(token, f"{slack}/api/") as connection:
        chat = SlackChat(connection)
        ts, _ = await chat.post_digest(card, CHANNEL, layout)
        if card.report.changes.entries:
            content = csv_of(card.report.changes.entries, zone)
            await chat.upload(CHANNEL, ts, name=f"deploys-{card.day}.csv", title=f"Deploys {card.day}", content=content)


if __name__ == "__main__":
    raise SystemExit(main())
