"""The worker's loops: woken by the bell, kept alive through trouble, ended in good order."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.actor import Operator
from bot.domain.deploy.deploy import Status
from bot.errors import NomadUnavailable
from bot.gateways.clock import SystemClock
from bot.operations.catalog import apply
from bot.operations.worker.claim import Work
from bot.ports import Limits, Ports
from bot.ports.claims import JUDGING, MESSAGES
from handlers.work import LocalBell, Worker
from tests.builders import a_catalog
from tests.clocks import FixedClock
from tests.fakes import HookedStore, World
from tests.operations.acts import asked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.ports.claims import Claim
    from store import SqlStore


@pytest.fixture
async def world(store: SqlStore) -> World:
    limits = Limits(lease=timedelta(seconds=60), write_timeout=timedelta(seconds=20))
    made = World(store=HookedStore(store), clock=FixedClock(SystemClock().now()), limits=limits)
    await apply(made.ports(), Operator("root"), a_catalog())
    return made


@pytest.fixture
async def bell(world: World) -> AsyncIterator[LocalBell]:
    """The bell of a running worker."""
    bell = LocalBell()
    world.bell = bell  # type: ignore[assignment]  # a real bell instead of one that counts
    worker = Worker(world.ports(), bell)
    worker.start()
    yield bell
    await worker.stop()


async def reached(ports: Ports, deploy_id: int, status: Status) -> None:
    async with asyncio.timeout(30):
        while True:
            async with ports.store.read() as reading:
                deploy = await reading.deploy(deploy_id)
            if deploy is not None and deploy.status is status:
                return
            await asyncio.sleep(0.01)


async def test_a_request_is_planned_dispatched_and_registered(world: World, bell: LocalBell):
    deploy = await asked(world)

    await reached(world.ports(), deploy.id, Status.ROLLING)

    assert len(world.nomad.registers) == 1


async def test_what_another_process_made_due_is_found_by_the_poll(world: World):
    bell = LocalBell()
    worker = Worker(world.ports(), bell)
    worker.start()

    # the bell of this world is not that of the worker
    deploy = await asked(world)

    await reached(world.ports(), deploy.id, Status.ROLLING)
    await worker.stop()


async def test_an_idle_worker_asks_the_database_once_for_all_its_work(world: World):
    polls, claims = [asyncio.Event() for _ in range(3)], 0

    class Counting(Work):
        async def claim(self, *_: Any) -> Claim | None:
            nonlocal claims
            claims += 1
            return None

    class Polled(HookedStore):
        async def due(self, *asked: Any) -> frozenset[str]:
            next(each for each in polls if not each.is_set()).set()
            return await super().due(*asked)

    async def act(_: Ports, __: Claim) -> None: ...

    world.store = Polled(world.store)
    lanes = tuple((Counting(frozenset({status}), act), 1) for status in Status)
    worker = Worker(world.ports(), LocalBell(), (), lanes)
    worker.start()
    await asyncio.gather(*(each.wait() for each in polls))
    await worker.stop()

    assert claims == len(lanes)


async def test_a_step_that_breaks_ends_no_loop(world: World, bell: LocalBell, caplog: pytest.LogCaptureFixture):
    broken = asyncio.Event()

    async def breaking():
        broken.set()
        raise ZeroDivisionError

    world.nomad.hooks.before("plan", breaking)
    deploy = await asked(world)
    await broken.wait()
    world.clock.advance(seconds=120)

    await reached(world.ports(), deploy.id, Status.ROLLING)
    assert "a step crashed" in caplog.text


async def test_known_trouble_is_one_line_of_the_log(world: World, caplog: pytest.LogCaptureFixture):
    tries = 0
    tried = asyncio.Event()

    async def failing(_: Ports) -> bool:
        nonlocal tries
        tries += 1
        tried.set()
        raise NomadUnavailable("away")

    bell = LocalBell()
    worker = Worker(world.ports(), bell, ((failing, JUDGING),))
    worker.start()
    await tried.wait()
    for _ in range(5):
        # it waits out its trouble whatever rings
        bell.ring({JUDGING})
        await asyncio.sleep(0)
    await worker.stop()

    assert tries == 1
    assert "a step failed" in caplog.text
    assert "Traceback" not in caplog.text


async def test_a_step_that_does_not_end_is_cut_off_after_the_grace(world: World):
    begun, cut = asyncio.Event(), asyncio.Event()

    async def endless(_: Ports) -> bool:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cut.set()
        return True

    worker = Worker(world.ports(), LocalBell(), ((endless, JUDGING),))
    worker.start()
    await begun.wait()

    await worker.stop(0.01)

    assert cut.is_set()


async def test_a_worker_that_was_never_started_stops(world: World):
    await Worker(world.ports(), LocalBell()).stop()


async def test_no_ring_between_two_looks_is_lost():
    bell, kinds = LocalBell(), frozenset({Status.READY, Status.ROLLING})
    seen = bell.rung(kinds)
    bell.ring({Status.READY})

    await bell.wait(kinds, seen, 60)


async def test_a_loop_that_begins_to_wait_after_the_end_does_not_wait():
    bell = LocalBell()
    bell.end()

    await bell.wait(frozenset({MESSAGES}), 0)


async def test_every_loop_that_waits_for_such_work_is_woken_and_no_other():
    bell = LocalBell()

    def waits(*kinds: str) -> asyncio.Task[None]:
        return asyncio.create_task(bell.wait(frozenset(kinds), 0, 60))

    waiting, other = [waits(MESSAGES), waits(Status.READY, MESSAGES)], waits(Status.ROLLING)
    await asyncio.sleep(0)

    bell.ring({MESSAGES})
    bell.ring({MESSAGES, JUDGING})

    await asyncio.gather(*waiting)
    assert not other.done()
    bell.end()
    await other
