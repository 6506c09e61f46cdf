"""Measures what many quiet rollouts cost, and how soon a change of one of them is seen.

``python -m bench.rollouts [--rollouts 1000] [--seconds 40] [--changes 30] [--json]``; bench/README.md explains the
output.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final, cast

import aiohttp

from bench.around import People, a_catalog, a_deploy, a_rollout, simulated_nomad
from bench.lines import Line, told
from bot.domain.actor import Operator
from bot.domain.deploy.deploy import Status
from bot.gateways.nomad.cluster import PythonNomads
from bot.gateways.nomad.rollouts import observer
from bot.operations.catalog import apply
from bot.operations.outbox import deliver
from bot.operations.worker import follow
from bot.ports import Limits, Ports
from handlers.watch import Watcher
from handlers.work import LANES, LocalBell, Worker
from store import open_store
from store.migrate import migrate
from store.tables import deploys

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from bot.domain.catalog.catalog import Catalog
    from bot.ports.slack import Chat, Directory
    from store import SqlStore

PLACE: Final = "healthy"
AT_ONCE: Final = 8
"""Registers that are on their way at once."""
BETWEEN_CHANGES: Final = 0.3
NO_ROOM: Final = 2**30
"""Megabytes that no node has: such a rollout waits, and nothing of it moves."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns 1 if a value is beyond its goal, which only matters at the default sizes."""
    parser = argparse.ArgumentParser(prog="python -m bench.rollouts", description=__doc__.partition("\n")[0])
    parser.add_argument("--rollouts", type=int, default=1000, help="rollouts that wait for room (%(default)s)")
    parser.add_argument("--seconds", type=float, default=40, help="how long to measure idleness (%(default)s)")
    parser.add_argument("--changes", type=int, default=30, help="rollouts that change, one by one (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    asked = parser.parse_args(arguments)
    lines = asyncio.run(measure(asked.rollouts, asked.seconds, asked.changes))
    return told(lines, as_json=asked.json)


async def measure(rollouts: int, seconds: float, changes: int) -> list[Line]:
    """The lines for so many rollouts, looked at so long while nothing happens, and after so many changes."""
    async with simulated_nomad() as address, _opened(address, rollouts) as bench:
        await bench.begin()
        before = Spent.until_now(bench.calls)
        bench.watcher.start()
        bench.worker.start()
        first = await bench.all_looked_at(before)
        looked_at = time.monotonic()
        seen = await bench.change(changes)
        # a look counts as confirmed by a list that was read after it
        await asyncio.sleep(max(0.0, observer.LISTED_FOR - (time.monotonic() - looked_at)) if rollouts > 100 else 0.0)
        idle = await bench.be_idle(seconds)
    whole = rollouts / observer.TRUSTED_FOR
    return [
        Line(f"each of {rollouts} rollouts was looked at, after the stream had opened, within", first.seconds, "s"),
        Line("calls to Nomad for each", first.calls / rollouts, "calls"),
        Line("processor time for each", 1000 * first.processor / rollouts, "ms"),
        Line("idle: the processor's share", 100 * idle.processor / idle.seconds, "% of a core"),
        Line("idle: calls to Nomad", idle.calls / idle.seconds, "a second"),
        Line(
            "idle, with the whole look that each gets once an hour: the processor's share",
            100 * (idle.processor / idle.seconds + whole * first.processor / rollouts),
            "% of a core",
            5,
        ),
        Line(
            "idle, with the whole look that each gets once an hour: calls to Nomad",
            idle.calls / idle.seconds + whole * first.calls / rollouts,
            "a second",
            2,
        ),
        Line(f"{changes} changes, one by one: half of them were seen after", median(seen), "s"),
        Line("the one that was seen last, after", max(seen), "s", 1),
    ]


# --- what is around ---------------------------------------------------------------------------------------------------


class Calls(logging.Handler):
    """Counts the requests that this process sends, by the line that urllib3 logs for each."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count it, unless it is about a connection."""
        self.count += str(record.msg).startswith("%s://")


@dataclass(frozen=True)
class Spent:
    """Seconds, seconds of the processor and calls to Nomad."""

    seconds: float
    processor: float
    calls: int

    @classmethod
    def until_now(cls, calls: Calls) -> Spent:
        """What this process has spent so far."""
        return cls(time.monotonic(), time.process_time(), calls.count)

    def __sub__(self, before: Spent) -> Spent:
        return Spent(self.seconds - before.seconds, self.processor - before.processor, self.calls - before.calls)


@asynccontextmanager
async def _opened(address: str, rollouts: int) -> AsyncIterator[_Bench]:
    calls, requests_log = Calls(), logging.getLogger("urllib3.connectionpool")
    requests_log.setLevel(logging.DEBUG)
    requests_log.propagate = False
    requests_log.addHandler(calls)
    with tempfile.TemporaryDirectory(prefix="nomatron-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'nomatron.db'}"
        await migrate(url)
        nomads = PythonNomads(lambda _: None)
        async with open_store(url) as store, aiohttp.ClientSession() as session:
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
            worker = Worker(ports, bell, lanes=tuple(each for each in LANES if each[0] is not deliver.WORK))
            catalog = _catalog(address, rollouts)
            await apply(ports, Operator("bench"), catalog)
            watcher = Watcher(ports)
            yield _Bench(ports, store, worker, watcher, catalog, calls, session, address)
            await watcher.stop()
            await worker.stop(1)
            nomads.close()
    requests_log.removeHandler(calls)


def _catalog(address: str, rollouts: int) -> Catalog:
    """A service for each rollout, in one environment."""
    catalog = a_catalog({PLACE: address})
    web = catalog.services["web"]
    names = [f"web-{number}" for number in range(rollouts)]
    only = {PLACE: catalog.environments[PLACE]}
    placed = {PLACE: web.placements[PLACE]}
    services = {name: replace(web, name=name, job=name, placements=placed) for name in names}
    return replace(catalog, environments=only, services=services)


def _job(name: str) -> str:
    """A job that no node has room for."""
    task = {
        "Name": "app",
        "Driver": "raw_exec",
        "Config": {"command": "/bin/sleep", "args": ["3600"]},
        "Resources": {"CPU": 10, "MemoryMB": NO_ROOM},
    }
    group = {"Name": "web", "Count": 1, "Tasks": [task], "Update": {"MaxParallel": 1}}
    return json.dumps({"ID": name, "Name": name, "Type": "service", "Datacenters": ["*"], "TaskGroups": [group]})


# --- what is measured -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Bench:
    ports: Ports
    store: SqlStore
    worker: Worker
    watcher: Watcher
    catalog: Catalog
    calls: Calls
    session: aiohttp.ClientSession
    address: str

    async def begin(self) -> None:
        """Register every service's job, and follow it as a deploy does."""
        nomad = self.ports.nomads.of(self.catalog.clusters[PLACE])
        free = asyncio.Semaphore(AT_ONCE)

        async def register(name: str) -> int:
            async with free:
                answer = await nomad.register("default", _job(name), base_index=0, source="# bench\n", variables="{}")
            if not answer.job_modify_index:
                raise RuntimeError(answer.text)
            return answer.job_modify_index

        indexes = await asyncio.gather(*map(register, self.catalog.services))
        draft = a_deploy(self.catalog, PLACE, Status.ROLLING, "0" * 64, self.ports.clock.now())
        async with self.store.begin() as tx:
            for name, index in zip(self.catalog.services, indexes, strict=True):
                deploy = await tx.add_deploy(replace(draft, service=name))
                await tx.save_rollout(replace(a_rollout(deploy), job_modify_index=index))

    async def all_looked_at(self, before: Spent) -> Spent:
        """Wait until all were looked at while the stream was read, so that none is due soon; what that took."""
        rolling = deploys.select().where(deploys.c.status == Status.ROLLING).limit(1)
        while True:
            soon = rolling.where(deploys.c.due_at <= self.ports.clock.now() + 2 * follow.POLL)
            async with self.store.engines.reading.connect() as connection:
                if (await connection.execute(soon)).first() is None:
                    return Spent.until_now(self.calls) - before
            await asyncio.sleep(0.1)

    async def change(self, changes: int) -> list[float]:
        """Seconds until it was seen that Nomad had ended a rollout, of some."""
        took: list[float] = []
        for number in range(1, changes + 1):
            async with self.store.read() as reading:
                deploy = await reading.deploy(number)
            if deploy is None:
                raise RuntimeError(f"D-{number} is not there")
            (nomads,) = await self._call("GET", f"job/{deploy.service}/deployments")
            began = time.monotonic()
            await self._call("POST", f"deployment/fail/{nomads['ID']}", {"DeploymentID": nomads["ID"]})
            while deploy is not None and deploy.status is Status.ROLLING:
                await asyncio.sleep(0.01)
                async with self.store.read() as reading:
                    deploy = await reading.deploy(number)
            took.append(time.monotonic() - began)
            await asyncio.sleep(BETWEEN_CHANGES)
        return took

    async def be_idle(self, seconds: float) -> Spent:
        """What these seconds cost, with the looks that are due in them if those at all rollouts are spread evenly."""
        async with self.store.begin() as tx:
            now = self.ports.clock.now()
            for number in range(1, len(self.catalog.services) + 1):
                deploy = await tx.lock_deploy(number)
                if deploy is not None and deploy.status is Status.ROLLING:
                    share = number / len(self.catalog.services)
                    await tx.save_deploy(replace(deploy, due_at=now + share * follow.SLOW_POLL))
        before = Spent.until_now(self.calls)
        await asyncio.sleep(seconds)
        return Spent.until_now(self.calls) - before

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        async with self.session.request(method, f"{self.address}/v1/{path}", json=body) as answer:
            answer.raise_for_status()
            return await answer.json()


if __name__ == "__main__":
    sys.exit(main())
