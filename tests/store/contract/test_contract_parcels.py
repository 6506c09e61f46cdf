"""The outbox on both engines: what comes next, one worker for a message, cards that never pile up."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from bot.domain.deploy.deploy import Status
from bot.domain.deploy.message import Delivery, Setback, Way
from bot.errors import StaleFence
from bot.operations.require import require
from bot.ports.claims import Wanted
from tests.builders import ALICE, BOB, a_catalog, a_draft, a_note, a_posted, an_outgoing
from tests.clocks import NOON
from tests.store.racing import race

MINUTE, OVER = timedelta(minutes=1), timedelta(0)
CARD, THREAD, TELL, ADMIN, STRIP = Delivery.CARD, Delivery.THREAD, Delivery.TELL, Delivery.ADMIN, Delivery.STRIP


@pytest.fixture
async def ready(one):
    """A store that knows D-1, D-2 and D-3; the last two have a message."""
    async with one.begin() as tx:
        for number in (1, 2, 3):
            await tx.add_deploy(a_draft())
            if number > 1:
                await tx.save_posted(a_posted(number))
    return one


async def send(store, *outgoing, at=NOON):
    async with store.begin() as tx:
        for each in outgoing:
            await tx.send(each, at)


async def take(store, owner="one", *, lease=MINUTE, now=NOON):
    return await store.claim_parcel(owner=owner, lease=lease, now=now)


async def drain(store, now=NOON, resting=()):
    """Take and finish all that is due, in order."""
    found = []
    while parcel := await store.claim_parcel(owner="one", lease=MINUTE, now=now, resting=resting):
        found.append((parcel.outgoing.kind, parcel.outgoing.deploy_id))
        await store.parcel_done(parcel)
    return found


async def test_a_parcel_comes_as_it_was_sent_and_once(ready):
    tell = an_outgoing(
        TELL,
        note=a_note("Žluť 𝄞", lines=("a", "b"), mention=("U1",), action=("Try again", "again", "D-1")),
        user="U0ALICE001",
        channel="C0STAGING1",
        response_url="https://hooks.slack.com/x",
        not_before=NOON,
        urgent=True,
    )
    await send(ready, tell)
    parcel = await take(ready)
    assert (parcel.outgoing, parcel.owner, parcel.tries, parcel.created_at) == (tell, "one", 0, NOON)
    assert await take(ready) is None
    await ready.parcel_done(parcel)
    assert await take(ready, now=NOON + timedelta(days=1)) is None


async def test_urgent_ones_first_then_cards_then_the_oldest(ready):
    await send(
        ready,
        an_outgoing(ADMIN, None),
        an_outgoing(TELL, 1),
        an_outgoing(CARD, 2),
        an_outgoing(CARD, 3),
        an_outgoing(TELL, 2, urgent=True),
    )
    assert await drain(ready) == [(TELL, 2), (CARD, 2), (CARD, 3), (ADMIN, None), (TELL, 1)]


async def test_first_cards_go_before_redraws_and_those_before_replies(ready):
    await send(
        ready, an_outgoing(THREAD, 3), an_outgoing(CARD, 2), an_outgoing(CARD, 1), an_outgoing(CARD, 3, urgent=True)
    )
    assert await drain(ready) == [(CARD, 3), (CARD, 1), (CARD, 2), (THREAD, 3)]


async def test_a_colleagues_first_card_goes_among_the_first(one):
    async with one.begin() as tx:
        for _ in range(20):
            await tx.add_deploy(a_draft(requester=ALICE))
        last = await tx.add_deploy(a_draft(requester=BOB))
    await send(one, *(an_outgoing(CARD, number) for number in range(1, 21)))
    for _ in range(5):
        await one.parcel_done(await take(one))
    await send(one, an_outgoing(CARD, last.id))
    assert (CARD, last.id) in [(CARD, (await take(one)).outgoing.deploy_id) for _ in range(2)]


async def test_at_most_two_messages_of_a_channel_are_on_their_way(one, two):
    async with one.begin() as tx:
        await tx.apply_catalog(a_catalog(), NOON)
        await tx.add_deploy(a_draft())
    there = [an_outgoing(TELL, None, channel="C0PROD0001") for _ in range(3)]
    await send(one, *there, an_outgoing(ADMIN, None), an_outgoing(CARD, 1), an_outgoing(TELL, None, user="U0ALICE001"))
    taken = [await take(one) for _ in range(6)]
    of_channel = [each for each in taken if each and each.outgoing.channel]
    assert sorted(each.outgoing.kind for each in taken if each) == [ADMIN, CARD, TELL, TELL, TELL]
    assert (len(of_channel), await take(two)) == (2, None)
    await one.parcel_done(of_channel[0])
    assert (await take(two)).outgoing.channel == "C0PROD0001"


async def test_a_begun_parcel_stays_begun_until_it_is_known_to_be_not(ready, two):
    await send(ready, an_outgoing(TELL, 2))
    lost = await take(ready, lease=OVER)
    await ready.begin_parcel(lost)
    won = await take(two)
    assert (lost.begun, won.begun) == (False, True)
    with pytest.raises(StaleFence):
        await ready.begin_parcel(lost)
    await two.parcel_later(won, NOON, OVER)
    again = await take(two)
    assert again.begun
    await two.parcel_later(again, NOON, OVER, begun=False)
    assert not (await take(two)).begun


SENT_BY: dict[Way, list[tuple[Delivery, int | None]]] = {
    Way.POST: [(CARD, 1), (THREAD, 2), (ADMIN, None)],
    Way.UPDATE: [(CARD, 3), (STRIP, 2)],
    Way.TELL: [(TELL, 1)],
    Way.FILE: [(THREAD, 3)],
}


@pytest.mark.parametrize("channel", ["", "C0STAGING1", "C0PROD0001"])
@pytest.mark.parametrize("way", Way)
async def test_what_slacks_limits_keep_back_is_not_taken(ready, way, channel):
    async with ready.begin() as tx:
        await tx.apply_catalog(a_catalog(), NOON)
    there = {"channel": "C0STAGING1"}
    await send(
        ready,
        *(an_outgoing(kind, number) for kind, number in [(CARD, 1), (CARD, 3), (THREAD, 2), (STRIP, 2)]),
        an_outgoing(ADMIN, None, **there),
        an_outgoing(TELL, 1, **there),
        an_outgoing(TELL, 3, response_url="https://hooks.slack.com/x", **there),
    )
    note = replace(require(an_outgoing(THREAD, 3).note, "a note"), plan=1)
    await send(ready, replace(an_outgoing(THREAD, 3), note=note))
    rests: list[tuple[Delivery, int | None]] = [] if channel == "C0PROD0001" else SENT_BY[way]
    if rests and way is Way.POST:
        # if Slack refuses the file, a reply says so
        rests = [*rests, (THREAD, 3)]
    went = [each for each in [(TELL, 3), *(one for sent in SENT_BY.values() for one in sent)] if each not in rests]

    assert sorted(await drain(ready, resting=[(way, channel)]), key=str) == sorted(went, key=str)
    assert sorted(await drain(ready), key=str) == sorted(rests, key=str)


async def test_what_waits_for_an_instant_reckoned_in_the_future_is_due_now(ready, two):
    ahead = NOON + timedelta(days=30)
    await send(ready, an_outgoing(CARD, 2), an_outgoing(THREAD, 3), at=ahead)
    for _ in range(2):
        await ready.parcel_later(await take(ready, now=ahead), ahead, MINUTE)
    await send(ready, an_outgoing(TELL, 1, not_before=ahead + MINUTE), at=ahead)
    kept = an_outgoing(TELL, 2, not_before=NOON + timedelta(days=31))
    await send(ready, kept)

    assert sorted(await drain(two), key=str) == [(CARD, 2), (TELL, 1), (THREAD, 3)]
    assert await drain(ready, kept.not_before) == [(TELL, 2)]


async def test_a_parcel_knows_its_tries_and_its_crashes(ready):
    for kind in (CARD, TELL):
        await send(ready, an_outgoing(kind, 2))
        found = []
        for setback in (Setback.LIMIT, Setback.OUTAGE, Setback.CRASH, Setback.LIMIT):
            await ready.parcel_later(await take(ready), NOON, OVER, setback)
            parcel = await take(ready, lease=OVER)
            found.append((parcel.tries, parcel.crashes))
            await ready.parcel_later(parcel, NOON, OVER, Setback.LIMIT)
        assert found == [(0, 0), (1, 0), (2, 1), (2, 1)]
        await ready.parcel_done(await take(ready))


async def test_what_is_not_due_yet_waits(ready):
    await send(ready, an_outgoing(TELL, not_before=NOON + MINUTE))
    assert await take(ready) is None
    assert await drain(ready, NOON + MINUTE) == [(TELL, 1)]


async def test_a_thread_reply_waits_for_the_message_and_others_do_not(ready):
    first = an_outgoing(CARD, 1, not_before=NOON + MINUTE)
    await send(
        ready, first, an_outgoing(THREAD, 1), an_outgoing(TELL, 1), an_outgoing(STRIP, 1), an_outgoing(THREAD, 2)
    )
    assert await drain(ready) == [(TELL, 1), (STRIP, 1), (THREAD, 2)]
    for posted in (a_posted(1, ts="", posting=NOON), a_posted(1)):
        assert await take(ready) is None
        async with ready.begin() as tx:
            await tx.save_posted(posted)
    assert await drain(ready) == [(THREAD, 1)]


async def test_a_thread_reply_does_not_wait_for_a_message_that_is_not_coming(ready):
    await send(ready, an_outgoing(CARD, 1), an_outgoing(THREAD, 1))
    card = await take(ready)
    assert await take(ready) is None
    await ready.parcel_done(card)
    assert await drain(ready) == [(THREAD, 1)]


async def test_thread_replies_of_a_deploy_stay_in_their_order(ready):
    for number in (2, 3):
        for text in ("first", "second"):
            await send(ready, an_outgoing(THREAD, number, note=a_note(text)))
    failed = await take(ready)
    await ready.parcel_later(failed, NOON, MINUTE)
    assert await drain(ready) == [(THREAD, 3), (THREAD, 3)]
    said = []
    while parcel := await take(ready, now=NOON + MINUTE):
        said.append(parcel.outgoing.note.text)
        await ready.parcel_done(parcel)
    assert said == ["first", "second"]


async def test_one_worker_at_a_time_for_a_message(ready, two):
    await send(ready, an_outgoing(CARD, 2), an_outgoing(THREAD, 2), an_outgoing(THREAD, 2), an_outgoing(TELL, 2))
    card = await take(ready)
    assert card.outgoing.kind is CARD
    assert await drain(two) == [(TELL, 2)]
    await ready.parcel_done(card)
    reply = await take(two, "two")
    assert reply.outgoing.kind is THREAD
    assert await take(ready) is None


async def test_workers_that_race_for_one_message_do_not_share_it(ready, two):
    await send(ready, *(an_outgoing(THREAD, 2) for _ in range(6)))
    parcels = await race(*(partial(take, store) for store in (ready, two) * 3))
    assert sum(parcel is not None for parcel in parcels) == 1


async def test_workers_that_race_for_many_messages_take_each_once(ready, two):
    await send(
        ready, an_outgoing(CARD, 1), *(an_outgoing(kind, number) for kind in (CARD, THREAD) for number in (2, 3))
    )
    parcels = await race(*(partial(take, store) for store in (ready, two) * 3))
    taken = [parcel.outgoing.deploy_id for parcel in parcels if parcel]
    assert len(taken) == len(set(taken))
    rest = [parcel.outgoing.deploy_id for parcel in [await take(ready) for _ in range(4)] if parcel]
    assert sorted(taken + rest) == [1, 2, 3]


async def test_a_pending_card_is_brought_forward_and_never_doubled(ready):
    await send(ready, an_outgoing(CARD, not_before=NOON + 2 * MINUTE))
    await send(ready, an_outgoing(CARD, not_before=NOON + MINUTE))
    await send(ready, an_outgoing(CARD, not_before=NOON + 3 * MINUTE))
    assert await take(ready) is None
    parcel = await take(ready, now=NOON + MINUTE)
    assert parcel.outgoing == an_outgoing(CARD, not_before=NOON + MINUTE)
    await ready.parcel_done(parcel)
    assert await drain(ready, NOON + 5 * MINUTE) == []


async def test_a_card_asked_for_now_does_not_wait_for_the_pending_ones_delay(ready):
    await send(ready, an_outgoing(CARD, not_before=NOON + MINUTE))
    await send(ready, an_outgoing(CARD, urgent=True))
    await send(ready, an_outgoing(CARD))
    assert (await take(ready)).outgoing == an_outgoing(CARD, urgent=True)


async def test_a_card_asked_for_while_one_is_being_sent_is_sent_after_it(ready):
    await send(ready, an_outgoing(CARD))
    sending = await take(ready)
    await send(ready, an_outgoing(CARD))
    await send(ready, an_outgoing(CARD))
    assert await take(ready) is None
    await ready.parcel_done(sending)
    assert await drain(ready) == [(CARD, 1)]


async def test_what_could_not_be_sent_comes_again_later(ready):
    await send(ready, an_outgoing(TELL), an_outgoing(CARD))
    for tries in (0, 1, 2):
        now = NOON + tries * MINUTE
        for kind in (CARD, TELL):
            parcel = await take(ready, now=now)
            assert (parcel.outgoing.kind, parcel.tries, parcel.created_at) == (kind, tries, NOON)
            await ready.parcel_later(parcel, now, MINUTE)
        assert await take(ready, now=now) is None


async def test_a_card_that_could_not_be_sent_becomes_one_with_the_card_asked_for_meanwhile(ready):
    await send(ready, an_outgoing(CARD))
    failed = await take(ready)
    await send(ready, an_outgoing(CARD, urgent=True), at=NOON + MINUTE / 2)
    await ready.parcel_later(failed, NOON, MINUTE)
    assert await take(ready, now=NOON + MINUTE / 2) is None
    merged = await take(ready, now=NOON + MINUTE)
    assert (merged.tries, merged.outgoing.urgent, merged.created_at) == (1, True, NOON)
    await ready.parcel_done(merged)
    assert await drain(ready, NOON + MINUTE) == []


@pytest.mark.parametrize("kind", [CARD, TELL])
async def test_what_a_dead_worker_held_is_sent_by_another(ready, two, kind):
    await send(ready, an_outgoing(kind, 2))
    lost = await take(ready, lease=OVER)
    won = await take(two, "two")
    assert (won.outgoing, won.tries, won.owner) == (lost.outgoing, 1, "two")
    await ready.parcel_done(lost)
    await ready.parcel_later(lost, NOON, OVER)
    assert await take(ready) is None
    await two.parcel_done(won)
    assert await drain(two, NOON + MINUTE) == []


async def test_a_dead_workers_card_becomes_one_with_the_pending_one(ready):
    await send(ready, an_outgoing(CARD))
    assert await take(ready, lease=OVER)
    await send(ready, an_outgoing(CARD))
    assert await drain(ready) == [(CARD, 1)]


async def test_a_late_worker_may_finish_as_long_as_nobody_took_over(ready):
    await send(ready, an_outgoing(CARD))
    late = await take(ready, lease=OVER)
    await ready.parcel_done(late)
    assert await drain(ready) == []


async def test_being_alone_ends_the_leases_of_parcels(ready, two):
    await send(ready, an_outgoing(CARD, 2), an_outgoing(TELL, 1))
    assert await take(ready)
    assert await take(ready)
    await two.take_over()
    assert await drain(two) == [(CARD, 2), (TELL, 1)]


async def test_a_card_that_was_never_begun_can_be_taken_back(ready):
    await send(ready, an_outgoing(CARD, 1), an_outgoing(TELL, 1), an_outgoing(CARD, 2))
    async with ready.begin() as tx:
        assert await tx.unsend_card(1)
        assert not await tx.unsend_card(2)
    assert await drain(ready) == [(CARD, 2), (TELL, 1)]


async def test_a_card_that_is_being_sent_cannot_be_taken_back(ready):
    await send(ready, an_outgoing(CARD, 1))
    sending = await take(ready)
    await send(ready, an_outgoing(CARD, 1))
    async with ready.begin() as tx:
        assert not await tx.unsend_card(1)
    await ready.parcel_done(sending)
    assert await drain(ready) == [(CARD, 1)]


async def test_a_message_whose_post_has_begun_is_not_taken_back(ready):
    await send(ready, an_outgoing(CARD, 1))
    async with ready.begin() as tx:
        await tx.save_posted(a_posted(1, ts="", posting=NOON))
        assert not await tx.unsend_card(1)
    assert await drain(ready) == [(CARD, 1)]


async def test_giving_a_card_back_and_asking_for_it_wait_for_each_other_without_a_deadlock(ready, two):
    await send(ready, an_outgoing(CARD, 1))
    failed = await take(ready)
    async with two.begin() as tx:
        await tx.lock_deploy(1)
        giving_back = asyncio.create_task(ready.parcel_later(failed, NOON, OVER))
        await asyncio.sleep(0.2)
        await tx.send(an_outgoing(CARD, 1), NOON)
    await giving_back
    assert await drain(ready) == [(CARD, 1)]


async def test_a_renewed_parcel_is_nobody_elses(ready, two):
    await send(ready, an_outgoing(CARD, 2))
    parcel = await take(ready, lease=timedelta(milliseconds=30))
    await ready.renew_parcel(parcel, MINUTE)
    await asyncio.sleep(0.05)
    assert await take(two, "two") is None
    await ready.parcel_done(parcel)
    with pytest.raises(StaleFence):
        await ready.renew_parcel(parcel, MINUTE)


@pytest.mark.parametrize("kind", [CARD, THREAD])
async def test_who_lost_a_parcel_writes_nothing_of_its_message(ready, two, kind):
    await send(ready, an_outgoing(kind, 2))
    lost = await take(ready, lease=OVER)
    won = await take(two, "two")
    with pytest.raises(StaleFence):
        await ready.renew_parcel(lost, MINUTE)
    with pytest.raises(StaleFence):
        async with ready.begin() as tx:
            await tx.save_posted(a_posted(2, ts="9.9"), lost)
    async with two.begin() as tx:
        await tx.save_posted(a_posted(2, ts="7.7"), won)
    async with ready.read() as reading:
        assert (await reading.posted(2)).ts == "7.7"


async def test_looking_for_work_that_is_not_there_waits_for_no_writer(ready, two):
    async with two.begin() as tx:
        await tx.add_deploy(a_draft())
        assert await take(ready) is None
        wanted = Wanted(statuses=frozenset({Status.READY}), within=MINUTE)
        assert await ready.claim(wanted, owner="one", lease=MINUTE, now=NOON) is None
