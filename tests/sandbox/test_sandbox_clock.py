"""Waits that shrink with the speed."""

from __future__ import annotations

import asyncio
import time

import pytest

from sandbox.clock import NS, Clock


async def test_a_wait_is_as_much_shorter_as_the_clock_is_faster():
    clock, ran = Clock(speed=1000), asyncio.Event()
    timer = clock.after(20, ran.set)
    assert 0 < timer.remaining() <= 0.02
    await asyncio.wait_for(ran.wait(), 5)


async def test_a_new_speed_holds_for_what_waits_already():
    clock, ran = Clock(speed=1), asyncio.Event()
    timer = clock.after(100, ran.set)
    clock.speed = 10_000
    assert timer.remaining() <= 0.01
    await asyncio.wait_for(ran.wait(), 5)


async def test_a_cancelled_wait_never_runs():
    clock, ran = Clock(speed=1000), asyncio.Event()
    timer = clock.after(1, ran.set)
    timer.cancel()
    timer.cancel()
    await asyncio.sleep(0.02)
    assert not ran.is_set()
    assert timer.remaining() == 0


async def test_stopping_cancels_every_wait():
    clock, ran = Clock(speed=1000), asyncio.Event()
    clock.after(1, ran.set)
    clock.after(2, ran.set)
    clock.stop()
    await asyncio.sleep(0.02)
    assert not ran.is_set()


async def test_a_stopped_clock_begins_no_wait():
    clock, ran = Clock(speed=1000), asyncio.Event()
    clock.stop()
    clock.after(0, ran.set)
    clock.really_after(0, ran.set)
    await asyncio.sleep(0.02)
    assert not ran.is_set()


async def test_a_real_wait_does_not_shrink():
    clock, ran = Clock(speed=1000), asyncio.Event()
    timer = clock.really_after(30, ran.set)
    clock.speed = 10_000
    assert timer.remaining() > 29
    timer.cancel()


async def test_an_instant_on_the_wall_stays_where_it_is():
    clock, ran = Clock(speed=50), asyncio.Event()
    timer = clock.at(clock.now_ns() + 30 * NS, ran.set)
    assert 29 < timer.remaining() <= 30
    passed = clock.at(clock.now_ns() - NS, ran.set)
    await asyncio.wait_for(ran.wait(), 5)
    assert passed.remaining() == 0
    timer.cancel()


def test_instants_are_told_by_the_wall_clock():
    before = time.time_ns()
    assert before <= Clock(speed=5000).now_ns() <= time.time_ns()


def test_durations_shrink():
    assert Clock(speed=20).to_wall_ns(10 * NS) == NS // 2


@pytest.mark.parametrize("speed", [0, -1, 0.001, 1e9])
def test_a_speed_that_is_none_is_refused(speed: float):
    with pytest.raises(ValueError, match=r"0\.01 to 10000"):
        Clock(speed)
    clock = Clock()
    with pytest.raises(ValueError, match=r"0\.01 to 10000"):
        clock.speed = speed
    assert clock.speed == 20
