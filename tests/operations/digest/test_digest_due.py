"""Which dates fall due: each once, whatever the clock, the catalog and other tickers do."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.deploy.message import Delivery
from bot.domain.digest.report import DigestCard
from bot.domain.digest.schedule import Span
from bot.errors import StoreBusy
from bot.operations.digest import schedule as digest
from bot.operations.outbox import deliver
from bot.operations.outbox.digest import TOO_OLD
from tests.builders import a_catalog
from tests.clocks import NOON
from tests.operations.acts import applied, delivered
from tests.operations.digests import (
    AUDIT,
    FIRST,
    TEAM_CHANNEL,
    a_digest,
    clock_at,
    configured,
    day,
    edition,
    editions,
    sent,
    shown,
    ticked,
)

if TYPE_CHECKING:
    from tests.fakes import World


def at_nine(on: date) -> datetime:
    return datetime(on.year, on.month, on.day, 9, tzinfo=UTC)


async def test_without_a_catalog_nothing_is_due(bare: World):
    assert not await digest.tick(bare.ports())


async def test_without_a_digest_nothing_is_due(world: World):
    assert not await ticked(world, day(3))


async def test_the_very_first_catalog_may_have_one(bare: World):
    await configured(bare)

    assert await ticked(bare, FIRST)


async def test_it_falls_due_at_its_time_once_it_is_settled_and_not_before(world: World):
    catalog = await configured(world, a_digest(environments=("production",)))

    assert not await ticked(world, FIRST, "08:59:59")
    assert not await ticked(world, FIRST, "09:00:14")
    assert await ticked(world, FIRST, "09:00:20")

    row = await edition(world)
    assert row.span == Span(at_nine(day(-1)), at_nine(FIRST))
    assert (row.environments, row.timezone, row.catalog) == (("production",), "UTC", catalog.fingerprint)
    assert (row.ts, row.posting) == ("", None)


async def test_the_intent_names_the_channel_and_the_date(world: World):
    await configured(world)
    await ticked(world, FIRST)

    parcel = await world.store.claim_parcel(owner="look", lease=timedelta(seconds=60), now=world.clock.now())

    assert parcel is not None
    assert (parcel.outgoing.kind, parcel.outgoing.channel, parcel.outgoing.day) == (
        Delivery.DIGEST,
        AUDIT,
        "2026-11-22",
    )


async def test_a_date_falls_due_once_however_often_it_ticks(world: World):
    await configured(world)

    assert [await ticked(world, FIRST, f"09:0{minute}:20") for minute in range(4)] == [True, False, False, False]
    await sent(world)

    assert shown(world) == [FIRST]


async def test_a_restart_sends_nothing_again(world: World):
    await configured(world)
    await ticked(world, FIRST)
    await sent(world)
    await world.store.take_over()

    assert not await digest.tick(world.ports("worker-2"))
    await delivered(world)

    assert shown(world) == [FIRST]


async def test_nothing_is_due_from_before_it_was_configured(world: World):
    await configured(world)

    # the 21st was over by then, and the days before it too
    assert not await ticked(world, day(-1), "23:59:59")
    await ticked(world, day(1))

    assert [row.day for row in await editions(world)] == [FIRST, day(1)]


async def test_after_a_long_absence_the_newest_seven_come_oldest_first(world: World):
    await configured(world)
    assert await ticked(world, day(30))
    await sent(world)

    assert shown(world) == [day(number) for number in range(24, 31)]
    rows = await editions(world)
    assert [row.span.ends for row in rows[:-1]] == [row.span.begins for row in rows[1:]]
    assert rows[0].span.begins == at_nine(day(23))
    assert [each.card.late for each in world.chat.digests] == [True] * 6 + [False]


async def test_after_slack_was_away_for_long_the_newest_seven_come_and_the_operators_hear_of_the_rest(world: World):
    await configured(world)
    for number in range(9):
        await ticked(world, day(number))
    await sent(world)

    assert shown(world) == [day(number) for number in range(2, 9)]
    assert [row.given_up for row in await editions(world)] == [TOO_OLD] * 2 + [""] * 7
    notes = [note for kind, note, _ in world.chat.said if kind == "announce"]
    assert [note.text.partition(" for ")[0] for note in notes] == [
        "The digest of 2026-11-22",
        "The digest of 2026-11-23",
    ]
    assert "/deploy digest preview 2026-11-22" in notes[0].lines[0]


async def test_digests_of_a_clock_that_was_ahead_neither_withhold_nor_hide_those_of_today(world: World):
    await configured(world)
    await ticked(world, day(400))
    await sent(world)
    await ticked(world, FIRST)
    await sent(world)

    assert shown(world)[-1] == FIRST
    assert await digest.ages(world.ports()) == {AUDIT: at_nine(FIRST)}
    to_come = await digest.preview(world.ports(), AUDIT, None)
    assert isinstance(to_come, DigestCard)
    assert to_come.day == day(1)


async def test_what_comes_together_stands_in_order_however_many_workers_send(world: World):
    await configured(world)
    await ticked(world, day(3))

    for _ in range(30):
        await asyncio.gather(*(deliver.step(world.ports(f"worker-{number}")) for number in range(3)))
        world.clock.advance(seconds=1)

    assert shown(world) == [FIRST, day(1), day(2), day(3)]


async def test_a_clock_that_is_set_back_sends_nothing_again(world: World):
    await configured(world)
    for number in range(3):
        await ticked(world, day(number))
        await sent(world)

    assert not await ticked(world, day(0))
    assert not await ticked(world, day(-20))
    assert not await ticked(world, day(2))
    await sent(world)

    assert shown(world) == [day(0), day(1), day(2)]


async def test_a_clock_that_went_ahead_and_came_back_misses_no_date(world: World):
    await configured(world)
    await ticked(world, day(20))
    for number in range(22):
        await ticked(world, day(number))
        await sent(world)

    assert sorted(shown(world)) == [day(number) for number in range(22)]


async def test_each_channel_has_its_own(world: World):
    await configured(world, a_digest(), a_digest(channel=TEAM_CHANNEL, at="10:00", environments=("staging",)))
    await ticked(world, FIRST)
    await ticked(world, FIRST, "10:00:20")
    await sent(world)

    assert (shown(world), shown(world, TEAM_CHANNEL)) == ([FIRST], [FIRST])
    assert world.chat.digests[1].card.report.scope.environments == {"staging"}


class TestTwoTickers:
    async def test_the_one_that_comes_second_adds_nothing(self, world: World):
        await configured(world)
        clock_at(world, FIRST)
        others: list[bool] = []

        async def other() -> None:
            others.append(await digest.tick(world.ports("worker-2")))

        world.store.hooks.before("begin", other)

        assert not await digest.tick(world.ports())
        await sent(world)

        assert others == [True]
        assert shown(world) == [FIRST]

    async def test_however_they_meet_each_date_is_sent_once(self, world: World):
        await configured(world)
        clock_at(world, day(4))

        found = await asyncio.gather(*(digest.tick(world.ports(f"worker-{number}")) for number in range(3)))
        await sent(world)

        assert any(found)
        assert shown(world) == [day(number) for number in range(5)]

    async def test_one_that_breaks_half_way_leaves_the_rest_to_the_next(self, world: World):
        await configured(world)
        clock_at(world, day(2))

        world.store.hooks.before("begin", None, StoreBusy("locked"))
        with pytest.raises(StoreBusy):
            await digest.tick(world.ports())
        there = [row.day for row in await editions(world)]
        assert await digest.tick(world.ports())

        assert there == [FIRST]
        assert [row.day for row in await editions(world)] == [day(0), day(1), day(2)]


class TestAnotherCatalog:
    async def test_a_later_time_of_day_sends_nothing_again_and_misses_nothing(self, world: World):
        await configured(world)
        await ticked(world, FIRST)
        clock_at(world, FIRST, "12:00:00")
        await configured(world, a_digest(at="18:00"))

        assert not await ticked(world, FIRST, "18:00:20")
        assert await ticked(world, day(1), "18:00:20")

        row = await edition(world, day(1))
        assert row.span == Span(at_nine(FIRST), at_nine(day(1)) + timedelta(hours=9))

    async def test_an_earlier_time_of_day_is_due_at_once_and_tells_from_where_the_last_ended(self, world: World):
        await configured(world, a_digest(at="18:00"))
        await ticked(world, FIRST, "18:00:20")
        clock_at(world, day(1), "12:00:00")
        await configured(world, a_digest(at="09:00"))

        assert await ticked(world, day(1), "12:00:20")

        row = await edition(world, day(1))
        assert row.span == Span(at_nine(FIRST) + timedelta(hours=9), at_nine(day(1)))

    @pytest.mark.parametrize(
        ("before", "after"), [("Asia/Tokyo", "America/Los_Angeles"), ("America/Los_Angeles", "Asia/Tokyo")]
    )
    async def test_another_zone_sends_no_date_twice_and_tells_nothing_twice(self, world: World, before, after):
        await configured(world, a_digest(timezone=before))
        clock = world.clock
        for hour in range(24 * 6):
            if hour == 24 * 3:
                await configured(world, a_digest(timezone=after))
            await digest.tick(world.ports())
            clock.advance(hours=1, seconds=7)

        rows = await editions(world)
        days = [row.day for row in rows]
        assert days == [days[0] + timedelta(days=number) for number in range(len(days))]
        assert [row.span.ends for row in rows[:-1]] == [row.span.begins for row in rows[1:]]
        assert {row.timezone for row in rows} == {before, after}

    async def test_the_catalogs_zone_is_taken_where_it_has_none_of_its_own(self, world: World):
        await configured(world, a_digest(), timezone="America/New_York")
        assert not await ticked(world, day(-1), "13:59:59")
        assert await ticked(world, day(-1), "14:00:20")

        assert (await edition(world, day(-1))).timezone == "America/New_York"

    async def test_one_that_is_taken_out_sends_nothing_and_put_back_starts_anew(self, world: World):
        await configured(world)
        await ticked(world, FIRST)
        await applied(world)
        assert not await ticked(world, day(1))
        assert not await ticked(world, day(2))
        clock_at(world, day(3), "09:30:00")
        await configured(world)

        assert not await ticked(world, day(3), "23:00:00")
        assert await ticked(world, day(4))

        assert [row.day for row in await editions(world)] == [FIRST, day(4)]
        assert (await edition(world, day(4))).span.begins == at_nine(day(3))

    async def test_a_change_of_something_else_keeps_its_start(self, world: World):
        await configured(world)
        clock_at(world, FIRST, "09:00:10")
        await configured(world, admin_channel=None)

        assert await ticked(world, FIRST)

    async def test_what_another_catalog_took_out_meanwhile_is_not_sent(self, world: World):
        await configured(world)
        clock_at(world, FIRST)

        async def taken_out() -> None:
            await applied(world)

        world.store.hooks.before("begin", taken_out)

        assert not await digest.tick(world.ports())
        assert not await digest.tick(world.ports())
        assert await editions(world) == []

    async def test_a_digest_that_the_database_never_heard_of_is_not_due(self, world: World):
        async with world.store.begin() as tx:
            await tx.apply_catalog(a_catalog(digests=(a_digest(),)), NOON)

        assert not await ticked(world, day(2))


class TestAges:
    async def test_it_is_as_old_as_it_is_configured_before_the_first(self, world: World):
        await configured(world)
        await ticked(world, FIRST)

        assert await digest.ages(world.ports()) == {AUDIT: NOON}

    async def test_then_it_is_as_old_as_the_end_of_what_was_told(self, world: World):
        await configured(world)
        await ticked(world, FIRST)
        await sent(world)

        assert await digest.ages(world.ports()) == {AUDIT: at_nine(FIRST)}

    async def test_a_channel_without_a_digest_has_no_age_and_gets_a_young_one_when_it_has_one_again(self, world: World):
        await configured(world)
        await ticked(world, FIRST)
        await sent(world)
        await applied(world)
        assert await digest.ages(world.ports()) == {}

        again = clock_at(world, day(9), "10:00:00")
        await configured(world)

        assert await digest.ages(world.ports()) == {AUDIT: again}


class TestUpcoming:
    async def test_the_next_one_is_of_the_date_that_has_none_yet(self, world: World):
        await configured(world)
        assert [each.day for each in await digest.upcoming(world.ports())] == [FIRST]
        await ticked(world, FIRST)
        assert [each.day for each in await digest.upcoming(world.ports())] == [day(1)]

    async def test_also_where_its_time_is_moved_to_later_on_that_day(self, world: World):
        await configured(world)
        await ticked(world, FIRST)
        await configured(world, a_digest(at="18:00"))
        assert [each.day for each in await digest.upcoming(world.ports())] == [day(1)]

    async def test_each_in_its_own_zone(self, world: World):
        await configured(world, a_digest(timezone="Asia/Kathmandu"), a_digest(channel=TEAM_CHANNEL, at="00:00"))
        told = [(each.channel, f"{each.due:%Y-%m-%d %H:%M %z}") for each in await digest.upcoming(world.ports())]
        assert told == [(AUDIT, "2026-11-22 09:00 +0545"), (TEAM_CHANNEL, "2026-11-22 00:00 +0000")]

    async def test_none_without_a_digest(self, world: World):
        assert await digest.upcoming(world.ports()) == ()
