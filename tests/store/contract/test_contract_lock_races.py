"""A lock and a claim at the same time, in two processes and on both engines: one of them comes first, whole."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from functools import partial

import pytest

from bot.domain.actor import Operator
from bot.domain.deploy.deploy import Status
from bot.domain.locks import Lock
from bot.errors import StoreBusy
from bot.operations.catalog import apply
from bot.operations.locks.lock import lock
from bot.operations.locks.unlock import unlock
from bot.operations.worker import dispatch
from bot.ports import Limits
from tests.builders import a_catalog
from tests.clocks import FixedClock
from tests.fakes import HookedStore, World
from tests.operations.acts import now, planned
from tests.operations.closing import a_target
from tests.store.racing import race, until_not_busy

ROOT = Operator("root")
STAGING = a_target("staging")


@pytest.fixture
async def worlds(one, two):
    """Two processes on one database, with a catalog in force."""
    limits = Limits(lease=timedelta(seconds=60), write_timeout=timedelta(seconds=20))
    both = [World(store=HookedStore(store), clock=FixedClock(), limits=limits) for store in (one, two)]
    await apply(both[0].ports(), ROOT, a_catalog())
    return both


async def order_of(world, *kinds):
    """Those audit events in the order in which they were committed to the log."""
    async with world.store.read() as reading:
        found = [json.loads(each.body)["type"] for each in await reading.events(limit=1000)]
    return [each for each in found if each in kinds]


async def stepped(world):
    """A step of the dispatch, again if the database was busy just then."""
    try:
        return await dispatch.step(world.ports())
    except StoreBusy:
        return False


async def test_a_lock_that_comes_while_a_deploy_is_claimed_comes_after_it(worlds):
    first, second = worlds
    deploy = await planned(first)
    claiming, placing = asyncio.Event(), asyncio.Event()

    async def stands_still():
        claiming.set()
        await asyncio.wait({asyncio.ensure_future(placing.wait())}, timeout=0.2)

    # the first commit is the look, the second one the claim
    first.store.hooks.before("commit", None, stands_still)
    step = asyncio.create_task(dispatch.step(first.ports()))
    await claiming.wait()
    placed = await until_not_busy(partial(lock, second.ports(), ROOT, STAGING))
    placing.set()
    await step

    assert isinstance(placed, Lock)
    assert (await now(first, deploy)).status is Status.ROLLING
    kinds = ("deploy.dispatching", "lock.placed")
    assert await order_of(first, *kinds) == list(kinds)


async def test_a_claim_that_comes_while_a_lock_is_placed_finds_it(worlds):
    first, second = worlds
    deploy = await planned(first)
    placed, stepping = asyncio.Event(), asyncio.Event()

    async def stands_still():
        placed.set()
        await asyncio.wait({asyncio.ensure_future(stepping.wait())}, timeout=0.2)

    second.store.hooks.before("commit", stands_still)
    placing = asyncio.create_task(lock(second.ports(), ROOT, STAGING))
    await placed.wait()
    await stepped(first)
    stepping.set()
    await placing
    await stepped(first)

    held = await now(first, deploy)
    assert (held.status, held.dispatches) == (Status.READY, 0)


async def test_a_deploy_that_is_being_held_just_now_does_not_miss_that_the_lock_is_lifted(worlds):
    first, second = worlds
    deploy = await planned(first)
    await lock(second.ports(), ROOT, STAGING)
    holding, lifting = asyncio.Event(), asyncio.Event()

    async def stands_still():
        holding.set()
        await asyncio.wait({asyncio.ensure_future(lifting.wait())}, timeout=0.2)

    first.store.hooks.before("commit", stands_still)
    step = asyncio.create_task(dispatch.step(first.ports()))
    await holding.wait()
    await until_not_busy(partial(unlock, second.ports(), ROOT, STAGING))
    lifting.set()
    await step

    assert (await now(first, deploy)).due_at == first.clock.now()
    assert await dispatch.step(first.ports())
    assert (await now(first, deploy)).status is Status.ROLLING


async def test_whatever_the_order_nothing_is_claimed_under_a_lock(worlds):
    first, second = worlds
    for number in range(4):
        deploy = await planned(first, version=f"v9.0.{number}")
        await race(partial(stepped, first), partial(lock, second.ports(), ROOT, STAGING), partial(stepped, second))
        claimed = (await now(first, deploy)).status is Status.ROLLING
        kinds = await order_of(first, "deploy.dispatching", "lock.placed", "lock.lifted")
        assert kinds[-2:] == ["deploy.dispatching", "lock.placed"] if claimed else kinds[-1:] == ["lock.placed"]
        await unlock(second.ports(), ROOT, STAGING)
        async with first.store.begin() as tx:
            held = await tx.lock_deploy(deploy.id)
            ends = Status.FAILED if claimed else Status.WITHDRAWN
            await tx.save_deploy(held.advance(ends, first.clock.now()))
        # what the deploy left to do is not part of the race
        await asyncio.sleep(0)


async def test_two_who_lock_the_same_at_once_make_one_lock(worlds):
    answers = await race(*(partial(lock, world.ports(), ROOT, STAGING) for world in worlds * 2))
    assert sum(isinstance(answer, Lock) for answer in answers) == 1
    assert {answer.codes for answer in answers if not isinstance(answer, Lock)} == {("already-locked",)}
