from __future__ import annotations

import statistics
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.catalog.digest import Digest
from bot.domain.digest.schedule import (
    Edition,
    Scope,
    Span,
    day_before,
    day_of,
    due_days,
    exists,
    median,
    open_span,
    span_of,
)
from tests.clocks import NOON

AMSTERDAM, TOKYO, LOS_ANGELES = ZoneInfo("Europe/Amsterdam"), ZoneInfo("Asia/Tokyo"), ZoneInfo("America/Los_Angeles")
APIA, NUUK, ST_JOHNS = ZoneInfo("Pacific/Apia"), ZoneInfo("America/Nuuk"), ZoneInfo("America/St_Johns")
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
TODAY = date(2026, 11, 21)


def at(time: str, day: date = TODAY) -> datetime:
    """That time in UTC."""
    return datetime.fromisoformat(f"{day}T{time}Z")


def a_digest(time: str = "09:00") -> Digest:
    return Digest(channel="C0AUDIT001", at=time)


def an_edition(day: date = TODAY, span: Span | None = None, environments: tuple[str, ...] | None = None) -> Edition:
    told = span or Span(at("08:00", day - DAY), at("08:00", day))
    return Edition(channel="C0AUDIT001", day=day, span=told, environments=environments, timezone="", catalog="")


def test_a_span_has_its_beginning_and_not_its_end():
    span = Span(at("08:00"), at("09:00"))

    assert at("08:00") in span
    assert at("08:59") in span
    assert at("09:00") not in span
    assert at("07:59") not in span


def test_a_scope_has_its_environments_and_what_belongs_to_none():
    span = Span(at("08:00"), at("09:00"))
    some = Scope(span, frozenset({"production"}))

    assert [some.has(name) for name in ("production", "staging", "", None)] == [True, False, True, True]
    assert Scope(span).has("staging")


def test_an_edition_counts_what_it_was_made_for():
    assert an_edition(environments=("production",)).scope.environments == frozenset({"production"})
    assert an_edition(environments=()).scope.environments == frozenset()
    assert an_edition().scope == Scope(an_edition().span)


def test_an_edition_is_late_from_ten_minutes_on():
    assert not an_edition().late(at("08:10") - SECOND)
    assert an_edition().late(at("08:10"))


def test_a_calendar_date_is_as_long_as_its_clocks_make_it():
    assert day_of(TODAY, AMSTERDAM) == Span(at("23:00", TODAY - DAY), at("23:00"))
    short, long = day_of(date(2026, 3, 29), AMSTERDAM), day_of(date(2026, 10, 25), AMSTERDAM)
    assert short.ends - short.begins == timedelta(hours=23)
    assert long.ends - long.begins == timedelta(hours=25)


def test_a_date_that_was_left_out_does_not_exist_and_is_before_none():
    assert not exists(date(2011, 12, 30), APIA)
    assert exists(date(2011, 12, 31), APIA)
    assert day_before(date(2011, 12, 31), APIA) == date(2011, 12, 29)
    assert day_before(TODAY, AMSTERDAM) == TODAY - DAY


def test_a_digest_is_due_from_fifteen_seconds_after_its_time_on_once_it_was_configured():
    since, due = at("08:00"), at("08:00") + 15 * SECOND

    assert due_days(a_digest(), AMSTERDAM, due, since) == (TODAY,)
    assert due_days(a_digest(), AMSTERDAM, due - SECOND, since) == ()
    assert due_days(a_digest(), AMSTERDAM, due, since + SECOND) == ()
    assert due_days(a_digest(), AMSTERDAM, due, since - DAY) == (TODAY - DAY, TODAY)


def test_seven_dates_are_caught_up_on_also_where_one_of_the_last_was_left_out():
    since = datetime(2011, 1, 1, tzinfo=UTC)
    early = datetime(2012, 1, 2, 8, tzinfo=APIA).astimezone(UTC)
    days = due_days(a_digest(), APIA, early, since)

    assert days == (*(date(2011, 12, day) for day in (25, 26, 27, 28, 29, 31)), date(2012, 1, 1))


def test_tomorrow_is_due_where_its_midnight_came_before_the_clock_went_back_into_today():
    # 00:00 was at 02:30 UTC; at 02:31 it was 23:01 again
    now = datetime(2010, 11, 7, 2, 45, tzinfo=UTC)

    assert now.astimezone(ST_JOHNS).date() == date(2010, 11, 6)
    since = datetime(2010, 11, 6, 2, 30, tzinfo=UTC)
    assert due_days(a_digest("00:00"), ST_JOHNS, now, since) == (date(2010, 11, 6), date(2010, 11, 7))
    assert open_span(a_digest("00:00"), ST_JOHNS, now, None)[0] == date(2010, 11, 8)


