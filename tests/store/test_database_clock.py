"""The database's clock as a process knows it: only what is certainly wrong is put right."""

from __future__ import annotations

from datetime import datetime, timedelta

from store.database_clock import DatabaseClock
from tests.clocks import NOON, FixedClock

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def a_clock(host: FixedClock) -> DatabaseClock:
    return DatabaseClock(host.now)


def heard(clock: DatabaseClock, host: FixedClock, said: datetime, took: timedelta = timedelta(0)) -> datetime:
    """What the clock says after the database said a time, in an answer that took so long."""
    since = host.now()
    host.advance(took)
    clock.follow(said, since=since)
    return clock.now()


def test_a_host_that_is_right_is_believed_however_long_an_answer_took():
    host = FixedClock()
    assert heard(a_clock(host), host, NOON + 2 * SECOND, took=9 * SECOND) == NOON + 9 * SECOND


def test_a_host_that_is_an_hour_behind_or_a_month_ahead_is_put_right():
    for wrong in (-HOUR, timedelta(days=30)):
        host = FixedClock(NOON + wrong)
        assert heard(a_clock(host), host, NOON) == NOON


def test_a_host_whose_clock_is_set_while_it_runs_is_put_right_with_the_next_answer():
    host = FixedClock()
    clock = a_clock(host)
    assert heard(clock, host, NOON) == NOON
    host.advance(-HOUR)
    assert clock.now() == NOON - HOUR
    assert heard(clock, host, NOON + SECOND) == NOON + SECOND


def test_an_answer_that_took_long_puts_right_no_more_than_is_certainly_wrong():
    host = FixedClock(NOON - HOUR)
    clock = a_clock(host)
    # made some time in those nine seconds
    assert heard(clock, host, NOON, took=9 * SECOND) == NOON
