"""Twenty time zones, two years, four times of day: each local date that there is gets one digest, and one only."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest

from bot.domain.catalog.digest import Digest
from bot.domain.digest.schedule import NEWEST, SETTLED_AFTER, Edition, day_before, due_days, instant, span_of

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
YEARS = {
    "Africa/Cairo": 2025,  # no midnight on 2026-04-24; 23:00 to midnight twice on 2026-10-29
    "Africa/Casablanca": 2025,  # an hour back for Ramadan: 02:00 to 03:00 twice on 2026-02-15, missing on 2026-03-22
    "America/Havana": 2025,  # no midnight on 2026-03-08, two on 2026-11-01
    "America/New_York": 2025,
    "America/Nuuk": 2025,  # no 23:59 on 2026-03-28, two on 2026-10-24
    "America/Santiago": 2025,  # no midnight on 2026-09-06
    "America/Sao_Paulo": 2017,  # no midnight on 2018-11-04
    "America/St_Johns": 2009,  # until 2011 the clock changed at one minute past midnight: two midnights on 2010-11-07
    "Antarctica/Troll": 2025,  # two hours: 01:00 to 03:00 missing on 2026-03-29
    "Asia/Beirut": 2025,  # no midnight on 2026-03-29, two times 23:59 on 2026-10-24
    "Asia/Gaza": 2025,  # no 02:30 on 2026-03-28
    "Asia/Kathmandu": 2025,  # 5 hours and 45 minutes
    "Asia/Tehran": 2020,  # no midnight on 2021-03-22; no summer time any more after 2022
    "Atlantic/Azores": 2025,  # no midnight on 2026-03-29, two on 2026-10-25
    "Australia/Lord_Howe": 2025,  # half an hour: 02:00 to 02:30 missing on 2026-10-04, 01:30 twice on 2026-04-05
    "Europe/Amsterdam": 2025,  # no 02:30 on 2026-03-29, two on 2026-10-25
    "Pacific/Apia": 2010,  # no 30 December 2011 at all
    "Pacific/Chatham": 2025,  # 12 hours and 45 minutes: 02:45 to 03:45 missing on 2026-09-27
    "Pacific/Kiritimati": 2025,  # 14 hours ahead
    "UTC": 2025,
}
TIMES = ("00:00", "02:30", "09:00", "23:59")

NAMED = [
    # no such time: as long after the change as it would have been
    ("Africa/Cairo", "2026-04-24", "00:00", "2026-04-23 22:00"),
    ("America/Santiago", "2026-09-06", "00:00", "2026-09-06 04:00"),
    ("America/Sao_Paulo", "2018-11-04", "00:00", "2018-11-04 03:00"),
    ("Asia/Tehran", "2021-03-22", "00:00", "2021-03-21 20:30"),
    ("Asia/Beirut", "2026-03-29", "00:00", "2026-03-28 22:00"),
    ("America/Havana", "2026-03-08", "00:00", "2026-03-08 05:00"),
    ("Atlantic/Azores", "2026-03-29", "00:00", "2026-03-29 01:00"),
    ("Europe/Amsterdam", "2026-03-29", "02:30", "2026-03-29 01:30"),
    ("America/St_Johns", "2026-03-08", "02:30", "2026-03-08 06:00"),
    ("Africa/Casablanca", "2026-03-22", "02:30", "2026-03-22 02:30"),
    ("Antarctica/Troll", "2026-03-29", "02:30", "2026-03-29 02:30"),
    ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03 15:45"),
    ("Pacific/Chatham", "2026-09-27", "03:00", "2026-09-26 14:15"),
    ("America/Nuuk", "2026-03-28", "23:59", "2026-03-29 01:59"),
    # twice: the first
    ("Europe/Amsterdam", "2026-10-25", "02:30", "2026-10-25 00:30"),
    ("America/Havana", "2026-11-01", "00:00", "2026-11-01 04:00"),
    ("Atlantic/Azores", "2026-10-25", "00:00", "2026-10-25 00:00"),
    ("America/St_Johns", "2010-11-07", "00:00", "2010-11-07 02:30"),
    ("Africa/Casablanca", "2026-02-15", "02:30", "2026-02-15 01:30"),
    ("Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-04 14:45"),
    ("Pacific/Chatham", "2026-04-05", "03:00", "2026-04-04 13:15"),
    ("Africa/Cairo", "2026-10-29", "23:59", "2026-10-29 20:59"),
    ("Asia/Beirut", "2026-10-24", "23:59", "2026-10-24 20:59"),
    ("America/Nuuk", "2026-10-24", "23:59", "2026-10-25 00:59"),
    # once, and hard enough
    ("Asia/Kathmandu", "2026-11-21", "09:00", "2026-11-21 03:15"),
    ("Pacific/Kiritimati", "2026-11-21", "09:00", "2026-11-20 19:00"),
    ("Pacific/Apia", "2011-12-29", "23:59", "2011-12-30 09:59"),
    ("Pacific/Apia", "2011-12-31", "00:00", "2011-12-30 10:00"),
    ("Asia/Beirut", "2026-10-25", "00:00", "2026-10-24 22:00"),
]


class Ticker:
    """The rows that the ticks have added, as the store keeps them: by date, each for ever."""

    def __init__(self, zone: str, at: str, since: datetime) -> None:
        self.digest = Digest(channel="C0AUDIT001", at=at)
        self.zone = ZoneInfo(zone)
        self.since = since
        self.rows: dict[date, Edition] = {}
        self.added: Counter[date] = Counter()

    def tick(self, now: datetime) -> list[date]:
        due = due_days(self.digest, self.zone, now, self.since)
        assert list(due) == sorted(set(due))
        assert len(due) <= NEWEST
        new = [day for day in due if day not in self.rows]
        for day in new:
            span = span_of(self.digest, self.zone, day, self.rows.get(day_before(day, self.zone)))
            self.rows[day] = Edition(
                channel="C0AUDIT001", day=day, span=span, environments=None, timezone=self.zone.key, catalog=""
            )
            self.added[day] += 1
        return new

    def assert_one_for_each(self, days: list[date]) -> None:
        assert sorted(self.rows) == days
        assert set(self.added.values()) == {1}
        spans = [self.rows[day].span for day in days]
        assert all(span.begins < span.ends for span in spans)
        assert all(before.ends == after.begins for before, after in pairwise(spans))


class Almanac:
    """A zone's dates and the instants of its times, found by walking through them: none of our arithmetic."""

    def __init__(self, zone: str) -> None:
        self.zone = ZoneInfo(zone)
        first = YEARS[zone]
        self.begins, self.ends = datetime(first, 1, 1, tzinfo=UTC), datetime(first + 2, 1, 1, tzinfo=UTC)
        self.days: set[date] = set()
        self.offsets: dict[date, set[timedelta]] = {}
        self.changes: list[datetime] = []
        self._walk()

    def _walk(self) -> None:
        at = self.begins - 2 * DAY
        offset: timedelta | None = None
        while at < self.ends + 2 * DAY:
            local = at.astimezone(self.zone)
            before, offset = offset, local.utcoffset()
            assert offset is not None
            if before is not None and before != offset:
                self.changes.append(at)
            self.days.add(local.date())
            self.offsets.setdefault(at.date(), set()).add(offset)
            at += 30 * MINUTE

    def due(self, day: date, at: str) -> datetime:
        """The first instant at which a clock on the wall shows that; where it never does, by the clock before."""
        shown = datetime.combine(day, time.fromisoformat(at))
        near = {offset for days in (-1, 0, 1) for offset in self.offsets.get(day + days * DAY, ())}
        maybe = sorted((shown - offset).replace(tzinfo=UTC) for offset in near)
        seen = [each for each in maybe if each.astimezone(self.zone).replace(tzinfo=None) == shown]
        return seen[0] if seen else maybe[-1]

    def within(self, at: str, since: datetime, until: datetime) -> dict[date, datetime]:
        """The dates whose time comes in between, with their instants."""
        found = {day: self.due(day, at) for day in sorted(self.days)}
        return {day: due for day, due in found.items() if since <= due <= until}


