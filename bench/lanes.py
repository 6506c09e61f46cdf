"""Measures how long a healthy cluster, and people, wait for the trouble of others.

``python -m bench.lanes [--old 200] [--open 5000] [--rollouts 1000] [--json]``; bench/README.md explains the output.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, cast

from bench.around import ALICE, BOB, People, a_catalog, a_deploy, a_plan, a_rollout, free_port, hanging, simulated_nomad
from bench.lines import Line, told
from bot.domain.actor import Operator
from bot.domain.catalog.release import Release
from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Deploy, Status
from bot.errors import StoreError
from bot.gateways.nomad.cluster import PythonNomads
from bot.operations.catalog import apply
from bot.operations.deploys.approve import approve
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.request import Ask, Requested, request
from bot.ports import Limits, Ports
from handlers.work import VERBS, LocalBell, Worker
from store import open_store
from store.migrate import migrate
from store.tables import deploys

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from bot.ports.slack import Chat, Directory
    from store import SqlStore

BETWEEN_CLICKS: Final = 0.05
_VERSIONS: Final = count(1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns 1 if a value is beyond its goal, which only matters at the default sizes."""
    parser = argparse.ArgumentParser(prog="python -m bench.lanes", description=__doc__.partition("\n")[0])
    parser.add_argument("--old", type=int, default=200, help="deploys that wait for a dead cluster (%(default)s)")
    parser.add_argument("--open", type=int, default=5000, help="waiting deploys (%(default)s)")
    parser.add_argument("--rollouts", type=int, default=1000, help="rollouts (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    asked = parser.parse_args(arguments)
    lines = asyncio.run(_measure(asked.old, asked.open, asked.rollouts))
    return told(lines, as_json=asked.json)


async def _measure(old: int, waiting: int, rollouts: int) -> list[Line]:
    async with simulated_nomad() as healthy, hanging() as first, hanging() as second:
        addresses = {"healthy": healthy, "first": first, "second": second, "dead": f"http://127.0.0.1:{free_port()}"}
        async with _opened(addresses) as bench:
            hung = await bench.behind_hung_clusters()
        async with _opened(addresses) as bench:
            dead = await bench.behind_a_queue("dead", old)
        async with _opened(addresses) as bench:
            stuck = await bench.behind_a_queue("first", old)
        async with _opened(addresses) as bench:
            applied = await bench.apply_with_open_deploys(waiting)
        async with _opened(addresses) as bench:
            followed = await bench.follow_many(rollouts, waiting)
    return [
        Line("two hung clusters with older work: the third dispatches after", hung, "s", 3),
        Line(f"{old} older deploys on a dead cluster: the healthy one's plan after", dead, "s", 3),
        Line(f"{old} older deploys on a hung cluster: the healthy one's plan after", stuck, "s", 3),
        *applied,
        *followed,
    ]


@asynccontextmanager
async def _opened(addresses: dict[str, str]) -> AsyncIterator[_Bench]:
    with tempfile.TemporaryDirectory(prefix="nomatron-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'nomatron.db'}"
        await migrate(url)
        nomads = PythonNomads(lambda _: None)
        async with open_store(url) as store:
            bell = LocalBell()
            ports = Ports(
                store=store,
                nomads=nomads,
                directory=cast("Directory", People(store)),
                chat=cast("Chat", None),
                clock=store.clock,
                bell=bell,
                limits=Limits(lease=timedelta(seconds=60), write_timeout=timedelta(seconds=20)),
                worker="bench",
            )
            # the outbox is Slack's affair
            worker = Worker(ports, bell, verbs=tuple(each for each in VERBS if "outbox" not in each[0].__module__))
            await apply(ports, Operator("bench"), a_catalog(addresses))
            yield _Bench(ports, store, worker, addresses, _VERSIONS)
            await worker.stop(0.1)
            nomads.close()


# --- what is measured -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Bench:
    ports: Ports
    store: SqlStore
    worker: Worker
    addresses: dict[str, str]
    versions: Iterator[int]

    async def behind_hung_clusters(self) -> float:
        """Seconds until a deploy to the healthy cluster is dispatched, behind older ones to two that hang."""
        for name in ("first", "second"):
            await self._add(name, Status.READY, 1)
        self.worker.start()
        await asyncio.sleep(1)
        return await self._until(await self._ask("healthy"), {Status.ROLLING, Status.SUCCEEDED})

    async def behind_a_queue(self, name: str, old: int) -> float:
        """Seconds until a deploy to the healthy cluster is planned, behind ``old`` ones to a cluster in trouble."""
        await self._add(name, Status.PLANNING, old)
        self.worker.start()
        await asyncio.sleep(1)
        planned = {Status.READY, Status.DISPATCHING, Status.ROLLING, Status.SUCCEEDED}
        return await self._until(await self._ask("healthy"), planned)

    async def apply_with_open_deploys(self, number: int) -> list[Line]:
        """Apply a catalog with one word changed, while somebody clicks, until all are judged by it."""
        numbers = await self._add("guarded", Status.WAITING, number)
        self.worker.start()
        done = asyncio.Event()
        clicking = asyncio.create_task(self._click(numbers, done))
        await asyncio.sleep(1)
        begun = perf_counter()
        await apply(self.ports, Operator("bench"), a_catalog(self.addresses, "another word"))
        took = perf_counter() - begun
        while await self._any_unjudged():  # noqa: ASYNC110 -- the store has no event for this
            await asyncio.sleep(0.05)
        judged = perf_counter() - begun
        done.set()
        clicks, refused = await clicking
        return [
            Line(f"`apply` with {number} open deploys takes", took, "s", 1),
            Line("all are judged by the new catalog after", judged, "s"),
            Line(f"of {len(clicks)} clicks meanwhile, refused", refused, "clicks", 0),
            Line("the longest that a click took", max(clicks), "s", 1),
        ]

    async def follow_many(self, rollouts: int, waiting: int) -> list[Line]:
        """How long it takes until each of many rollouts, and each of many waiting deploys, was looked at."""
        rolling = await self._add("healthy", Status.ROLLING, rollouts)
        numbers = await self._add("guarded", Status.WAITING, waiting)
        begun = perf_counter()
        self.worker.start()
        followed = await self._until_looked_at(rolling, begun)
        looked = await self._until_looked_at(numbers, begun)
        return [
            Line(f"each of {rollouts} rollouts was followed after", followed, "s"),
            Line(f"each of {waiting} waiting deploys was looked at after", looked, "s"),
        ]

    async def _add(self, environment: str, status: Status, number: int) -> list[int]:
        """Add deploys that were requested five minutes ago."""
        catalog = a_catalog(self.addresses)
        at = self.ports.clock.now() - timedelta(minutes=5)
        template = catalog.templates["web"]
        release = Release(
            service="web",
            version="v1",
            template_name=template.name,
            template=template.text,
            declared=template.declared,
            required=template.required,
            declarations=template.declarations,
        )
        async with self.store.begin() as tx:
            await tx.add_release(release)
            added = [
                await tx.add_deploy(a_deploy(catalog, environment, status, release.fingerprint, at))
                for _ in range(number)
            ]
            for deploy in added if status is not Status.PLANNING else ():
                await tx.add_plan(a_plan(deploy))
            for deploy in added if status is Status.ROLLING else ():
                await tx.save_rollout(a_rollout(deploy))
        return [deploy.id for deploy in added]

    async def _ask(self, environment: str) -> Deploy:
        # another one than the runs before had, or Nomad would have nothing to do
        version = f"v2.{next(self.versions)}"
        ask = Ask(service="web", version=version, environment=environment, overrides={}, reason=None)
        answer = await request(self.ports, ALICE, ask, origin=Origin())
        if not isinstance(answer, Requested):
            raise TypeError(answer)
        return answer.deploy

    async def _until(self, deploy: Deploy, statuses: set[Status]) -> float:
        begun = perf_counter()
        while True:
            async with self.store.read() as reading:
                found = await reading.deploy(deploy.id)
            if found is not None and found.status in statuses:
                return perf_counter() - begun
            await asyncio.sleep(0.02)

    async def _until_looked_at(self, numbers: Sequence[int], begun: float) -> float:
        # a claim makes the fence grow
        left = deploys.select().where(deploys.c.id.between(numbers[0], numbers[-1]), deploys.c.fence == 0).limit(1)
        while True:
            async with self.store.engines.reading.connect() as connection:
                if (await connection.execute(left)).first() is None:
                    return perf_counter() - begun
            await asyncio.sleep(0.1)

    async def _any_unjudged(self) -> bool:
        async with self.store.read() as reading:
            return await reading.any_unjudged()

    async def _click(self, numbers: Sequence[int], done: asyncio.Event) -> tuple[list[float], int]:
        """Approve one deploy after another; how long each click took, and how many were refused."""
        times: list[float] = []
        refused = 0
        for number in numbers:
            begun = perf_counter()
            try:
                answer: Any = await approve(self.ports, BOB, number, plan=1, origin=Origin())
                refused += isinstance(answer, Refused)
            except StoreError:
                refused += 1
            times.append(perf_counter() - begun)
            if done.is_set():
                break
            await asyncio.sleep(BETWEEN_CLICKS)
        return times, refused


if __name__ == "__main__":
    sys.exit(main())
