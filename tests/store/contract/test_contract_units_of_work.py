"""Units of work on both engines: all or nothing, no lost update, no request taken twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import event
from sqlalchemy.util import await_only

from bot.domain.actor import SlackUser
from bot.domain.deploy.deploy import Status
from bot.errors import AmbiguousCommit, Replayed
from tests.builders import TEAM, a_deploy, a_draft, an_approval, an_event, an_outgoing
from tests.clocks import NOON
from tests.store.racing import race, until_not_busy


async def add_one(store):
    async with store.begin() as tx:
        await tx.add_deploy(a_draft())


async def change_and_fail(store):
    """A unit of work that writes of everything, and then breaks."""
    async with store.begin() as tx:
        await tx.add_deploy(a_draft())
        await tx.record(an_event())
        await tx.send(an_outgoing(), NOON)
        await tx.remember_request("f" * 64, NOON)
        raise KeyError


async def take_request(store):
    async with store.begin() as tx:
        await tx.record(an_event())
        await tx.remember_request("f" * 64, NOON)


async def test_what_a_block_wrote_is_there_after_it(one, two):
    async with one.begin() as tx:
        added = await tx.add_deploy(a_draft())
    async with two.read() as reading:
        assert await reading.deploy(added.id) == added


async def test_a_block_that_raises_leaves_nothing(one):
    with pytest.raises(KeyError):
        await change_and_fail(one)
    async with one.read() as reading:
        assert await reading.open_deploys() == ()
        assert await reading.events() == ()
        assert (await reading.ages()).unsent is None


async def test_a_store_works_on_after_a_block_that_raised(one):
    with pytest.raises(KeyError):
        await change_and_fail(one)
    await add_one(one)


async def test_no_update_is_lost_between_two_stores(one, two):
    async with one.begin() as tx:
        await tx.add_deploy(a_draft())

    async def add_a_plan(store):
        async with store.begin() as tx:
            deploy = await tx.lock_deploy(1)
            await asyncio.sleep(0)
            await tx.save_deploy(replace(deploy, plan=deploy.plan + 1))

    async def add_ten(store):
        for _ in range(10):
            await until_not_busy(partial(add_a_plan, store))

    await asyncio.gather(*(add_ten(store) for store in (one, two, one, two)))
    async with one.read() as reading:
        assert (await reading.deploy(1)).plan == 40


async def test_of_simultaneous_approvals_exactly_one_completes_the_quorum(one, two):
    async with one.begin() as tx:
        await tx.add_deploy(a_draft())
    completed = []

    async def approve(store, number):
        user = SlackUser(TEAM, f"U0PERSON{number:02}")
        async with store.begin() as tx:
            deploy = await tx.lock_deploy(1)
            await tx.add_approval(an_approval(user=user))
            if len(await tx.approvals(1)) == 3:
                completed.append(user)
                await tx.save_deploy(deploy.advance(Status.WAITING, NOON))

    await race(*(partial(approve, store, number) for number, store in enumerate([one, two] * 3)))
    async with one.read() as reading:
        assert len(await reading.approvals(1)) == 6
        assert (await reading.deploy(1)).status is Status.WAITING
    assert len(completed) == 1


async def test_a_deploy_is_saved_only_by_the_transaction_that_locked_it(one):
    async with one.begin() as tx:
        deploy = await tx.add_deploy(a_draft())
        await tx.save_deploy(replace(deploy, detail="added here"))
    with pytest.raises(RuntimeError, match="D-1 must be locked"):
        async with one.begin() as tx:
            await tx.save_deploy(replace(deploy, detail="never locked"))
    async with one.begin() as tx:
        assert await tx.lock_deploy(2) is None
        assert (await tx.lock_deploy(1)).detail == "added here"


async def test_a_reading_unit_sees_one_moment(one, two):
    async with one.begin() as tx:
        await tx.add_deploy(a_draft())
    async with two.read() as reading:
        before = await reading.deploy(1)
        async with one.begin() as tx:
            await tx.lock_deploy(1)
            await tx.save_deploy(replace(before, detail="changed meanwhile"))
        assert await reading.deploy(1) == before
    async with two.read() as reading:
        assert (await reading.deploy(1)).detail == "changed meanwhile"


async def test_reading_waits_for_no_writer_and_sees_nothing_unfinished(one, two):
    async with one.begin() as tx:
        await tx.add_deploy(a_draft())
        async with two.read() as reading, one.read() as own:
            assert await reading.deploy(1) is None
            assert await own.deploy(1) is None


async def test_a_request_is_taken_once_and_the_second_time_nothing_is_written(one):
    await take_request(one)
    with pytest.raises(Replayed):
        await take_request(one)
    async with one.read() as reading:
        assert len(await reading.events()) == 1


async def test_of_those_that_take_the_same_request_at_once_one_does(one, two):
    outcomes = await asyncio.gather(*(take_request(store) for store in (one, two, one, two)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType"] + ["Replayed"] * 3
    async with one.read() as reading:
        assert len(await reading.events()) == 1


async def test_a_click_whose_transaction_failed_may_come_again(one):
    with pytest.raises(KeyError):
        await change_and_fail(one)
    await take_request(one)


async def test_requests_are_forgotten_when_their_window_is_over(one):
    async with one.begin() as tx:
        await tx.remember_request("old", NOON)
        await tx.remember_request("new", NOON + timedelta(minutes=10))
    await one.forget_requests(NOON + timedelta(minutes=10))
    async with one.begin() as tx:
        await tx.remember_request("old", NOON)
        with pytest.raises(Replayed):
            await tx.remember_request("new", NOON)


class CommitGate:
    """Holds every commit of a store until it is opened."""

    def __init__(self, store):
        self.reached, self.opened = asyncio.Event(), asyncio.Event()
        event.listen(store.engines.writing.sync_engine, "commit", self._wait)

    def _wait(self, connection):
        self.reached.set()
        await_only(self.opened.wait())


async def test_cancelled_during_the_commit_it_is_ambiguous_and_the_commit_ends(one, two):
    gate = CommitGate(one)
    adding = asyncio.create_task(add_one(one))
    await gate.reached.wait()
    adding.cancel()
    await asyncio.sleep(0)
    adding.cancel()
    gate.opened.set()
    with pytest.raises(AmbiguousCommit):
        await adding
    async with two.read() as reading:
        assert await reading.deploy(1) == a_deploy(1)


async def test_cancelled_before_the_commit_nothing_is_written(one, two):
    reached = asyncio.Event()

    async def add_slowly():
        async with one.begin() as tx:
            await tx.add_deploy(a_draft())
            reached.set()
            await asyncio.Event().wait()

    adding = asyncio.create_task(add_slowly())
    await reached.wait()
    adding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await adding
    async with two.read() as reading:
        assert await reading.open_deploys() == ()
    await add_one(one)