@pytest.fixture(scope="module")
def almanacs() -> dict[str, Almanac]:
    return {zone: Almanac(zone) for zone in YEARS}


@pytest.mark.parametrize("at", TIMES)
@pytest.mark.parametrize("zone", YEARS)
def test_each_date_is_due_right_after_its_time_and_never_again(almanacs, zone: str, at: str):
    almanac = almanacs[zone]
    ticker = Ticker(zone, at, almanac.begins)
    dates = almanac.within(at, almanac.begins, almanac.ends)
    around = {change + n * 13 * MINUTE for change in almanac.changes for n in range(-15, 16)}
    near = {change.date() + n * DAY for change in almanac.changes for n in range(-2, 3)}
    ticks = {due + SETTLED_AFTER + timedelta(seconds=5): 5 for due in dates.values()}
    ticks |= {due + SETTLED_AFTER - timedelta(seconds=1): -1 for day, due in dates.items() if day in near}
    followers = dict(zip(dates.values(), dates, strict=True))

    for now in sorted(ticks.keys() | around):
        new = ticker.tick(now)
        if now in ticks:
            due = now - SETTLED_AFTER - timedelta(seconds=ticks[now])
            # a tick around a change of the clock may have been there first
            assert new in ([[]] if ticks[now] < 0 else [[followers[due]], []])
            assert (followers[due] in ticker.rows) is (ticks[now] > 0)
    ticker.assert_one_for_each(list(dates))
    assert [row.span.ends for _, row in sorted(ticker.rows.items())] == list(dates.values())
    assert len(dates) >= 2 * 365 - 1


