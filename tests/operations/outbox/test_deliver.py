from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.deploy.message import Delivery
from bot.errors import (
    BlocksRefused,
    ChannelGone,
    MessageGone,
    SlackRefused,
    SlackUnavailable,
    TokenRefused,
)
from bot.operations.deploys.approve import approve
from bot.operations.deploys.decide import Origin
from bot.operations.outbox import deliver
from bot.operations.worker import dispatch
from tests.builders import ALICE, BOB, SAM, a_note, an_outgoing
from tests.operations.acts import applied, asked, delivered, planned, ready, texts

if TYPE_CHECKING:
    from bot.domain.deploy.message import Outgoing
    from tests.fakes import World

PROD = "C0PROD0001"
OPS = "C0OPS00001"


async def put(world: World, *outgoing: Outgoing) -> None:
    async with world.store.begin() as tx:
        for each in outgoing:
            await tx.send(each, world.clock.now())


async def posted(world: World):
    async with world.store.read() as reading:
        return await reading.posted(1)


async def pending(world: World) -> bool:
    """Whether anything is left in the outbox, due or not."""
    parcel = await world.store.claim_parcel(
        owner="look", lease=timedelta(seconds=60), now=world.clock.now() + timedelta(days=1)
    )
    return parcel is not None


async def shown(world: World, environment: str = "production"):
    """A planned deploy whose message is posted."""
    deploy = await planned(world, environment)
    await delivered(world)
    world.chat.drawn = 0
    world.chat.said.clear()
    return deploy


async def test_there_is_nothing_to_do_with_an_empty_outbox(world: World):
    assert not await deliver.step(world.ports())


async def test_a_message_is_posted_to_the_deploys_channel_and_its_ts_is_saved(world: World):
    await planned(world, "production")

    await delivered(world)

    assert list(world.chat.cards) == [(PROD, "1.0")]
    place = await posted(world)
    assert (place.channel, place.ts, place.posting, place.twice) == (PROD, "1.0", None, False)


async def test_what_changes_later_is_drawn_in_place(world: World):
    deploy = await shown(world)
    await approve(world.ports(), BOB, deploy.id, plan=1, origin=Origin())

    await delivered(world)

    assert list(world.chat.cards) == [(PROD, "1.0")]
    assert [approval.user for approval in world.chat.cards[PROD, "1.0"].approvals] == [BOB]


async def test_several_changes_are_drawn_once_from_the_state_of_then(world: World):
    deploy = await shown(world)
    for who in (BOB, SAM):
        await approve(world.ports(), who, deploy.id, plan=1, origin=Origin())
    await dispatch.step(world.ports())

    await delivered(world)

    assert world.chat.drawn == 1
    assert world.chat.cards[PROD, "1.0"].deploy.status.value == "rolling"


async def test_a_reply_waits_until_its_message_is_posted(world: World):
    await asked(world, environment="production")
    await put(world, an_outgoing(Delivery.THREAD))

    await delivered(world)
    assert world.chat.said == []
    world.clock.advance(seconds=10)
    await delivered(world)

    ((kind, note, where),) = world.chat.said
    assert (kind, note.text, where) == ("reply", "Something happened.", {"channel": PROD, "ts": "1.0"})


async def test_a_reply_whose_message_is_never_posted_goes_to_the_operators(world: World):
    await planned(world, "production")
    world.chat.refusals = [SlackRefused("team_added_to_nothing")]
    await put(world, an_outgoing(Delivery.THREAD))

    await delivered(world)

    assert world.chat.cards == {}
    told, *_, said = texts(world, "announce")
    assert told == "Slack refuses the message of D-1: team_added_to_nothing."
    assert said == "About D-1: Something happened."
    assert not await pending(world)


@pytest.mark.parametrize("error", [MessageGone("message_not_found"), ChannelGone("is_archived")])
async def test_a_reply_follows_a_message_that_has_to_move(world: World, error):
    await shown(world)
    await put(world, an_outgoing(Delivery.THREAD))
    # the reply and then the message itself are refused, and what is posted anew is taken
    world.chat.refusals = [error, error]

    await delivered(world)

    (channel, ts) = list(world.chat.cards)[-1]
    assert ((await posted(world)).channel, (await posted(world)).ts) == (channel, ts) == (PROD, "2.0")
    ((_, note, where),) = [each for each in world.chat.said if each[0] == "reply"]
    assert (note.text, where) == ("Something happened.", {"channel": PROD, "ts": "2.0"})


async def test_a_reply_that_is_refused_for_itself_is_dropped_with_a_trace(world: World, caplog):
    await shown(world)
    await put(world, an_outgoing(Delivery.THREAD), an_outgoing(Delivery.THREAD, note=a_note("Next.")))
    # the message itself can be drawn: it is only the reply that may not be there
    world.chat.refusals = [ChannelGone("restricted_action_thread_only_channel")]

    await delivered(world)

    assert texts(world, "reply") == ["Next."]
    assert list(world.chat.cards) == [(PROD, "1.0")]
    assert "slack refused a message" in caplog.messages


