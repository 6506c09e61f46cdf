"""One person asks for 200 deploys at once, over HTTP: neither a colleague's request nor its card stands behind them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bot.operations.outbox import deliver
from bot.operations.worker import plan
from tests.builders import BOB
from tests.slackside import a_command

if TYPE_CHECKING:
    from bot.ports import Ports
    from tests.slackside import Door, Slackside

CROWD = 200
MOST_IN_A_MINUTE = 30


async def test_a_colleagues_card_is_among_the_first_although_200_requests_came_before(
    ports: Ports, slack: Slackside, knocking: Door
) -> None:
    crowd = [knocking.knock(a_command(f"checkout v1.0.{number} to staging")) for number in range(CROWD)]
    answers = await asyncio.gather(*crowd)
    status, answer = await knocking.knock(a_command("checkout v2.0.0 to staging", user_id=BOB.id))

    assert {status for status, _ in answers} == {200}
    recorded = [body["text"] for _, body in answers if "Recorded as" in body["text"]]
    assert 2 < len(recorded) <= MOST_IN_A_MINUTE
    # whoever was not recorded was told why: too many, or that the database had too much to do
    assert all("Recorded as" in body["text"] or "again" in body["text"] for _, body in answers)
    assert status == 200
    assert "Recorded as" in answer["text"]

    while await plan.step(ports):
        pass
    while await deliver.step(ports):
        pass
    cards = [call["args"]["text"] for call in await slack.calls("chat.postMessage")]
    (place,) = [place for place, card in enumerate(cards) if "v2.0.0" in card]
    assert len(cards) > 2
    assert place <= 1, cards
