"""Made-up days on each engine: the numbers that SQL adds up are those of the events."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

from bot.ports import Limits
from tests.clocks import FixedClock
from tests.fakes import HookedStore, World
from tests.operations.agreement import live_and_compare

if TYPE_CHECKING:
    from store import SqlStore


async def test_a_span_s_numbers_are_those_of_its_events(one: SqlStore):
    limits = Limits(lease=timedelta(seconds=60), write_timeout=timedelta(seconds=20))
    happened = await live_and_compare(World(HookedStore(one), FixedClock(), limits), Random(3), days=1)

    assert {"deploy.requested", "deploy.approved", "deploy.landed", "deploy.refused"} <= set(happened)
