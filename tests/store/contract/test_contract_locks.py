"""What two processes ask for at once, on both engines: one deploy for one thing, one catalog for one decision."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

import pytest

from bot.domain.actor import Operator
from bot.domain.deploy.deploy import Status
from bot.operations.catalog import apply
from bot.operations.deploys.decide import NOWHERE
from bot.operations.deploys.request import request
from bot.ports import Limits
from store import open_store
from tests.builders import ALICE, a_catalog, a_placement, a_service
from tests.clocks import FixedClock
from tests.fakes import HookedStore, World
from tests.operations.acts import an_ask, asked, judged, now
from tests.store.racing import race, until_not_busy

ROOT = Operator("root")


@pytest.fixture
async def worlds(one, two):
    """Two processes on one database, with a catalog in force."""
    limits = Limits(lease=timedelta(seconds=60), write_timeout=timedelta(seconds=20))
    both = [World(store=HookedStore(store), clock=FixedClock(), limits=limits) for store in (one, two)]
    await apply(both[0].ports(), ROOT, a_catalog())
    return both


async def test_the_same_thing_asked_for_at_once_is_one_deploy(worlds):
    for number in range(5):
        ask = an_ask(version=f"v9.0.{number}")
        asks = [partial(request, world.ports(), ALICE, ask, origin=NOWHERE) for world in worlds * 2]
        answers = await race(*asks)
        assert len({answer.deploy.id for answer in answers}) == 1
        assert sum(not answer.existing for answer in answers) == 1


async def test_a_request_under_a_catalog_that_is_being_replaced_is_not_left_without_a_place(worlds):
    first, second = worlds
    cut = a_catalog(services={"checkout": a_service(placements={"production": a_placement("production")})})
    recorded, read = asyncio.Event(), asyncio.Event()

    async def stands_still():
        recorded.set()
        await asyncio.wait({asyncio.ensure_future(read.wait())}, timeout=0.3)

    first.store.hooks.before("commit", stands_still)
    requested = asyncio.create_task(request(first.ports(), ALICE, an_ask(), origin=NOWHERE))
    await recorded.wait()
    applied = await apply(second.ports(), ROOT, cut)
    read.set()
    deploy = (await requested).deploy
    assert [each.id for each in applied.withdrawn] == [deploy.id]


async def test_a_deploy_that_ends_while_a_catalog_that_cuts_it_is_applied_stays_as_it_ended(worlds):
    first, second = worlds
    cut = a_catalog(services={"checkout": a_service(placements={"production": a_placement("production")})})
    deploy = await asked(first)
    async with first.store.begin() as tx:
        locked = await tx.lock_deploy(deploy.id)
        applying = asyncio.create_task(until_not_busy(partial(apply, second.ports(), ROOT, cut)))
        # PostgreSQL lets it read the deploy, still open, and then wait for its lock; SQLite lets nobody in between
        await asyncio.wait({applying}, timeout=0.2)
        await tx.save_deploy(locked.advance(Status.WITHDRAWN, first.clock.now(), detail="by its requester"))

    await applying
    await judged(second)
    assert (await now(first, deploy)).detail == "by its requester"


@pytest.mark.postgres
async def test_on_postgres_two_share_the_catalog_and_another_place_is_free(postgres_url):
    async with (
        open_store(postgres_url) as one,
        open_store(postgres_url) as two,
        one.begin() as first,
        two.begin() as second,
    ):
        await first.lock_catalog()
        await second.lock_catalog()
        await first.lock_service("checkout", "staging")
        await second.lock_service("checkout", "production")