@pytest.mark.parametrize("kind", [Delivery.THREAD, Delivery.TELL])
async def test_what_slack_will_never_take_is_dropped_and_nobody_else_is_bothered(world: World, caplog, kind):
    await shown(world)
    await put(world, an_outgoing(kind, user=ALICE.id))
    world.chat.refusals = [SlackRefused("unknown_reason")]

    await delivered(world)

    assert world.chat.said == []
    assert not await pending(world)
    assert "slack refused a message" in caplog.messages


async def test_the_operators_hear_of_a_reply_whose_message_cannot_be_reposted_either(world: World):
    await shown(world)
    await put(world, an_outgoing(Delivery.THREAD))
    gone, odd = MessageGone("message_not_found"), SlackRefused("team_added_to_nothing")
    world.chat.refusals = [gone, gone, odd]

    await delivered(world)

    assert texts(world, "announce") == ["Slack refuses the message of D-1: team_added_to_nothing."]


async def test_what_is_told_to_one_person_goes_where_they_asked(world: World):
    where = {"user": ALICE.id, "channel": "C0GENERAL1", "response_url": "https://hooks.slack.com/r/1"}
    await put(world, an_outgoing(Delivery.TELL, None, **where))

    await delivered(world)

    assert world.chat.said == [("tell", a_note(), where)]


async def test_a_private_answer_is_dropped_with_a_trace_once_it_is_of_no_use(world: World, caplog):
    await put(world, an_outgoing(Delivery.TELL, None, user=ALICE.id))
    world.clock.advance(hours=1)

    assert await deliver.step(world.ports())

    assert world.chat.said == []
    assert not await pending(world)
    assert "a private answer came too late" in caplog.messages


async def test_a_strip_replaces_the_other_message(world: World):
    await asked(world)
    await put(world, an_outgoing(Delivery.STRIP, channel=PROD, ts="9.9", note=a_note()))

    await delivered(world)

    assert world.chat.said == [("strip", a_note(), {"channel": PROD, "ts": "9.9"})]


async def test_operators_are_told_in_their_channel(world: World):
    await put(world, an_outgoing(Delivery.ADMIN, None))

    await delivered(world)

    assert world.chat.said == [("announce", a_note(), {"channel": OPS})]


async def test_without_an_admin_channel_a_trace_is_left(world: World, caplog):
    await applied(world, admin_channel=None)
    await put(world, an_outgoing(Delivery.ADMIN, None))

    await delivered(world)

    assert world.chat.said == []
    assert "the catalog names no admin channel: a note was dropped" in caplog.messages


# --- what Slack does not take ----------------------------------------------------------------------------------------


async def test_a_message_that_slack_takes_in_no_form_is_told_to_the_operators(world: World):
    await planned(world, "production")
    world.chat.refusals = [BlocksRefused("msg_too_long")]

    await delivered(world)

    assert world.chat.cards == {}
    assert texts(world, "announce")[0] == "Slack refuses the message of D-1: msg_too_long."
    assert not await pending(world)


async def test_a_dead_channels_message_goes_to_the_operators_who_are_told_why(world: World):
    await planned(world, "production")
    world.chat.refusals = [ChannelGone("channel_not_found")]

    await delivered(world)

    assert list(world.chat.cards) == [(OPS, "1.0")]
    (note,) = [note for kind, note, _ in world.chat.said if kind == "announce"]
    assert "D-1 could not be posted to its channel (channel_not_found)" in note.text
    assert note.lines == (f"Invite the app to {PROD}, unarchive it, or name another channel.",)
    assert [where["channel"] for kind, _, where in world.chat.said if kind == "reply"] == [OPS]


async def test_operators_are_told_once_however_often_their_own_channel_has_to_be_tried(world: World):
    await planned(world, "production")
    world.chat.refusals = [ChannelGone("is_archived"), SlackUnavailable("503"), ChannelGone("is_archived")]

    await delivered(world)
    world.clock.advance(seconds=60)
    await delivered(world)

    assert len(texts(world, "announce")) == 1
    assert not (await posted(world)).twice


async def test_a_channel_that_dies_later_has_its_message_moved_to_the_operators(world: World):
    await approve(world.ports(), BOB, (await shown(world)).id, plan=1, origin=Origin())
    world.chat.refusals = [ChannelGone("is_archived"), ChannelGone("is_archived")]

    await delivered(world)

    assert (await posted(world)).channel == OPS
    assert world.chat.cards[OPS, "2.0"].approvals
    assert len(texts(world, "announce")) == 1


async def test_a_dead_admin_channel_blocks_nothing_and_leaves_a_trace(world: World, caplog):
    await applied(world, admin_channel=PROD)
    deploy = await ready(world)
    world.chat.refusals = [ChannelGone("is_archived")]

    assert await deliver.step(world.ports())

    assert world.chat.cards == {}
    (record,) = [each for each in caplog.records if each.message == "slack refused a message"]
    assert (record.kind, record.error, record.levelno) == ("card", "is_archived", logging.WARNING)
    assert await dispatch.step(world.ports())
    await delivered(world)
    assert world.chat.cards[PROD, "1.0"].deploy.id == deploy.id


