"""Refusals that repeat are counted, and what a person asked for is counted, on both engines."""

from __future__ import annotations

import json
from datetime import timedelta

from bot.domain.audit.events import Event, EventType
from bot.domain.deploy.deploy import Status
from tests.builders import ALICE, BOB, a_draft
from tests.clocks import NOON


def a_refusal(seconds=0.0, actor=ALICE, codes=("turn",), **changes):
    data = {"act": "approve", "codes": list(codes)}
    kind, at = EventType.ACTION_REFUSED, NOON + timedelta(seconds=seconds)
    return Event(**{"type": kind, "at": at, "actor": actor, "service": "checkout", "data": data, **changes})


async def recorded(store, *events):
    """The data of what is in the log after those events."""
    for event in events:
        async with store.begin() as tx:
            await tx.record(event)
    async with store.read() as reading:
        return [json.loads(stored.body)["data"] for stored in await reading.events()]


async def test_the_same_refusal_within_a_minute_is_counted_and_said_by_the_next(one, two):
    many = [a_refusal(second) for second in range(0, 60, 20)]
    assert await recorded(one, *many) == [a_refusal().data]
    *_, last = await recorded(two, a_refusal(60))
    assert last == {**a_refusal().data, "repeated": 2}
    *_, next_one = await recorded(two, a_refusal(120))
    assert next_one == a_refusal().data


async def test_another_person_act_reason_or_place_is_another_refusal(one):
    others = [a_refusal(actor=BOB), a_refusal(codes=("turn", "soaking")), a_refusal(environment="staging")]
    others += [a_refusal(data={"act": "reject", "codes": ["turn"]}), a_refusal(service="cart")]
    others += [a_refusal(type=EventType.DEPLOY_REFUSED)]
    assert len(await recorded(one, a_refusal(), *others)) == 7


async def test_a_clock_that_was_set_back_counts_nothing_for_hours(one):
    assert len(await recorded(one, a_refusal(3600), a_refusal(0))) == 2


async def test_what_was_counted_outlives_the_cleaning(one):
    await recorded(one, a_refusal(), a_refusal(1), a_refusal(actor=BOB))
    await one.forget_requests(NOON + timedelta(hours=1))
    *_, alice, bob = await recorded(one, a_refusal(3700), a_refusal(3700, BOB))
    assert (alice["repeated"], "repeated" in bob) == (1, False)


async def test_what_a_person_has_open_and_asked_for_lately(one):
    async with one.begin() as tx:
        for status in (Status.PLANNING, Status.WAITING, Status.SUCCEEDED):
            await tx.add_deploy(a_draft(requester=ALICE, status=status, requested_at=NOON))
        await tx.add_deploy(a_draft(requester=BOB, requested_at=NOON))
    async with one.read() as reading:
        assert await reading.requested_by(ALICE, NOON - timedelta(seconds=1), NOON) == (2, 3)
        assert await reading.requested_by(ALICE, NOON + timedelta(seconds=1), NOON + timedelta(minutes=1)) == (2, 0)
        # a clock that is set back leaves requests in the future
        assert await reading.requested_by(ALICE, NOON - timedelta(hours=1), NOON - timedelta(seconds=1)) == (2, 0)
