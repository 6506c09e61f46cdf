"""Draws the pictures of a deploy's message: the situations that an approver may meet, on a desk and on a phone.

``python -m docs.screenshots.cards`` writes the ``card-*.png`` of ``docs/pictures``, posted by the bot's own gateway to
the simulated Slack. The cards are those of the golden files (``tests/gateways/blocks/cards.py``).
"""

from __future__ import annotations

import asyncio
import os
import secrets
from functools import partial
from typing import TYPE_CHECKING

from bot.gateways.slack.chat import SlackChat
from bot.gateways.slack.connection import Connection
from docs.screenshots.pictures import keep
from docs.screenshots.screen import sandbox, screen
from tests.gateways.blocks.cards import cards, situations

if TYPE_CHECKING:
    from selenium.webdriver.remote.webelement import WebElement

    from bot.domain.deploy.message import Card
    from docs.screenshots.screen import Screen

CHANNEL, APPROVER = "C0PROD0001", "U0SAM00001"
WIDTHS = {"": 1366, "-phone": 375}
"""By the end of the picture's name."""
HEIGHTS = {"": 3000, "-phone": 9000}
"""Tall enough that the page cuts no message off."""


def main() -> int:
    """Posts each card, and takes its picture in both widths."""
    os.environ["SLACK_BOT_TOKEN"] = token = f"xoxb-{secrets.token_hex(16)}"
    with sandbox("--no-bot") as at, screen(at["page"]) as seen:
        seen.one("body[data-ready]")
        seen.size(WIDTHS[""], HEIGHTS[""])
        seen.be(APPROVER, "production")
        for name, card in {**situations(), "failed": cards()["failed"]}.items():
            asyncio.run(_post(at["slack"], token, card))
            for end, width in WIDTHS.items():
                seen.size(width, HEIGHTS[end])
                keep(seen, f"card-{name}{end}", partial(_newest, seen))
    return 0


def _newest(seen: Screen) -> WebElement:
    seen.settle()
    return seen.one('#messages article[data-testid="message"]')


async def _post(slack: str, token: str, card: Card) -> None:
    async with Connection(token, f"{slack}/api/") as connection:
        await SlackChat(connection).post_card(card, CHANNEL)


if __name__ == "__main__":
    raise SystemExit(main())
