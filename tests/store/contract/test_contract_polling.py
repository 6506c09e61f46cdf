"""The poll on both engines: it finds the kinds of work that a claim would find, and no others."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.deploy.deploy import Status
from bot.domain.deploy.message import Delivery
from bot.ports.claims import CLOCK_TOLERANCE, JUDGING, MESSAGES, Wanted
from tests.builders import a_draft, an_outgoing
from tests.clocks import NOON

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
PLANS = Wanted(statuses=frozenset({Status.PLANNING}), within=MINUTE)
ROLLOUTS = Wanted(statuses=frozenset({Status.ROLLING, Status.SUCCEEDED}), within=DAY)


async def due(store, now=NOON):
    return await store.due([PLANS, ROLLOUTS], now)


async def add(store, status, **changes):
    async with store.begin() as tx:
        deploy = await tx.add_deploy(a_draft())
        await tx.save_deploy(replace(deploy, status=status, **changes))


async def test_where_nothing_is_due_it_finds_nothing(one):
    await add(one, Status.PLANNING, due_at=NOON + MINUTE)
    await add(one, Status.READY, due_at=NOON)
    assert await due(one) == frozenset()


async def test_all_states_of_a_kind_of_work_are_found_as_soon_as_one_is_due(one):
    await add(one, Status.SUCCEEDED, due_at=NOON + MINUTE)
    assert await due(one, NOON + MINUTE) == {Status.ROLLING, Status.SUCCEEDED}


@pytest.mark.parametrize(("status", "longest"), [(Status.PLANNING, MINUTE), (Status.ROLLING, DAY)])
async def test_what_is_due_further_ahead_than_its_own_rule_allows_is_due(one, status, longest):
    await add(one, status, due_at=NOON + longest + CLOCK_TOLERANCE)
    assert await due(one) == frozenset()
    assert status in await due(one, NOON - timedelta(milliseconds=1))


async def test_what_a_worker_keeps_is_not_due_until_its_lease_has_run_out(one, two):
    await add(one, Status.PLANNING, due_at=NOON)
    assert await due(two) == {Status.PLANNING}
    claim = await one.claim(PLANS, owner="one", lease=MINUTE, now=NOON)
    assert await due(two) == frozenset()
    await one.renew(claim, timedelta(0))
    assert await due(two) == {Status.PLANNING}


async def test_messages_and_judging_are_kinds_of_their_own(one):
    await add(one, Status.WAITING)
    async with one.begin() as tx:
        await tx.send(an_outgoing(Delivery.CARD, 1), NOON)
    assert await due(one) == {MESSAGES}
    async with one.begin() as tx:
        await tx.judge_anew(NOON)
    assert await due(one) == {MESSAGES, JUDGING}
    await one.claim_parcel(owner="one", lease=MINUTE, now=NOON)
    assert await due(one) == {JUDGING}