@pytest.mark.parametrize("zone", YEARS)
def test_nor_does_a_restart_an_absence_or_a_clock_that_is_set_back_lose_one_or_send_one_twice(almanacs, zone: str):
    for seed, at in enumerate(TIMES):
        almanac, random = almanacs[zone], Random(f"{zone} {seed}")
        since = almanac.begins + random.random() * 40 * DAY
        ticker, now, farthest = Ticker(zone, at, since), since, since
        while farthest < almanac.ends:
            ticker.tick(now)
            farthest = max(farthest, now)
            now += random.random() * random.choice([7 * MINUTE, 3 * 60 * MINUTE, 6 * DAY, 6 * DAY])
            if random.random() < 0.1:
                now -= random.random() * random.choice([90 * MINUTE, 2 * DAY])
            if random.random() < 0.5:
                now = max(now, farthest) + random.random() * DAY
            now = min(now, almanac.ends)
        ticker.assert_one_for_each(list(almanac.within(at, since, almanac.ends - SETTLED_AFTER)))


@pytest.mark.parametrize("zone", YEARS)
def test_after_a_long_absence_the_newest_seven_come_and_no_others(almanacs, zone: str):
    almanac, random = almanacs[zone], Random(zone)
    for away, at in zip((8, 20, 400, 700), TIMES, strict=True):
        ticker = Ticker(zone, at, almanac.begins)
        left = almanac.begins + 3 * DAY + random.random() * DAY
        ticker.tick(left)
        back = left + away * DAY
        known = list(ticker.rows)
        ticker.tick(back)

        dates = almanac.within(at, left, back - SETTLED_AFTER)
        assert sorted(ticker.rows) == known + list(dates)[-NEWEST:]


@pytest.mark.parametrize(("zone", "day", "at", "due"), NAMED)
def test_the_days_on_which_the_time_is_missing_or_comes_twice(zone: str, day: str, at: str, due: str):
    when = datetime.fromisoformat(f"{due}+00:00")
    digest, named = Digest(channel="C0AUDIT001", at=at), date.fromisoformat(day)

    assert instant(named, time.fromisoformat(at), ZoneInfo(zone)) == when
    for minutes in (0, 1, 30, 59, 60, 61, 119, 120, 121, 600):
        now = when + SETTLED_AFTER + minutes * MINUTE
        assert due_days(digest, ZoneInfo(zone), now, when)[:1] == (named,), minutes
    assert named not in due_days(digest, ZoneInfo(zone), when + SETTLED_AFTER - timedelta(seconds=1), when - DAY)


def test_a_date_that_was_left_out_has_no_digest():
    apia, gone = ZoneInfo("Pacific/Apia"), date(2011, 12, 30)
    for at in TIMES:
        ticker = Ticker("Pacific/Apia", at, datetime(2011, 12, 20, tzinfo=UTC))
        for hours in range(24 * 20):
            ticker.tick(datetime(2011, 12, 20, tzinfo=UTC) + timedelta(hours=hours))

        assert gone not in ticker.rows
        assert ticker.rows[date(2011, 12, 31)].span.begins == ticker.rows[date(2011, 12, 29)].span.ends
        assert day_before(date(2011, 12, 31), apia) == date(2011, 12, 29)
