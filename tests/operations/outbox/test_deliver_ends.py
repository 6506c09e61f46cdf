"""A parcel ends surely and once: a database in trouble, a process that dies, a message that cannot be sent."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from bot.domain.deploy.message import MAY_BE_SECOND, MOST_CRASHES, Delivery
from bot.errors import AppRefused, SlackUnavailable, StoreBusy, StoreUnavailable
from bot.operations.outbox import deliver
from tests.builders import ALICE, a_note, an_outgoing
from tests.operations.acts import delivered, planned, texts
from tests.operations.digests import later, pending

if TYPE_CHECKING:
    from tests.fakes import World

PROD = "C0PROD0001"
CALLS = {Delivery.THREAD: "reply", Delivery.ADMIN: "announce", Delivery.TELL: "tell"}
MARKED = a_note(lines=(MAY_BE_SECOND,))
kinds = pytest.mark.parametrize("kind", list(CALLS))


async def put(world: World, *kinds: Delivery) -> None:
    """A posted message of D-1, and those notes."""
    await planned(world, "production")
    await delivered(world)
    world.chat.said.clear()
    async with world.store.begin() as tx:
        for kind in kinds:
            await tx.send(an_outgoing(kind, user=ALICE.id if kind is Delivery.TELL else ""), world.clock.now())


def said(world: World) -> list[object]:
    return [note for _, note, _ in world.chat.said]


@pytest.mark.parametrize("trouble", [StoreBusy("locked"), StoreUnavailable("gone")])
@kinds
async def test_a_database_that_is_busy_after_a_post_is_no_second_copy(world: World, kind, trouble):
    await put(world, kind)
    world.store.hooks.before("parcel_done", trouble, trouble)

    await delivered(world)
    await world.store.take_over()
    await later(world)

    assert said(world) == [a_note()]


async def test_nor_is_it_one_of_a_card(world: World):
    await planned(world, "production")

    async def away() -> None:
        world.store.hooks.before("begin", StoreBusy("locked"), StoreBusy("locked"))

    world.chat.hooks.after("post_card", away)
    await delivered(world)
    await world.store.take_over()
    await later(world)

    assert list(world.chat.cards) == [(PROD, "1.0")]
    assert not world.chat.cards[PROD, "1.0"].twice


@kinds
async def test_a_process_that_dies_after_a_post_leaves_a_marked_second_copy(world: World, kind):
    await put(world, kind)
    world.chat.hooks.after(CALLS[kind], KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        await deliver.step(world.ports())
    await world.store.take_over()

    await delivered(world)

    assert said(world) == [a_note(), MARKED]


@kinds
async def test_one_that_dies_before_it_has_begun_leaves_nothing_to_mark(world: World, kind):
    await put(world, kind)
    world.store.hooks.before("begin_parcel", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        await deliver.step(world.ports())
    await world.store.take_over()

    await delivered(world)

    assert said(world) == [a_note()]


@kinds
async def test_only_a_lost_answer_marks_the_next_copy_and_it_stays_lost(world: World, kind):
    await put(world, kind)
    lost = SlackUnavailable("timed out", sent=True)
    world.chat.refusals = [SlackUnavailable("429", retry_after=3), AppRefused("accesslimited")]
    await delivered(world)
    await later(world)
    world.chat.refusals += [lost, SlackUnavailable("429", retry_after=3)]
    await later(world)
    await later(world)

    await later(world)

    assert said(world) == [MARKED]


async def test_a_note_that_was_only_put_off_is_not_marked(world: World):
    await put(world, Delivery.THREAD)
    world.chat.refusals = [SlackUnavailable("429", retry_after=3)]
    await delivered(world)

    await later(world)

    assert said(world) == [a_note()]


async def test_a_file_whose_answer_was_lost_is_marked_the_second_time(world: World):
    await put(world)
    async with world.store.begin() as tx:
        await tx.send(an_outgoing(Delivery.THREAD, note=a_note(plan=1)), world.clock.now())
    world.chat.refusals = [SlackUnavailable("timed out", sent=True)]
    await delivered(world)

    await later(world)

    assert [each.title for each in world.chat.uploads] == ["Plan 1 of D-1", f"Plan 1 of D-1. {MAY_BE_SECOND}"]


async def test_a_database_that_is_busy_before_the_post_only_delays_it(world: World):
    await put(world, Delivery.THREAD)
    world.store.hooks.before("begin_parcel", StoreBusy("locked"))
    await delivered(world)
    assert said(world) == []

    await later(world)

    assert said(world) == [a_note()]


async def test_a_message_that_cannot_be_drawn_delays_no_other_and_is_dropped_at_last(world: World, caplog):
    await put(world, Delivery.TELL, Delivery.THREAD)
    world.chat.hooks.before("tell", KeyError("no such thing"), always=True)
    await delivered(world)
    assert texts(world, "reply") == [a_note().text]

    for _ in range(MOST_CRASHES):
        await later(world)

    assert texts(world, "announce") == ["A message of D-1 (tell) was dropped: Nomatron could not send it (KeyError)."]
    assert not await pending(world)
    assert caplog.messages.count("a message could not be sent") == MOST_CRASHES


async def test_a_note_to_the_operators_that_cannot_be_sent_makes_no_other(world: World):
    await put(world)
    async with world.store.begin() as tx:
        await tx.send(an_outgoing(Delivery.ADMIN, None), world.clock.now())
    world.chat.hooks.before("announce", KeyError("no such thing"), always=True)

    for _ in range(MOST_CRASHES):
        await later(world)

    assert not await pending(world)


async def test_a_channel_that_hangs_holds_up_no_other(world: World):
    """More messages than there are senders go to it, and the last one is to another channel."""
    await put(world)
    staging = await planned(world, "staging")
    async with world.store.begin() as tx:
        for _ in range(9):
            await tx.send(an_outgoing(Delivery.TELL, None, user=ALICE.id, channel=PROD), world.clock.now())
    forever = asyncio.Event()
    world.chat.hooks.before("tell", forever.wait, always=True)
    sending = [asyncio.create_task(delivered(world)) for _ in range(8)]

    try:
        for ended in islice(asyncio.as_completed(sending), 6):
            await ended
        assert [card.deploy.id for card in world.chat.cards.values()] == [1, staging.id]
        assert texts(world, "tell") == []
    finally:
        forever.set()
        await asyncio.gather(*sending)
    assert len(texts(world, "tell")) == 9
