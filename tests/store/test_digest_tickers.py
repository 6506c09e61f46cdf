"""Two processes on one database, each with a ticker and workers: every date is sent once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.operations.digest import schedule as digest
from bot.operations.outbox import deliver
from bot.ports import Limits
from tests.clocks import FixedClock
from tests.fakes import FakeChat, HookedStore, World
from tests.operations.digests import AUDIT, clock_at, configured, day, editions, shown, ticked
from tests.slackside import slackside

if TYPE_CHECKING:
    from store import SqlStore

LIMITS = Limits(lease=timedelta(seconds=60), write_timeout=timedelta(seconds=20))


@pytest.fixture
async def worlds(one: SqlStore, two: SqlStore) -> tuple[World, World]:
    """Two processes with one clock and one Slack; the catalog has a digest."""
    clock, chat = FixedClock(), FakeChat()
    first, second = (World(store=HookedStore(store), clock=clock, limits=LIMITS, chat=chat) for store in (one, two))
    await configured(first)
    return first, second


async def both_send(worlds: tuple[World, World]) -> None:
    for _ in range(12):
        while any(await asyncio.gather(*(deliver.step(world.ports(f"w-{id(world)}")) for world in worlds))):
            pass
        worlds[0].clock.advance(seconds=5)


async def test_they_tick_at_the_same_moment_and_each_date_is_sent_once(worlds: tuple[World, World]):
    first, second = worlds
    for number in range(0, 12, 3):
        clock_at(first, day(number + 2))
        await asyncio.gather(*(digest.tick(world.ports(f"w-{id(world)}")) for world in (first, second) * 2))
        await both_send(worlds)
        assert len(first.chat.digests) == number + 3

    assert shown(first) == [row.day for row in await editions(second)] == [day(number) for number in range(12)]
    assert not any(each.card.twice for each in first.chat.digests)


async def test_one_that_ticks_a_moment_later_adds_nothing(worlds: tuple[World, World]):
    first, second = worlds

    assert await ticked(first, day(0))
    assert not await ticked(second, day(0), "09:00:21")
    await both_send(worlds)

    assert shown(first) == [day(0)]


async def test_over_the_wire_slack_is_asked_once_for_each_date(worlds: tuple[World, World]):
    first, second = worlds
    async with slackside() as side:
        await side.directory.introduce()
        processes = [
            replace(world.ports(f"{name}-{loop}"), chat=side.chat, directory=side.directory)
            for name, world in (("first", first), ("second", second))
            for loop in range(2)
        ]
        clock_at(first, day(2))
        ticks = await asyncio.gather(*(digest.tick(ports) for ports in processes))
        for _ in range(12):
            while any(await asyncio.gather(*(deliver.step(ports) for ports in processes))):
                pass
            first.clock.advance(seconds=5)
        posts = [call for call in await side.calls("chat.postMessage") if call["args"]["channel"] == AUDIT]
        state = await side.page.get("state")

    (audit,) = [channel for channel in state["channels"] if channel["id"] == AUDIT]
    assert any(ticks)
    assert len(audit["messages"]) == len(posts) == 3
    assert not any("may be a duplicate" in str(message["blocks"]) for message in audit["messages"])
    # several workers post at once: they may arrive in another order than that of their dates
    assert {row.ts for row in await editions(first)} == {message["ts"] for message in audit["messages"]}
