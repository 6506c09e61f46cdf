"""People and workers of two processes call at random on one database: the log that they leave obeys every rule."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.actor import Operator, System
from bot.domain.catalog.environment import Rule
from bot.domain.deploy.deploy import BASELINE, Status
from bot.domain.deploy.dispatch import Answer, Resolution, Result
from bot.domain.deploy.rollout import Observation
from bot.domain.rollback import Rollback
from bot.errors import StoreError
from bot.operations.catalog import apply
from bot.operations.deploys.approve import approve
from bot.operations.deploys.decide import NOWHERE
from bot.operations.deploys.reject import reject
from bot.operations.deploys.replace_rollout import replace_rollout
from bot.operations.deploys.replan import replan
from bot.operations.deploys.request import request
from bot.operations.deploys.resolve import Resolve, resolve
from bot.operations.deploys.retract import retract
from bot.operations.deploys.withdraw import withdraw
from bot.operations.locks import expire as lock_expiry
from bot.operations.locks.lock import lock
from bot.operations.locks.unlock import unlock
from bot.operations.rollback.request import request_rollback
from tests import stores
from tests.builders import ALICE, BOB, CAROL, DEVELOPERS, SAM, SRE, USERGROUPS, a_catalog, a_job, every_deploy
from tests.clocks import FixedClock
from tests.fakes import FakeDirectory, FakeNomad, HookedStore, World
from tests.faults.log import Replay, every_event
from tests.faults.play import ENGINE, LIMITS, healthy
from tests.faults.turns import open_in_turn
from tests.operations.acts import an_ask, environments
from tests.operations.closing import a_target

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from bot.domain.catalog.catalog import Catalog
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.plan import Job
    from store import SqlStore

CALLS, _, SEED = os.environ.get("NOMATRON_RANDOM_CALLS", "1500").partition(":")
"""``NOMATRON_RANDOM_CALLS=20000`` makes so many calls, ``20000:7`` those of seed 7."""
OF_ONE_SEED = 1000
IN_THREADS = 200
PEOPLE = (ALICE, BOB, BOB, CAROL, SAM, SAM, SAM)
VERBS: tuple[Any, ...] = (approve, retract, reject, withdraw, replan, replace_rollout)
ANSWERS = (*Answer, Answer.UNKNOWN, Answer.UNKNOWN)
ON_NOMAD = {Status.ROLLING, Status.SUCCEEDED, Status.SUPERSEDED}
RULES = {
    ("sre", "developers"): (Rule("sre"), Rule("developers")),
    ("sre",): (Rule("sre"),),
    ("developers", "developers"): (Rule("developers", 2),),
}
"""Rules of production, by the labels of their seats."""


def catalog_with(labels: tuple[str, ...]) -> Catalog:
    return a_catalog(environments=environments("production", approvals=RULES[labels]))


SEATS = {
    a_catalog().fingerprint: ("sre", "owners of checkout"),
    **{catalog_with(labels).fingerprint: labels for labels in RULES},
}


class VersionedNomad(FakeNomad):
    """Each version of a service is another job."""

    async def parse(self, jobspec: str, variables: Mapping[str, Any], namespace: str) -> Job:
        await super().parse(jobspec, variables, namespace)
        return a_job(f"registry.example/checkout:{variables['version']}")


@dataclass
class Crowd:
    """People and workers on the stores of two processes, who share one database, Nomad, Slack and clock."""

    worlds: tuple[World, World]
    dice: random.Random
    open: tuple[Deploy, ...] = ()

    def call(self) -> Callable[[World], Awaitable[Any]]:
        """What somebody does next; chosen now, so that others may be quicker."""
        draw = self.dice.random()
        if draw < 0.5:
            (step,) = self.dice.choices(ENGINE, [5, 3, 3, 3, 1])
            return lambda world: step(world.ports(f"worker-{id(world)}"))
        if draw < 0.57 or not self.open:
            ask = an_ask(
                environment=self.dice.choice(["staging", "production", "production"]),
                version=f"v{self.dice.randrange(4)}",
            )
            who = self.dice.choice([ALICE, BOB, CAROL])
            return lambda world: request(world.ports(), who, ask, origin=NOWHERE)
        if draw < 0.58:
            return lambda world: world.store.take_over()
        if draw < 0.62:
            return self._rollback()
        if draw < 0.65:
            catalog = catalog_with(self.dice.choice([*RULES]))
            return lambda world: apply(world.ports(), System("test"), catalog)
        return self._closing() if draw < 0.7 else self._decision()

    def _rollback(self) -> Callable[[World], Awaitable[Any]]:
        """Somebody rolls back, to what ran before or to anything else, or lifts the lock that this left."""
        environment = self.dice.choice(["staging", "production"])
        if self.dice.random() < 0.7:
            # else its lock would keep all others out for ever
            scope = a_target("checkout", environment=environment)
            return lambda world: unlock(world.ports(), Operator("root"), scope)
        to = self.dice.choice([None, None, BASELINE, self.dice.randrange(1, 40)])
        asked = Rollback(service="checkout", environment=environment, reason="5xx", to=to)
        who: Any = self.dice.choice([ALICE, BOB, CAROL, Operator("root")])
        return lambda world: request_rollback(world.ports(), who, asked, origin=NOWHERE)

    def _closing(self) -> Callable[[World], Awaitable[Any]]:
        """Somebody locks or lifts a lock, or the time of one is over."""
        act: Any = self.dice.choices([lock, unlock, None], [3, 9, 1])[0]
        if act is None:
            return lambda world: lock_expiry.step(world.ports())
        places = [("everything", None), ("production", None), ("checkout", "production"), ("checkout", "staging")]
        # rollbacks lock the service, too
        word, there = self.dice.choice(places if act is lock else [*places, *places[2:], *places[2:]])
        target = a_target(word, environment=there, lasts=self.dice.choice(["1m", "2m", None]) if act is lock else None)
        who = self.dice.choice([SAM, SAM, ALICE, Operator("root")])
        return lambda world: act(world.ports(), who, target)

    def _decision(self) -> Callable[[World], Awaitable[Any]]:
        rolling = [deploy for deploy in self.open if deploy.status is Status.ROLLING]
        if rolling and self.dice.random() < 0.03:
            word = Resolution(self.dice.choice([Result.SUCCEEDED, Result.FAILED]))
            asked = Resolve(self.dice.choice(rolling).id, word, "seen")
            return lambda world: resolve(world.ports(), SAM, asked, origin=NOWHERE)
        undecided = [deploy for deploy in self.open if deploy.status in {Status.WAITING, Status.READY}]
        deploy, who = self.dice.choice(undecided or self.open), self.dice.choice(PEOPLE)
        about: dict[str, Any] = {"actor": who, "deploy_id": deploy.id, "origin": NOWHERE}
        act = self.dice.choices(VERBS, [30, 3, 1, 1, 2, 4])[0]
        if act is approve or act is reject:
            # sometimes of the plan before
            about["plan"] = max(1, deploy.plan - (self.dice.random() < 0.1))
        if act is reject:
            about["reason"] = "not today"
        return lambda world: act(world.ports(), **about)

    def happen(self) -> None:
        """Time goes by, and what is outside of Nomatron changes now and then."""
        world, draw = self.worlds[0], self.dice.random()
        nomad, directory = world.nomad, world.directory
        # within the write time-out
        world.clock.advance(seconds=self.dice.choice([0, 1, 4, 15]))
        nomad.arrive()
        nomad.silence = self.dice.choice([timedelta(0), timedelta(days=1)])
        nomad.answers = [self.dice.choice(ANSWERS)] if self.dice.random() < 0.4 else []
        nomad.apply, nomad.late = self.dice.random() < 0.7, self.dice.random() < 0.5
        nomad.seen = healthy(world) if nomad.jobs and self.dice.random() < 0.4 else Observation(exists=True)
        if 0.2 < draw < 0.23:
            nomad.change(a_job(f"registry.example/checkout:hotfix-{self.dice.randrange(100)}"))
        if draw > 0.9:
            gone = self.dice.choice([SAM, BOB, CAROL]).id
            directory.usergroups = {key: users - {gone} for key, users in USERGROUPS.items()}
        elif draw > 0.8:
            directory.usergroups = {DEVELOPERS: USERGROUPS[DEVELOPERS], SRE: USERGROUPS[SRE] | {CAROL.id}}

    async def go(self, calls: int) -> None:
        """So many calls, up to four at once on either store."""
        made = 0
        while made < calls:
            self.happen()
            async with self.worlds[0].store.read() as reading:
                self.open = await reading.open_deploys()
            now = [self.call() for _ in range(self.dice.randint(1, 4))]
            await asyncio.gather(*(self._made(each, self.dice.choice(self.worlds)) for each in now))
            made += len(now)

    async def _made(self, call: Callable[[World], Awaitable[Any]], world: World) -> None:
        # both processes may want to write at once, and only one of them can
        with suppress(StoreError):
            await call(world)

    async def check(self) -> Replay:
        """The log replayed; fails unless it, the stored states and Nomad agree, and no plan was registered twice."""
        world = self.worlds[0]
        async with world.store.read() as reading:
            deploys = await every_deploy(reading)
        replay = Replay(await every_event(world), SEATS)
        assert replay.status == {deploy.id: deploy.status for deploy in deploys}
        made = Counter(stamp for stamp in world.nomad.stamps.values() if stamp)
        assert all(times == 1 for times in made.values()), made
        numbers = {stamp.split()[2] for stamp in made}
        assert all(deploy.number in numbers for deploy in deploys if deploy.status in ON_NOMAD)
        return replay


@asynccontextmanager
async def a_crowd(url: str, seed: int, opened: Callable[[Path], SqlStore]) -> AsyncIterator[Crowd]:
    """A crowd on a migrated SQLite database, under ``a_catalog()``, which it opens twice."""
    file = Path(url.removeprefix("sqlite:///"))
    async with opened(file) as one, opened(file) as two:
        nomad, clock, directory = VersionedNomad(), FixedClock(), FakeDirectory()
        first, second = (
            World(HookedStore(store), clock, LIMITS, nomad=nomad, directory=directory) for store in (one, two)
        )
        await apply(first.ports(), System("test"), a_catalog())
        yield Crowd((first, second), random.Random(seed))


def shares(calls: int) -> list[tuple[int, int]]:
    """The seeds, and how many calls each of them makes."""
    if SEED:
        return [(int(SEED), calls)]
    return [(seed, min(OF_ONE_SEED, calls - begun)) for seed, begun in enumerate(range(0, calls, OF_ONE_SEED))]


@pytest.mark.parametrize(("seed", "calls"), shares(int(CALLS)))
async def test_random_calls_of_two_processes_leave_a_log_that_obeys_every_rule(
    seed: int, calls: int, migrated_sqlite: Callable[[Path], str], tmp_path: Path
):
    turns = random.Random(f"turns of {seed}")
    async with a_crowd(migrated_sqlite(tmp_path / "nomatron.db"), seed, partial(open_in_turn, dice=turns)) as crowd:
        await crowd.go(calls)
        replay = await crowd.check()
        # a share of another length may be too short for a lock
        assert calls < OF_ONE_SEED or (replay.locked and replay.landed)
        # and for a rollback that reaches Nomad, of which a seed has one or two
        assert seed or calls < OF_ONE_SEED or replay.rolled_back


async def test_and_so_do_those_whose_order_is_up_to_the_machine(migrated_sqlite: Callable[[Path], str], tmp_path: Path):
    async with a_crowd(migrated_sqlite(tmp_path / "nomatron.db"), 0, stores.open_file) as crowd:
        await crowd.go(IN_THREADS)
        await crowd.check()