async def test_a_message_that_is_gone_is_posted_anew_and_not_called_a_second_one(world: World):
    await approve(world.ports(), BOB, (await shown(world)).id, plan=1, origin=Origin())
    world.chat.refusals = [MessageGone("message_not_found")]

    await delivered(world)

    place = await posted(world)
    assert (place.ts, place.twice) == ("2.0", False)
    assert not world.chat.cards[PROD, "2.0"].twice


async def test_what_slack_refuses_for_good_is_dropped_with_a_trace(world: World, caplog):
    deploy = await shown(world)
    await approve(world.ports(), BOB, deploy.id, plan=1, origin=Origin())
    world.chat.refusals = [SlackRefused("unknown_reason")]

    assert await deliver.step(world.ports())

    assert not await pending(world)
    assert "slack refused a message" in caplog.messages


async def test_with_a_revoked_token_it_is_tried_later(world: World):
    await planned(world, "production")
    world.chat.refusals = [TokenRefused("token_revoked")]

    await delivered(world)
    assert world.chat.cards == {}
    world.clock.advance(seconds=1)
    await delivered(world)

    assert len(world.chat.cards) == 1


async def test_it_is_tried_again_when_slack_asked_for(world: World):
    await planned(world, "production")
    world.chat.refusals = [SlackUnavailable("429", retry_after=30)]
    await delivered(world)

    world.clock.advance(seconds=29)
    assert not await deliver.step(world.ports())
    world.clock.advance(seconds=1)
    assert await deliver.step(world.ports())

    assert list(world.chat.cards) == [(PROD, "1.0")]
    assert not world.chat.cards[PROD, "1.0"].twice


async def test_while_slack_is_away_the_waits_grow(world: World):
    await planned(world, "production")
    world.chat.refusals = [SlackUnavailable("503")] * 3

    for wait in (1, 2, 4):
        await delivered(world)
        world.clock.advance(seconds=wait - 0.1)
        assert not await deliver.step(world.ports())
        world.clock.advance(seconds=0.1)
    await delivered(world)

    assert len(world.chat.cards) == 1


# --- an answer that was lost -----------------------------------------------------------------------------------------


async def test_after_a_lost_answer_it_is_reposted_and_says_so(world: World):
    await planned(world, "production")
    world.chat.refusals = [SlackUnavailable("timed out", sent=True)]
    await delivered(world)
    world.clock.advance(seconds=60)

    await delivered(world)

    assert world.chat.cards[PROD, "1.0"].twice
    assert (await posted(world)).twice


async def test_a_process_that_died_while_posting_leaves_an_attempt_that_is_posted_again_and_says_so(world: World):
    await planned(world, "production")
    world.chat.refusals = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        await deliver.step(world.ports())
    assert (await posted(world)).posting == world.clock.now()
    await world.store.take_over()

    await delivered(world)

    assert world.chat.cards[PROD, "1.0"].twice
    assert (await posted(world)).posting is None


async def test_a_reposted_message_says_so_from_then_on(world: World):
    deploy = await planned(world, "production")
    world.chat.refusals = [SlackUnavailable("timed out", sent=True)]
    await delivered(world)
    world.clock.advance(seconds=60)
    await delivered(world)
    await approve(world.ports(), BOB, deploy.id, plan=1, origin=Origin())

    await delivered(world)

    assert world.chat.cards[PROD, "1.0"].twice


# --- who holds it ----------------------------------------------------------------------------------------------------


async def test_a_slow_post_keeps_its_lease(world: World):
    await planned(world, "production")
    renewed = asyncio.Event()

    async def beaten():
        renewed.set()

    async def slow():
        await asyncio.wait_for(renewed.wait(), 20)

    world.store.renews_for = timedelta(seconds=60)
    world.store.hooks.after("renew_parcel", beaten)
    world.chat.hooks.before("post_card", slow)
    sending = asyncio.create_task(deliver.step(world.ports("worker-1", lease=timedelta(milliseconds=60))))
    await asyncio.wait_for(renewed.wait(), 20)
    # the lease it was taken with is over by now, the renewed one is not
    await asyncio.sleep(0.06)
    while await deliver.step(world.ports("worker-2")):
        pass
    await sending

    assert list(world.chat.cards) == [(PROD, "1.0")]
    assert not (await posted(world)).twice
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("lease of parcel")]


async def test_one_who_lost_the_message_does_not_overwrite_where_it_is(world: World):
    await planned(world, "production")

    async def lost():
        # the process is stopped for longer than its lease, and another one posts meanwhile
        await world.store.take_over()
        assert await deliver.step(world.ports("worker-2"))

    world.chat.hooks.after("post_card", lost)

    assert await deliver.step(world.ports("worker-1"))

    assert (await posted(world)).ts == "2.0"
    assert (await posted(world)).twice


async def test_while_enough_is_on_its_way_nothing_is_claimed(world: World):
    await asked(world)
    world.clock.advance(minutes=1)

    assert await deliver.WORK.claim(world.ports(), [""]) is None
    assert await deliver.WORK.claim(world.ports()) is not None
