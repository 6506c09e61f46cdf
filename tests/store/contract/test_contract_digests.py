"""The rows of the daily digests: one for each channel and date, whoever adds it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

import pytest

from bot.domain.deploy.message import Delivery, Outgoing
from bot.domain.digest.schedule import Edition, FileState, Span
from bot.errors import StaleFence
from tests.clocks import NOON
from tests.store.racing import race

AUDIT, OTHER = "C0AUDIT001", "C0STAGING1"
TODAY, DAY, MINUTE = date(2026, 11, 21), timedelta(days=1), timedelta(minutes=1)


def an_edition(day=TODAY, channel=AUDIT, **changes):
    ends = datetime.combine(day, time(8), UTC)
    fields = {"environments": None, "timezone": "Europe/Prague", "catalog": "f" * 64, **changes}
    return Edition(channel=channel, day=day, span=Span(ends - DAY, ends), **fields)


def a_parcel_for(edition):
    return Outgoing(kind=Delivery.DIGEST, channel=edition.channel, day=edition.day.isoformat())


FULL = an_edition(
    environments=("production", "staging"),
    posting=NOON,
    posted_in=OTHER,
    ts="1763726400.000100",
    posted_at=NOON + MINUTE,
    twice=True,
    refused_table=NOON - MINUTE,
    file=FileState.GIVEN_UP,
    given_up="channel_not_found",
)


async def add(store, *editions):
    async with store.begin() as tx:
        return [await tx.add_edition(edition) for edition in editions]


async def keep(store, *channels, at=NOON):
    async with store.begin() as tx:
        await tx.keep_digests(channels, at)


async def read(store, name, *arguments):
    async with store.read() as reading:
        return await getattr(reading, name)(*arguments)


async def take(store, owner="one", lease=MINUTE):
    return await store.claim_parcel(owner=owner, lease=lease, now=NOON)


@pytest.mark.parametrize("edition", [an_edition(), FULL, an_edition(environments=())], ids=["plain", "full", "nowhere"])
async def test_an_edition_comes_back_as_it_went_in(one, edition):
    assert await add(one, edition) == [True]
    assert await read(one, "edition", AUDIT, TODAY) == edition


async def test_a_channel_and_date_have_one_edition_and_keep_the_first(one):
    assert await add(one, an_edition(), an_edition(catalog="other")) == [True, False]
    assert await add(one, an_edition(channel=OTHER), an_edition(TODAY + DAY), FULL) == [True, True, False]
    assert await read(one, "edition", AUDIT, TODAY) == an_edition()


async def test_of_two_that_add_it_at_once_one_does(one, two):
    async def tick(store):
        async with store.begin() as tx:
            added = await tx.add_edition(an_edition())
            if added:
                await tx.send(a_parcel_for(an_edition()), NOON)
            await asyncio.sleep(0.05)
        return added

    assert sorted(await race(*(partial(tick, store) for store in (one, two, one, two)))) == [False, False, False, True]
    assert (await take(one)).outgoing == a_parcel_for(an_edition())
    assert await take(two, "two") is None


async def test_a_row_that_was_not_committed_is_nobodys(one, two):
    async def dies():
        async with one.begin() as tx:
            await tx.add_edition(an_edition())
            raise KeyError(an_edition())

    with pytest.raises(KeyError):
        await dies()
    assert await add(two, an_edition()) == [True]


async def test_digests_of_one_channel_and_of_several_are_held_at_once(one):
    editions = [an_edition(), an_edition(TODAY + DAY), an_edition(channel=OTHER)]
    async with one.begin() as tx:
        for edition in editions:
            await tx.send(a_parcel_for(edition), NOON)
    taken = [await take(one) for _ in editions]
    assert [parcel.outgoing for parcel in taken] == [a_parcel_for(edition) for edition in editions]
    await one.parcel_later(taken[0], NOON, timedelta(0))
    again = await take(one)
    assert (again.outgoing, again.tries) == (a_parcel_for(an_edition()), 1)


async def test_who_lost_the_parcel_writes_nothing_of_its_edition(one, two):
    await add(one, an_edition())
    async with one.begin() as tx:
        await tx.send(a_parcel_for(an_edition()), NOON)
    lost = await take(one, lease=timedelta(0))
    won = await take(two, "two")
    with pytest.raises(StaleFence, match="taken over"):
        async with one.begin() as tx:
            await tx.save_edition(replace(an_edition(), ts="9.9"), lost)
    async with two.begin() as tx:
        await tx.save_edition(FULL, won)
    assert await read(one, "edition", AUDIT, TODAY) == FULL


async def test_the_newest_and_the_dates_that_there_are(one):
    days = [TODAY - 40 * DAY, TODAY - DAY, TODAY, TODAY + DAY]
    await add(one, *(an_edition(day) for day in days), an_edition(TODAY + 9 * DAY, OTHER))
    assert (await read(one, "last_edition", AUDIT, TODAY + DAY)).day == TODAY + DAY
    assert (await read(one, "last_edition", AUDIT, TODAY)).day == TODAY
    assert await read(one, "edition_days", AUDIT, TODAY - DAY) == set(days[1:])
    assert await read(one, "edition", AUDIT, TODAY - 2 * DAY) is None
    assert await read(one, "last_edition", "C0NOWHERE1", TODAY) is None
    assert await read(one, "edition_days", "C0NOWHERE1", TODAY) == frozenset()


async def test_a_refused_table_is_known_for_all_channels_from_then_on(one):
    await add(one, an_edition())
    assert not await read(one, "table_refused", NOON - 365 * DAY)
    await add(one, an_edition(channel=OTHER, refused_table=NOON))
    assert await read(one, "table_refused", NOON)
    assert not await read(one, "table_refused", NOON + timedelta(microseconds=1))


async def test_since_when_a_channel_has_a_digest_without_a_break(one):
    await keep(one, AUDIT, at=NOON)
    await keep(one, OTHER, AUDIT, at=NOON + MINUTE)
    assert await read(one, "digests_since") == {AUDIT: NOON, OTHER: NOON + MINUTE}
    await keep(one, OTHER, at=NOON + 2 * MINUTE)
    await keep(one, AUDIT, OTHER, at=NOON + 3 * MINUTE)
    assert await read(one, "digests_since") == {AUDIT: NOON + 3 * MINUTE, OTHER: NOON + MINUTE}
    await keep(one)
    assert await read(one, "digests_since") == {}


async def test_the_newest_that_was_posted_of_each_channel(one):
    await keep(one, AUDIT, OTHER)
    posted = [an_edition(TODAY - number * DAY, ts="1.1") for number in (1, 2)]
    await add(one, *posted, an_edition(), an_edition(channel=OTHER), an_edition(channel="C0GONE0001", ts="1.1"))
    assert await read(one, "newest_editions", TODAY) == {AUDIT: posted[0].span.ends}
    assert await read(one, "newest_editions", TODAY - 2 * DAY) == {AUDIT: posted[1].span.ends}
