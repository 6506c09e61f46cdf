"""``/deploy digest preview`` as it reaches a person: later than the acknowledgement, in a look that Slack takes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.catalog.digest import Digest
from bot.domain.digest.schedule import Edition, Span
from bot.errors import StoreBusy
from tests.builders import ALICE, a_placement, a_service
from tests.operations.acts import applied, asked, environments, ready, succeeded
from tests.slackside import door

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.ports import Ports
    from tests.fakes import World
    from tests.slackside import Door, Slackside

GENERAL = "C0GENERAL1"
STAGED = a_service(placements={"staging": a_placement("staging")})
AUDIT, TEAM_CHANNEL = Digest(channel="C0AUDIT001", at="09:00"), Digest(channel="C0STAGING1", at="09:00")


@dataclass
class BreakingStore:
    """A database that is busy for everything but the first question, or the first ones."""

    world: World
    asked: int = 0
    after: int = 1

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Any]:
        self.asked += 1
        if self.asked > self.after:
            raise StoreBusy("locked")
        async with self.world.store.read() as reading:
            yield reading


async def shown(slack: Slackside, text: str, channel: str = GENERAL) -> dict[str, Any]:
    """What Alice alone sees after asking for it; nothing of it was in the acknowledgement."""
    before = len(await slack.ephemerals(ALICE.id))
    sent = await slack.page.post("command", user=ALICE.id, channel=channel, command="/deploy", text=text)
    assert (sent["status"], sent["error"], sent["body"]) == (200, None, "")
    for _ in range(300):
        found = await slack.ephemerals(ALICE.id)
        if len(found) > before:
            return found[-1]
        await asyncio.sleep(0.01)
    raise AssertionError("nothing came")


def kinds(message: dict[str, Any]) -> set[str]:
    return {block["type"] for block in message["blocks"]}


async def test_the_digest_to_come_is_shown_with_its_table_to_one_person_alone(
    world: World, slack: Slackside, knocking: Door
) -> None:
    await applied(world, digests=(AUDIT,))
    await ready(world)
    world.clock.advance(minutes=1)
    preview = await shown(slack, "digest preview")

    assert preview["text"] == "Deployments until Saturday 21 November 12:01: 1 requested, 0 deployed, 1 still open"
    assert "Only you can see this preview." in str(preview["blocks"])
    assert await slack.page.messages("C0AUDIT001") == []


async def test_a_day_by_its_name_and_by_its_date_is_the_catalogs(
    world: World, slack: Slackside, knocking: Door
) -> None:
    # noon in London is the day after in Auckland
    await applied(world, digests=(AUDIT,), timezone="Pacific/Auckland")
    await asked(world)
    named = await shown(slack, "digest preview today")
    dated = await shown(slack, "digest preview 2026-11-22")
    before = await shown(slack, "digest preview yesterday")

    assert "until Sunday 22 November" in named["text"]
    assert dated["text"] == named["text"]
    assert "until Saturday 21 November 09:00: a quiet day" in before["text"]


async def test_it_is_that_of_the_channel_where_that_has_one(world: World, slack: Slackside, knocking: Door) -> None:
    await applied(world, digests=(AUDIT, replace(TEAM_CHANNEL, at="11:00", environments=("staging",))))
    here = await shown(slack, "digest preview today", "C0STAGING1")
    elsewhere = await shown(slack, "digest preview today")

    assert "until Saturday 21 November 11:00" in here["text"]
    assert "until Saturday 21 November 09:00" in elsewhere["text"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("digest preview", "The catalog has no digest: add one under `digests`"),
        ("digest preview 2026-12-24", "The catalog has no digest"),
    ],
)
async def test_without_a_digest_it_says_what_to_do(slack: Slackside, knocking: Door, text: str, says: str) -> None:
    assert says in (await shown(slack, text))["text"]


async def test_a_day_to_come_is_refused(world: World, slack: Slackside, knocking: Door) -> None:
    await applied(world, digests=(AUDIT,))

    assert "has not begun" in (await shown(slack, "digest preview 2026-12-24"))["text"]


async def changed(world: World) -> None:
    """A day with a row for its table."""
    final = environments("staging")
    await applied(world, digests=(AUDIT,), environments={"staging": final["staging"]}, services={"checkout": STAGED})
    await succeeded(world)
    world.clock.advance(minutes=1)


async def test_what_slack_refuses_is_drawn_plainer_at_once(world: World, slack: Slackside, knocking: Door) -> None:
    await changed(world)
    assert "table" in kinds(await shown(slack, "digest preview"))

    await refusing(slack, times=1)
    classic = await shown(slack, "digest preview")
    await refusing(slack, times=2)
    plain = await shown(slack, "digest preview")

    assert "section" in kinds(classic)
    assert "table" not in kinds(classic)
    assert plain["blocks"] == []
    assert plain["text"].startswith("Deployments until ")


async def refusing(slack: Slackside, *, times: int) -> None:
    """Slack takes no blocks, by none of the three ways to a person, so many times."""
    for method in ("response_url", "chat.postEphemeral", "chat.postMessage"):
        await slack.page.post("fault", method=method, mode="error:invalid_blocks", times=times)


async def test_a_workspace_that_refused_a_table_lately_is_shown_none(
    world: World, slack: Slackside, knocking: Door
) -> None:
    await changed(world)
    refused = world.clock.now() - timedelta(days=29)
    span = Span(refused - timedelta(days=1), refused)
    edition = Edition(
        channel="C0PROD0001", day=refused.date(), span=span, environments=None, timezone="UTC", catalog=""
    )
    async with world.store.begin() as tx:
        await tx.add_edition(replace(edition, refused_table=refused))

    assert "table" not in kinds(await shown(slack, "digest preview"))


async def test_what_breaks_on_the_way_is_said(ports: Ports, slack: Slackside, world: World) -> None:
    await applied(world, digests=(AUDIT,))
    store: Any = BreakingStore(world)
    async with door(replace(ports, store=store), slack):
        assert "The database is busy" in (await shown(slack, "digest preview"))["text"]
