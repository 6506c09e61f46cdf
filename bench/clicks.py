"""Measures what a person who approves waits for, against a raw register and against Bolt, click by click in turns.

``python -m bench.clicks [--rounds 5] [--clicks 20] [--seconds 5] [--json]``; bench/README.md explains the output.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sqlite3
import sys
import tempfile
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, time
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from bench.around import simulated_nomad
from bench.lines import Line, told
from bench.processes import APPROVER, PEOPLE, Bot, running_bolt, running_bot
from bench.slack import Person, fake_slack

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

CONNECTIONS: Final = 16
SERVICES: Final = 60
QUIET: Final = 1.5
"""Seconds after which a bot counts as idle: longer than it is from one poll to the next."""
RAW_JOB: Final[dict[str, Any]] = {
    "Type": "service", "Datacenters": ["*"],
    "TaskGroups": [
        {"Name": "web", "Tasks": [{"Name": "app", "Driver": "raw_exec", "Config": {"command": "/bin/sleep"}}]},
    ],
}  # fmt: skip
_MADE: Final = itertools.count(1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns 1 if a value is beyond its goal."""
    parser = argparse.ArgumentParser(prog="python -m bench.clicks", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds, of which the median counts (%(default)s)")
    parser.add_argument("--clicks", type=int, default=20, help="clicks in a round (%(default)s)")
    parser.add_argument("--seconds", type=float, default=5, help="of each load in a round (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    asked = parser.parse_args(arguments)
    return told(asyncio.run(measure(asked.rounds, asked.clicks, asked.seconds)), as_json=asked.json)


async def measure(rounds: int, clicks: int, seconds: float) -> list[Line]:
    """The lines of all rounds."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nomatron-bench-")))
        _, slack = await stack.enter_async_context(fake_slack())
        nomad = await stack.enter_async_context(simulated_nomad())
        bolt = await stack.enter_async_context(running_bolt(folder, 20))
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        found = []
        for number in range(rounds):
            # what one round left open must not weigh on the next
            own = folder / str(number)
            own.mkdir()
            async with running_bot(own, slack, nomad, SERVICES) as bot:
                found.append(await _Bench(own, bot, bolt, nomad, slack, session).round(clicks, seconds))
    return _lines(found)


@dataclass
class _Round:
    """What one round measured, in seconds or in things a second."""

    register: list[float] = field(default_factory=list)
    raw: list[float] = field(default_factory=list)
    ack: list[float] = field(default_factory=list)
    bolt: list[float] = field(default_factory=list)
    idle: float = 0.0
    requests: float = 0.0
    approvals: float = 0.0
    commits: float = 0.0
    refused: float = 0.0
    bolt_rate: float = 0.0
    busy: int = 0


@dataclass
class _Bench:
    folder: Path
    bot: Bot
    bolt: str
    nomad: str
    slack: str
    session: aiohttp.ClientSession

    async def round(self, clicks: int, seconds: float) -> _Round:
        found = _Round()
        for deploy, service in await self._waiting(clicks):
            await self._click(found, deploy, service)
        ((deploy, service),) = await self._waiting(1)
        await asyncio.sleep(QUIET)
        found.idle, _ = await self._approve(deploy, service)
        await self._loads(found, seconds)
        return found

    # --- one click after another --------------------------------------------------------------------------------------

    async def _click(self, found: _Round, deploy: int, service: str) -> None:
        """An approval, then a raw register, then a click on Bolt."""
        reached, ack = await self._approve(deploy, service)
        raw, answered = await self._register(f"raw-{next(_MADE) % 50}")
        found.ack.append(ack)
        # the register of ours is answered as fast as the raw one
        found.register.append(reached + answered)
        found.raw.append(raw)
        found.bolt.append(await self._person(self.bolt, APPROVER).click("deploy.approve", "D-1:1"))

    async def _approve(self, deploy: int, service: str) -> tuple[float, float]:
        """Seconds from the click to the instant at which Nomad takes the job, and to the acknowledgement."""
        began = time()
        ack = await self._person(self.bot.url, APPROVER).click("deploy.approve", f"D-{deploy}:1")
        while (taken := await self._taken_at(service)) < began:  # noqa: ASYNC110 -- as other programs
            await asyncio.sleep(0.02)
        return taken - began, ack

    async def _taken_at(self, job: str) -> float:
        async with self.session.get(f"{self.nomad}/v1/job/{job}") as answer:
            return (await answer.json())["SubmitTime"] / 1e9 if answer.status == 200 else 0.0

    async def _register(self, job: str) -> tuple[float, float]:
        """Seconds that a register takes, and of these the ones after Nomad has taken the job."""
        body = {"Job": {**RAW_JOB, "ID": job, "Name": job, "Meta": {"number": str(next(_MADE))}}}
        began = time()
        async with self.session.post(f"{self.nomad}/v1/jobs", json=body) as answer:
            await answer.read()
            ended = time()
        return ended - began, ended - await self._taken_at(job)

    async def _waiting(self, number: int) -> list[tuple[int, str]]:
        """New deploys that wait for their last approval, each with its service; the bot is quiet again."""
        before = self._newest()
        for each in range(number):
            version = next(_MADE)
            who = self._person(self.bot.url, PEOPLE[version % len(PEOPLE)])
            await who.command(f"web-{each % SERVICES} v{version} to production")
        wanted = "SELECT id, service FROM deploys WHERE id > ? AND status = 'waiting' ORDER BY id"
        while len(found := self._rows(wanted, before)) < number:  # noqa: ASYNC110 -- as other programs
            await asyncio.sleep(0.05)
        await self._until_quiet()
        return found

    async def _until_quiet(self) -> None:
        while self._rows("SELECT 1 FROM outbox WHERE due_at <= strftime('%Y-%m-%dT%H:%M:%fZ') LIMIT 1"):  # noqa: ASYNC110 -- as other programs
            await asyncio.sleep(0.05)

    # --- many at once -------------------------------------------------------------------------------------------------

    async def _loads(self, found: _Round, seconds: float) -> None:
        async def ask(person: Person) -> bool:
            number = next(_MADE)
            person.id = PEOPLE[number % len(PEOPLE)]
            await person.command(f"web-{number % SERVICES} v{number} to production")
            return True

        found.requests, people = await self._load(self.bot.url, ask, seconds)
        found.busy += sum("busy" in each for person in people for each in person.answers)
        while self._rows("SELECT 1 FROM deploys WHERE status = 'planning' LIMIT 1"):  # noqa: ASYNC110 -- as other programs
            await asyncio.sleep(0.1)
        open_ones = iter(self._rows("SELECT id FROM deploys WHERE status = 'waiting'"))

        async def approve(person: Person) -> bool:
            if found_one := next(open_ones, None):
                await person.click("deploy.approve", f"D-{found_one[0]}:1")
            return found_one is not None

        async def refuse(person: Person) -> bool:
            person.id = PEOPLE[next(_MADE) % len(PEOPLE)]
            await person.click("deploy.approve", "D-1:1")
            return True

        found.approvals, people = await self._load(self.bot.url, approve, seconds)
        found.busy += sum("busy" in each for person in people for each in person.answers)
        found.commits = await asyncio.to_thread(raw_commits, self.folder / "raw.db", seconds / 2)
        found.refused, _ = await self._load(self.bot.url, refuse, seconds)
        found.bolt_rate, _ = await self._load(self.bolt, refuse, seconds)

    async def _load(
        self, url: str, act: Callable[[Person], Awaitable[bool]], seconds: float
    ) -> tuple[float, list[Person]]:
        """How many times a second it is done over 16 connections, as long as there is more to do, and who did it."""
        until, done = perf_counter() + seconds, 0
        people = [self._person(url, APPROVER) for _ in range(CONNECTIONS)]

        async def keep_on(person: Person) -> None:
            nonlocal done
            while perf_counter() < until and await act(person):
                done += 1

        began = perf_counter()
        await asyncio.gather(*(keep_on(person) for person in people))
        return done / (perf_counter() - began), people

    def _person(self, url: str, who: str) -> Person:
        return Person(self.session, url, self.slack, who)

    def _newest(self) -> int:
        ((newest,),) = self._rows("SELECT coalesce(max(id), 0) FROM deploys")
        return int(newest)

    def _rows(self, statement: str, *values: object) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self.bot.database}?mode=ro", uri=True)) as connection:
            return connection.execute(statement, values).fetchall()


def raw_commits(file: Path, seconds: float) -> float:
    """How many rows a second sqlite3 writes alone, each in a commit that survives a power cut."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("PRAGMA synchronous = full")
        connection.execute("CREATE TABLE IF NOT EXISTS clicks (value TEXT)")
        began, done = perf_counter(), 0
        while perf_counter() - began < seconds:
            connection.execute("INSERT INTO clicks VALUES ('D-1:1')")
            done += 1
        return done / (perf_counter() - began)


def _p99(values: Sequence[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[98] if len(values) > 1 else values[0]


def _lines(rounds: Sequence[_Round]) -> list[Line]:
    def middle(values: Iterable[float]) -> float:
        return median(list(values))

    least = Line.at_least
    return [
        Line(
            "click to register, p50 / a raw register",
            middle(median(r.register) / median(r.raw) for r in rounds),
            "x",
            4,
        ),
        Line("click to register, p99 / a raw register", middle(_p99(r.register) / _p99(r.raw) for r in rounds), "x", 8),
        Line("click to register, p50", 1000 * middle(median(r.register) for r in rounds), "ms"),
        Line("a raw register, p50", 1000 * middle(median(r.raw) for r in rounds), "ms"),
        Line("one click on an idle bot, to register", 1000 * middle(r.idle for r in rounds), "ms", 50),
        Line(
            "approval acknowledged, p99 / Bolt with one commit",
            middle(_p99(r.ack) / _p99(r.bolt) for r in rounds),
            "x",
            1.5,
        ),
        Line("approval acknowledged, p50", 1000 * middle(median(r.ack) for r in rounds), "ms"),
        least("requests acknowledged, 16 connections", middle(r.requests for r in rounds), "/s", 60),
        Line("answered with busy", sum(r.busy for r in rounds), "answers", 0),
        least("approvals / raw commits, 16 connections", middle(r.approvals / r.commits for r in rounds), "x", 0.03),
        Line("approvals acknowledged, 16 connections", middle(r.approvals for r in rounds), "/s"),
        least("approvals refused / Bolt with 20 listeners", middle(r.refused / r.bolt_rate for r in rounds), "x", 0.15),
    ]


if __name__ == "__main__":
    sys.exit(main())
