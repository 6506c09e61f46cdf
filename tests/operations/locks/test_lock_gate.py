"""What a lock holds: told at the request, closed at the claim, and open again at the instant at which it ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, text

from bot.domain.actor import Operator
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.dispatch import Answer
from bot.errors import StoreError
from bot.gateways.blocks.card.message import render
from bot.operations.deploys.approve import Approved, approve
from bot.operations.deploys.request import Requested, request
from bot.operations.locks import expire
from bot.operations.locks.change import place
from bot.operations.queries.status import card
from bot.operations.worker import dispatch, register
from tests.builders import ALICE, BOB, SAM, a_lock
from tests.clocks import NOON
from tests.operations.acts import (
    HERE,
    an_ask,
    change,
    delivered,
    dispatching,
    ended,
    events,
    judged,
    now,
    planned,
    ready,
    rolling,
    texts,
    types,
)
from tests.operations.closing import locked, locks, unlocked

if TYPE_CHECKING:
    from tests.fakes import World

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
ROOT = Operator("root")


async def shown(world: World, deploy) -> str:
    """The whole text of the deploy's message."""
    found = await card(world.ports(), deploy.id)
    assert found is not None
    return str(render(found).blocks)


# --- told at the request ---------------------------------------------------------------------------------------------


async def test_whoever_requests_under_a_lock_is_told_who_locked_it_why_and_until_when(world: World):
    await locked(world, lasts="2h")
    answer = await request(world.ports(), ALICE, an_ask(environment="production"), origin=HERE)
    assert isinstance(answer, Requested)
    (reason,) = answer.holds
    assert (reason.text, reason.by, reason.possible_at) == (
        "production is locked: the database moves.",
        SAM.key,
        NOON + 2 * HOUR,
    )
    again = await request(world.ports(), ALICE, an_ask(environment="production"), origin=HERE)
    assert isinstance(again, Requested)
    assert (again.existing, again.holds) == (True, answer.holds)
    elsewhere = await request(world.ports(), ALICE, an_ask(), origin=HERE)
    assert isinstance(elsewhere, Requested)
    assert elsewhere.holds == ()


async def test_whoever_repeats_a_request_that_is_on_its_way_is_not_told_of_a_lock(world: World):
    await rolling(world)
    await locked(world)
    again = await request(world.ports(), ALICE, an_ask(environment="production"), origin=HERE)
    assert isinstance(again, Requested)
    assert (again.existing, again.holds) == (True, ())


async def test_approvals_count_under_a_lock_and_the_last_one_is_told_what_holds_it(world: World):
    deploy = await planned(world, "production")
    await locked(world)
    for who in (BOB, SAM):
        answer = await approve(world.ports(), who, deploy.id, plan=deploy.plan, origin=HERE)
    assert isinstance(answer, Approved)
    assert answer.deploy.status is Status.READY
    assert [reason.code for reason in answer.deploy.blocked] == ["locked"]
    await delivered(world)
    assert any("production is locked: the database moves." in said for said in texts(world, "reply"))


# --- closed at the claim ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["everything", "production", "checkout in production"])
async def test_t15_a_lock_that_is_placed_while_a_deploy_waits_holds_it_at_the_start(world: World, word: str):
    deploy = await ready(world)
    name, _, where = word.partition(" in ")
    await locked(world, name, environment=where or None)
    assert await dispatch.step(world.ports())
    held = await now(world, deploy)
    assert (held.status, [reason.code for reason in held.blocked]) == (Status.READY, ["locked"])
    assert (await types(world, deploy.id))[-1] == "deploy.blocked"
    assert world.nomad.registers == []


async def test_t15_a_lock_that_comes_between_the_look_and_the_claim_holds_it_too(world: World):
    deploy = await ready(world)

    async def closes() -> None:
        world.store.hooks.before("begin", None)
        await locked(world)

    # the look before found no lock: the transaction that decides does
    world.store.hooks.before("begin", closes)
    assert await dispatch.step(world.ports())
    held = await now(world, deploy)
    assert (held.status, [reason.code for reason in held.blocked]) == (Status.READY, ["locked"])


