"""What is not sent this time: for how long it waits, and what the others do meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.deploy.message import MOST_CRASHES, Delivery, Way, back_off
from bot.errors import AppRefused, SlackUnavailable, StoreBusy
from bot.operations.outbox import deliver
from tests.builders import an_outgoing
from tests.operations.acts import asked, delivered, planned, texts
from tests.operations.digests import later

if TYPE_CHECKING:
    from tests.fakes import World

ADMIN, STAGING = "C0OPS00001", "C0STAGING1"
LIMITED, AWAY = SlackUnavailable("429", retry_after=3), SlackUnavailable("timed out")
BUG = KeyError("no such thing")


async def put(world: World, *outgoing: Delivery) -> None:
    """A posted message of D-1 in production's channel, and those notes or a redraw of it."""
    await planned(world, "production")
    await delivered(world)
    world.chat.said.clear()
    async with world.store.begin() as tx:
        for kind in outgoing:
            await tx.send(an_outgoing(kind, None if kind is Delivery.ADMIN else 1), world.clock.now())


def sent(world: World) -> int:
    """How many notes were sent, and redraws of the message that was there."""
    return len(world.chat.said) + world.chat.drawn - 1


@pytest.mark.parametrize("jump", [timedelta(minutes=-5), timedelta(days=-30)])
@pytest.mark.parametrize("kind", [Delivery.THREAD, Delivery.CARD])
async def test_what_was_put_off_before_the_clock_was_set_back_is_sent_now(world: World, kind, jump: timedelta):
    await put(world, kind)
    world.chat.refusals = [SlackUnavailable("429", retry_after=200)]
    await delivered(world)
    assert sent(world) == 0
    world.clock.advance(jump)

    await delivered(world)

    assert sent(world) == 1


async def test_a_worker_that_waited_for_its_turn_to_write_cancels_no_wait_of_meanwhile(world: World):
    await put(world, Delivery.THREAD)
    world.chat.refusals = [SlackUnavailable("429", retry_after=200)]
    await delivered(world)
    older = world.clock.now() - timedelta(seconds=1)

    taken = await world.store.claim_parcel(owner="worker-2", lease=timedelta(minutes=1), now=older)

    assert taken is None


async def test_a_first_message_that_waits_for_its_plan_is_no_exception(world: World):
    await asked(world)
    world.clock.advance(timedelta(hours=-1))

    await delivered(world)

    assert list(world.chat.cards) == [(STAGING, "1.0")]


async def test_a_redraw_that_was_merged_with_an_older_one_waits_no_longer_than_that(world: World):
    await put(world, Delivery.CARD)
    world.chat.refusals = [SlackUnavailable("429", retry_after=200)]

    async def again() -> None:
        async with world.store.begin() as tx:
            await tx.send(an_outgoing(Delivery.CARD), world.clock.now())

    world.chat.hooks.before("update_card", again)
    await delivered(world)
    world.clock.advance(timedelta(hours=-1))

    await delivered(world)

    assert sent(world) == 1


async def test_a_wait_that_slack_asked_for_lasts_as_long_as_that(world: World):
    await put(world, Delivery.THREAD)
    world.chat.refusals = [SlackUnavailable("429", retry_after=3600)]
    await delivered(world)

    await later(world, 3599)
    assert sent(world) == 0

    await later(world, 1)
    assert sent(world) == 1


async def test_limits_and_outages_are_no_crashes(world: World):
    await put(world, Delivery.THREAD)
    setbacks = [LIMITED, AWAY, AppRefused("accesslimited")] * 3
    world.chat.refusals = [*setbacks, BUG, LIMITED, BUG]
    for _ in range(len(world.chat.refusals) + 1):
        await later(world)

    assert len(setbacks) > MOST_CRASHES
    assert sent(world) == 1


async def test_a_busy_database_is_no_crash_either(world: World):
    await put(world, Delivery.THREAD)
    world.store.hooks.before("begin_parcel", *[StoreBusy("locked")] * MOST_CRASHES)
    world.chat.refusals = [BUG]
    for _ in range(MOST_CRASHES + 2):
        await later(world)

    assert sent(world) == 1


async def test_crashes_count_whatever_comes_between_them(world: World):
    await put(world, Delivery.THREAD)
    world.chat.refusals = [*[BUG, LIMITED] * (MOST_CRASHES - 1), BUG]
    for _ in range(len(world.chat.refusals) + 1):
        await later(world)

    assert texts(world, "reply") == []
    assert texts(world, "announce") == ["A message of D-1 (thread) was dropped: Nomatron could not send it (KeyError)."]


async def test_a_limit_makes_no_later_wait_longer(world: World):
    await put(world, Delivery.THREAD)
    world.chat.refusals = [*[LIMITED] * 6, AWAY]
    for _ in range(7):
        await later(world)
    assert sent(world) == 0

    await later(world, back_off(0).total_seconds())

    assert sent(world) == 1


# --- limits are known before anything is claimed ---------------------------------------------------------------------


async def steps(world: World) -> int:
    """Send what may be sent now; how many parcels were claimed for that."""
    claimed = 0
    while await deliver.step(world.ports()):
        claimed += 1
    return claimed


@pytest.mark.parametrize("channel", [ADMIN, ""])
async def test_where_slack_asks_to_wait_one_is_put_back_and_the_rest_wait_for_it(world: World, channel: str):
    await put(world, *[Delivery.ADMIN] * 3, Delivery.CARD)

    async def limit() -> None:
        world.chat.rests.add((Way.POST, channel))
        raise LIMITED

    world.chat.hooks.before("announce", limit, always=True)
    # the redraw goes another way than the notes
    assert (await steps(world), sent(world)) == (2, 1)
    assert await steps(world) == 0

    world.clock.advance(seconds=3)
    assert await steps(world) == 0
    world.chat.rests.clear()
    world.chat.hooks.before("announce", nothing, always=True)
    assert (await steps(world), sent(world)) == (3, 4)


async def nothing() -> None:
    """Slack takes calls again."""