class TestWhatADigestTellsOf:
    def test_it_begins_where_the_one_before_ended(self):
        before = an_edition(TODAY - DAY, Span(at("00:00", TODAY - 2 * DAY), at("06:00", TODAY - DAY)))

        assert span_of(a_digest(), AMSTERDAM, TODAY, before) == Span(at("06:00", TODAY - DAY), at("08:00"))

    @pytest.mark.parametrize("before", [None, an_edition(TODAY - 2 * DAY)])
    def test_without_one_of_the_date_before_it_tells_of_a_day(self, before):
        assert span_of(a_digest(), AMSTERDAM, TODAY, before) == Span(at("08:00", TODAY - DAY), at("08:00"))

    def test_it_is_empty_where_the_one_before_ended_later_and_the_next_goes_on_from_there(self):
        # 23:59 of the 20th in Los Angeles comes after midnight of the 21st in Tokyo
        ended = at("07:59")
        before = an_edition(TODAY - DAY, Span(ended - DAY, ended))
        empty = span_of(a_digest("00:00"), TOKYO, TODAY, before)
        following = span_of(a_digest("00:00"), TOKYO, TODAY + DAY, an_edition(TODAY, empty))

        assert empty == Span(ended, ended)
        assert following == Span(ended, at("15:00"))

    @given(
        changes=st.lists(
            st.tuples(st.sampled_from(["00:00", "09:00", "23:59"]), st.sampled_from([TOKYO, LOS_ANGELES, APIA])),
            min_size=1,
            max_size=8,
        )
    )
    def test_whatever_is_configured_from_one_day_to_the_next_nothing_is_told_twice_or_left_out(self, changes):
        before = an_edition()
        for number, (time, zone) in enumerate(changes, start=1):
            span = span_of(a_digest(time), zone, TODAY + number * DAY, before)
            assert span.begins == before.span.ends
            assert span.ends >= span.begins
            before = an_edition(TODAY + number * DAY, span)


class TestTheDigestToCome:
    def test_it_is_today_s_before_its_time_and_tomorrow_s_from_then_on(self):
        before = at("08:00") - SECOND

        assert open_span(a_digest(), AMSTERDAM, before, None) == (TODAY, Span(at("08:00", TODAY - DAY), before))
        assert open_span(a_digest(), AMSTERDAM, at("08:00"), None) == (TODAY + DAY, Span(at("08:00"), at("08:00")))

    def test_it_goes_on_from_the_last_one(self):
        last = an_edition(TODAY, Span(at("06:00", TODAY - DAY), at("07:00")))

        assert open_span(a_digest(), AMSTERDAM, at("07:30"), last) == (TODAY + DAY, Span(at("07:00"), at("07:30")))
        assert open_span(a_digest(), AMSTERDAM, NOON, last) == (TODAY + DAY, Span(at("07:00"), NOON))

    def test_one_of_long_ago_says_nothing_of_it(self):
        assert open_span(a_digest(), AMSTERDAM, NOON, an_edition(TODAY - 9 * DAY))[0] == TODAY + DAY

    def test_it_has_not_begun_where_the_clock_was_set_back(self):
        last = an_edition(TODAY + 2 * DAY, Span(at("08:00", TODAY + DAY), at("08:00", TODAY + 2 * DAY)))

        assert open_span(a_digest(), AMSTERDAM, NOON, last) == (TODAY + 3 * DAY, Span(NOON, NOON))

    def test_a_time_that_does_not_exist_is_still_to_come_after_midnight(self):
        # 23:59 of the 28th would have been at 00:59 of the 29th
        now = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)

        assert now.astimezone(NUUK).date() == date(2026, 3, 29)
        assert open_span(a_digest("23:59"), NUUK, now, None)[0] == date(2026, 3, 28)

    def test_a_date_that_was_left_out_is_not_to_come(self):
        now = datetime(2011, 12, 29, 20, tzinfo=APIA).astimezone(UTC)

        assert open_span(a_digest(), APIA, now, None)[0] == date(2011, 12, 31)


@given(numbers=st.lists(st.integers(-(10**6), 10**12), max_size=20))
def test_the_median_is_that_of_the_statisticians(numbers):
    found = median([timedelta(microseconds=each) for each in numbers])

    exact = round(statistics.median(map(Fraction, numbers))) if numbers else None
    assert found == (None if exact is None else timedelta(microseconds=exact))