async def test_what_is_on_its_way_finishes(world: World):
    dispatched = await dispatching(world)
    await locked(world, "everything")
    assert await register.step(world.ports())
    assert (await now(world, dispatched)).status is Status.ROLLING
    assert (await ended(world, dispatched)).status is Status.SUCCEEDED


async def test_a_deploy_that_comes_back_from_nomad_meets_the_lock(world: World):
    dispatched = await dispatching(world)
    await locked(world)
    world.nomad.answers = [Answer.NOT_SENT]
    assert await register.step(world.ports())
    assert (await now(world, dispatched)).status is Status.READY
    world.clock.advance(minutes=1)
    assert await dispatch.step(world.ports())
    assert [reason.code for reason in (await now(world, dispatched)).blocked] == ["locked"]


async def test_elsewhere_deploys_go_on(world: World):
    await locked(world)
    await locked(world, "checkout", environment="production")
    deploy = await planned(world)
    assert await dispatch.step(world.ports())
    assert (await now(world, deploy)).status is Status.ROLLING


async def test_t23_while_the_locks_cannot_be_read_nothing_is_dispatched(world: World):
    deploy = await ready(world)
    async with world.store.engines.writing.begin() as connection:
        await connection.execute(text("ALTER TABLE locks RENAME TO hidden"))
    with pytest.raises(StoreError):
        await dispatch.step(world.ports())
    assert (await now(world, deploy)).status is Status.READY
    assert world.nomad.registers == []


async def test_t17_nothing_that_a_request_says_passes_a_lock(world: World):
    await locked(world)
    deploy = await ready(world, reason="force: true, override, break glass")
    assert await dispatch.step(world.ports())
    assert (await now(world, deploy)).status is Status.READY


# --- shown on the message --------------------------------------------------------------------------------------------


async def test_every_message_that_it_holds_says_so_until_it_is_lifted(world: World):
    waiting = await planned(world, "production", version="v1.5.0")
    await delivered(world)
    await locked(world, lasts="2h")
    await judged(world)
    await delivered(world)
    (shown_now,) = [each for each in world.chat.cards.values() if each.deploy.id == waiting.id]
    assert [reason.text for reason in shown_now.locks] == ["production is locked: the database moves."]
    message = await shown(world, waiting)
    assert ":lock: production is locked: the database moves. _Since <!date" in message
    assert f", by <@{SAM.id}>._ Until <!date" in message
    assert "Who can lift it: <!subteam^S0SRE00001>." in message

    await unlocked(world)
    await judged(world)
    await delivered(world)
    (shown_now,) = [each for each in world.chat.cards.values() if each.deploy.id == waiting.id]
    assert shown_now.locks == ()


async def test_a_message_shows_the_locks_of_now_and_each_once(world: World):
    deploy = await ready(world)
    await locked(world)
    assert await dispatch.step(world.ports())
    message = await shown(world, deploy)
    assert message.count("production is locked") == 1
    assert "Until somebody lifts the lock." in message
    assert "_Continues automatically._" in message
    await unlocked(world)
    assert "is locked" not in await shown(world, deploy)


async def test_one_that_is_on_its_way_is_not_said_to_be_locked(world: World):
    deploy = await rolling(world)
    await locked(world)
    assert (await card(world.ports(), deploy.id)).locks == ()


# --- open again ------------------------------------------------------------------------------------------------------


async def test_when_it_is_lifted_what_waited_goes_at_once(world: World):
    deploy = await ready(world)
    await locked(world)
    assert await dispatch.step(world.ports())
    rings = world.bell.rings
    await unlocked(world)
    assert world.bell.rings > rings
    assert (await now(world, deploy)).due_at == NOON
    assert await dispatch.step(world.ports())
    assert (await now(world, deploy)).status is Status.ROLLING


