"""Lanes: what hangs on one cluster holds up nothing of another, whatever waits in its queue."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.catalog.environment import Cluster
from bot.domain.deploy.deploy import Status
from bot.errors import NomadUnavailable
from bot.gateways.clock import SystemClock
from bot.gateways.nomad.client import Timeouts
from bot.operations.worker import plan
from bot.operations.worker.claim import Work
from bot.ports import Limits
from handlers.work import LocalBell, Worker
from tests.builders import a_catalog, a_draft, a_placement, a_release, a_service
from tests.clocks import FixedClock
from tests.fakes import FakeNomad, HookedStore, World
from tests.operations.acts import applied, asked, now

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from bot.domain.catalog.catalog import Catalog
    from bot.domain.deploy.deploy import Deploy
    from bot.ports import Ports
    from bot.ports.claims import Claim
    from store import SqlStore

NAMES = ("one", "two", "three")


def of_three_clusters() -> Catalog:
    """Checkout goes to three environments, each on a cluster of its own, and nobody has to approve."""
    staging = a_catalog().environments["staging"]
    return a_catalog(
        clusters={name: Cluster(name=name, address=f"http://10.0.0.{n}:4646") for n, name in enumerate(NAMES, 1)},
        environments={name: replace(staging, name=name, cluster=name, approvals=()) for name in NAMES},
        services={"checkout": a_service(placements={name: a_placement(name) for name in NAMES})},
    )


@dataclass
class Hanging:
    """A cluster that takes every call and answers none until ``answers`` is set; ``calls`` have no answer yet."""

    answers: asyncio.Event = field(default_factory=asyncio.Event)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    calls: int = 0

    def hang(self, nomad: FakeNomad) -> None:
        nomad.hooks.before("job", self._wait, always=True)

    async def _wait(self) -> None:
        self.calls += 1
        self.reached.set()
        await self.answers.wait()


@pytest.fixture
async def world(store: SqlStore) -> World:
    limits = Limits(lease=timedelta(seconds=60), write_timeout=timedelta(seconds=20))
    made = World(store=HookedStore(store), clock=FixedClock(SystemClock().now()), limits=limits)
    made.elsewhere = {name: FakeNomad() for name in NAMES}
    await applied(made, **{
        name: getattr(of_three_clusters(), name) for name in ("clusters", "environments", "services")
    })  # fmt: skip
    return made


@asynccontextmanager
async def working(world: World) -> AsyncIterator[LocalBell]:
    world.bell = bell = LocalBell()  # type: ignore[assignment]  # a real bell instead of one that counts
    worker = Worker(world.ports(), bell)
    worker.start()
    yield bell
    await worker.stop()


async def reached(world: World, deploy: Deploy, status: Status) -> None:
    async with asyncio.timeout(60):
        while (await now(world, deploy)).status is not status:
            # what is put off meanwhile comes again: time goes by, faster than on the wall
            world.clock.advance(seconds=0.1)
            await asyncio.sleep(0.01)


async def test_while_two_clusters_hang_with_older_work_the_third_dispatches(world: World):
    hanging = {name: Hanging() for name in ("one", "two")}
    older = [await asked(world, environment=name) for name in hanging]
    for _ in older:
        await plan.step(world.ports())
    assert [(await now(world, each)).status for each in older] == [Status.READY] * 2
    for name, each in hanging.items():
        each.hang(world.elsewhere[name])
    world.clock.advance(seconds=1)
    healthy = await asked(world, environment="three")

    async with working(world):
        for each in hanging.values():
            await each.reached.wait()
        await reached(world, healthy, Status.ROLLING)

        assert [(await now(world, each)).status for each in older] == [Status.READY] * 2
        assert not any(each.answers.is_set() for each in hanging.values())
        for each in hanging.values():
            each.answers.set()
        for deploy in older:
            await reached(world, deploy, Status.ROLLING)


async def test_a_long_queue_of_a_cluster_that_hangs_takes_its_own_places_and_no_others(world: World):
    hanging = Hanging()
    hanging.hang(world.elsewhere["one"])
    catalog = of_three_clusters()
    async with world.store.begin() as tx:
        await tx.add_release(a_release())
        at = world.clock.now() - timedelta(minutes=5)
        draft = a_draft(
            environment="one", requested_at=at, catalog=catalog.fingerprint, lane=catalog.clusters["one"].lane
        )
        queue = [await tx.add_deploy(draft) for _ in range(20)]
    healthy = await asked(world, environment="three")

    async with working(world):
        await hanging.reached.wait()
        await reached(world, healthy, Status.ROLLING)

        assert [(await now(world, each)).status for each in queue] == [Status.PLANNING] * len(queue)
        assert hanging.calls == 2
        hanging.answers.set()


async def test_work_that_fails_is_a_line_in_the_log_and_keeps_its_place_for_a_while(world: World, caplog):
    tried = asyncio.Event()

    async def failing(_: Ports, claim: Claim) -> None:
        tried.set()
        raise NomadUnavailable(f"D-{claim.deploy_id} is away")

    for _ in range(2):
        await asked(world, environment="one", version=f"v1.0.{_}")
    bell = LocalBell()
    worker = Worker(world.ports(), bell, (), ((Work(frozenset({Status.PLANNING}), failing), 1),))
    worker.start()
    await tried.wait()
    for _ in range(5):
        bell.ring({Status.PLANNING})
        await asyncio.sleep(0.01)
    await worker.stop()

    assert [record.error for record in caplog.records] == ["D-1 is away"]


async def test_work_that_does_not_end_is_cut_off_after_the_grace_and_its_deploy_is_free(world: World):
    begun = asyncio.Event()

    async def endless(_: Ports, __: Claim) -> None:
        begun.set()
        await asyncio.Event().wait()

    await asked(world, environment="one")
    worker = Worker(world.ports(), LocalBell(), (), ((Work(frozenset({Status.PLANNING}), endless), 1),))
    worker.start()
    await begun.wait()
    await worker.stop(0.01)

    world.clock.advance(minutes=1)
    assert await plan.step(world.ports())


async def test_trouble_with_the_database_is_waited_out_by_who_claims(world: World, caplog):
    tries = 0

    class Broken(Work):
        async def claim(
            self, ports: Ports, full: frozenset[str] = frozenset(), _under_way: Collection[Claim] = ()
        ) -> Claim | None:
            nonlocal tries
            tries += 1
            raise ZeroDivisionError

    broken = Broken(plan.WORK.statuses, plan.WORK.act)
    bell = LocalBell()
    worker = Worker(world.ports(), bell, (), ((broken, 1),))
    worker.start()
    for _ in range(5):
        await asyncio.sleep(0.01)
        bell.ring({Status.PLANNING})
    await worker.stop()

    assert tries == 1
    assert "a step crashed" in caplog.text


def test_a_cluster_that_hung_rests_at_least_as_long_as_a_hang_lasts():
    assert Timeouts().rest >= Timeouts().connect + Timeouts().answer


async def test_work_that_ends_while_its_lane_is_left_out_makes_room_at_once(world: World):
    class NeverPolls(LocalBell):
        async def wait(self, kinds: frozenset[str], seen: int, seconds: float | None = None) -> None:
            await asyncio.Event().wait()

    trying, begun = asyncio.Event(), [asyncio.Event(), asyncio.Event()]

    async def act(_: Ports, claim: Claim) -> None:
        begun[claim.deploy_id - 1].set()
        async with world.store.begin() as tx:
            deploy = await tx.lock_deploy(claim.deploy_id)
            assert deploy is not None
            await tx.save_deploy(replace(deploy, due_at=world.clock.now() + timedelta(seconds=30)))
        await trying.wait()

    class Slow(Work):
        async def claim(
            self, ports: Ports, full: frozenset[str] = frozenset(), _under_way: Collection[Claim] = ()
        ) -> Claim | None:
            found = await super().claim(ports, full)
            if full:
                trying.set()
                # until the work has ended, and whoever waits for its end knows
                while under_way():  # noqa: ASYNC110 -- the worker's own tasks have no event
                    await asyncio.sleep(0)
                for _ in range(5):
                    await asyncio.sleep(0)
            return found

    def under_way() -> set[asyncio.Task[Any]]:
        return {task for task in asyncio.all_tasks() if task.get_name() == "D-1"}

    for version in ("v1.0.0", "v1.0.1"):
        await asked(world, environment="one", version=version)
    worker = Worker(world.ports(), NeverPolls(), (), ((Slow(frozenset({Status.PLANNING}), act), 1),))
    worker.start()
    async with asyncio.timeout(30):
        for each in begun:
            await each.wait()
    await worker.stop(0.01)