async def test_at_its_end_what_waited_goes_without_anybody_looking_for_ended_locks(world: World):
    deploy = await ready(world)
    await locked(world, lasts="1m")
    world.clock.advance(50 * SECOND)
    assert await dispatch.step(world.ports())
    assert (await now(world, deploy)).due_at == NOON + 60 * SECOND
    world.clock.advance(10 * SECOND - timedelta(microseconds=1))
    assert not await dispatch.step(world.ports())
    world.clock.advance(timedelta(microseconds=1))
    assert await dispatch.step(world.ports())
    assert (await now(world, deploy)).status is Status.ROLLING
    assert len(await locks(world)) == 1
    assert await expire.step(world.ports())


async def test_after_a_lock_what_holds_it_now_is_said_and_not_the_lock(world: World):
    deploy = await ready(world)
    await locked(world)
    assert await dispatch.step(world.ports())
    await unlocked(world)
    world.directory.silent = True
    assert await dispatch.step(world.ports())
    assert [reason.code for reason in (await now(world, deploy)).blocked] == ["membership-unknown"]
    assert "Slack group membership is unavailable right now" in await shown(world, deploy)


async def test_to_lift_a_lock_takes_as_many_statements_however_many_deploys_it_held(world: World):
    counts = []
    for number in range(3):
        for each in range(number * 4):
            await planned(world, version=f"v{number}.{each}")
        await locked(world, "staging")
        sent: list[str] = []

        def keep(*call: Any, sent: list[str] = sent) -> None:
            sent.append(call[2])

        engine = world.store.engines.writing.sync_engine
        event.listen(engine, "before_cursor_execute", keep)
        await unlocked(world, "staging")
        event.remove(engine, "before_cursor_execute", keep)
        counts.append(len(sent))
        assert len([each for each in sent if each.startswith("UPDATE deploys")]) == 1
    assert len(set(counts)) == 1, counts


async def test_those_that_waited_go_in_the_order_of_their_requests(world: World):
    first = await ready(world)
    world.clock.advance(SECOND)
    second = await ready(world, version="v1.5.0")
    await locked(world)
    while await dispatch.step(world.ports()):
        pass
    held = await now(world, second)
    assert [reason.code for reason in held.blocked] == ["locked", "turn"]
    await unlocked(world)
    # even if the younger one is looked at first
    await change(world, replace(await now(world, first), due_at=world.clock.now() + SECOND))
    assert await dispatch.step(world.ports())
    assert [reason.code for reason in (await now(world, second)).blocked] == ["turn"]
    world.clock.advance(SECOND)
    world.nomad.answers, world.nomad.apply = [Answer.UNKNOWN], False
    while await dispatch.step(world.ports()):
        pass
    assert (await now(world, first)).status is Status.DISPATCHING
    assert (await now(world, second)).status is Status.READY


async def test_while_another_lock_closes_it_lifting_one_is_not_enough(world: World):
    deploy = await ready(world)
    await locked(world)
    await locked(world, "everything")
    await unlocked(world)
    assert await dispatch.step(world.ports())
    held = await now(world, deploy)
    assert [reason.text for reason in held.blocked] == ["Everything is locked: the database moves."]


async def test_a_rollbacks_own_lock_does_not_bind_it_and_holds_all_others(world: World):
    first = await ready(world)
    async with world.store.begin() as tx:
        await tx.lock_catalog(exclusive=True)
        own = a_lock(service="checkout", rollback=first.id)
        await place(tx, await tx.active_catalog(), own)
    second = await ready(world, version="v1.5.0")
    world.nomad.answers, world.nomad.apply = [Answer.UNKNOWN], False
    while await dispatch.step(world.ports()):
        pass
    assert (await now(world, first)).status is Status.DISPATCHING
    assert "locked" in [reason.code for reason in (await now(world, second)).blocked]
    placed = [event for event in await events(world) if event["type"] == "lock.placed"]
    assert placed[0]["data"]["rollback"] == first.id
