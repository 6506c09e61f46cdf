"""A world whose commits may fail, its people and its workers: both go on after a failure as they are told to."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from copy import copy
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bot.domain.actor import System
from bot.domain.decision import Refused
from bot.domain.deploy.rollout import GroupHealth, NomadDeployment, Observation
from bot.errors import AmbiguousCommit, StoreError
from bot.operations.catalog import apply
from bot.operations.deploys.decide import Origin
from bot.operations.digest import schedule
from bot.operations.outbox import deliver
from bot.operations.worker import dispatch, expire, follow, judge, offer, recheck, register
from bot.operations.worker import plan as plan_deploy
from bot.ports import Limits
from tests.builders import a_catalog, every_deploy
from tests.clocks import FixedClock
from tests.fakes import FakeChat, FakeNomad, HookedStore, World
from tests.faults.commits import Commits
from tests.faults.turns import open_in_turn
from tests.hooks import Hooks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import datetime

    from bot.domain.deploy.deploy import Deploy, Status
    from store import SqlStore

Fake = TypeVar("Fake", FakeNomad, FakeChat)

ENGINE = (plan_deploy.step, dispatch.step, register.step, follow.step, recheck.step)
"""The steps that the worker takes on open deploys."""
STEPS = (*ENGINE, judge.step, offer.step, expire.step, deliver.step, schedule.tick)
"""All that happens by itself."""
LIMITS = Limits(lease=timedelta(seconds=60), write_timeout=timedelta(seconds=20))
_MOST_TRIES = 4
_MOST_ROUNDS = 60


@dataclass
class Play:
    """One world on one database."""

    world: World
    commits: Commits
    signatures: int = 0

    def signed(self) -> Origin:
        """A request that was signed like no other one."""
        self.signatures += 1
        return Origin(signature=f"signature-{self.signatures}", channel="C0GENERAL1")

    def unsigned(self) -> Origin:
        """A command on the host."""
        return Origin()

    async def insist(self, act: Callable[[], Awaitable[Any]], done: Callable[[], Awaitable[bool]]) -> None:
        """Somebody does it, again if told that nothing was recorded; if told that it may be, they look before."""
        for _ in range(_MOST_TRIES):
            try:
                answer = await act()
            except AmbiguousCommit:
                if await done():
                    return
                continue
            except StoreError:
                continue
            if not isinstance(answer, Refused):
                return
            assert answer.codes == ("catalog-busy",), answer
        raise AssertionError("refused again and again")

    async def go_on(self, *ends: Status) -> None:
        """The worker takes its steps until every deploy is in one of those states and nothing is left to be said.

        After each round whatever a failed step still holds is free again, as when its lease ends.
        """
        for _ in range(_MOST_ROUNDS):
            for step in STEPS:
                await self.took(step)
            if await self._at_rest(ends):
                return
            self.world.clock.advance(seconds=10)
            with self.commits.uncounted():
                await self.world.store.take_over()
        raise AssertionError(f"never at rest: {await self.deploys()}")

    async def _at_rest(self, ends: tuple[Status, ...]) -> bool:
        async with self.world.store.read() as reading:
            unsent = (await reading.ages()).unsent
        return unsent is None and all(deploy.status in ends for deploy in await self.deploys())

    async def took(self, step: Callable[..., Awaitable[bool]]) -> None:
        """Take a step until there is nothing left to do or it fails: then the worker rests, and goes on."""
        with suppress(StoreError):
            while await step(self.world.ports()):
                pass

    async def deploys(self) -> tuple[Deploy, ...]:
        """All of them."""
        async with self.world.store.read() as reading:
            return await every_deploy(reading)

    async def rolls_well(self) -> None:
        """Nomad says that whatever is in it is healthy."""
        self.world.nomad.seen = healthy(self.world)


def healthy(world: World) -> Observation:
    """What Nomad says of the job that it took last, if all went well."""
    live = max(world.nomad.jobs.values(), key=lambda job: job["JobModifyIndex"])
    deployment = NomadDeployment(
        id=f"d-{live['Version']}",
        status="successful",
        description="",
        job_version=live["Version"],
        job_spec_modify_index=live["JobModifyIndex"],
        groups=(GroupHealth(name="web", desired=2, placed=2, healthy=2),),
    )
    return Observation(exists=True, deployment=deployment, wanted={"web": 2})


@dataclass(frozen=True)
class Moment:
    """All that there is in a play at one moment; ``commits`` have happened since it began."""

    commits: int
    database: bytes
    nomad: FakeNomad
    chat: FakeChat
    instant: datetime
    signatures: int


class Stage:
    """One database that plays go on again and again, each from a moment of another one.

    The engine stays, because it remembers every statement that it ever compiled.
    """

    def __init__(self, store: SqlStore, file: Path) -> None:
        self._store = store
        self._file = file
        self.play = self._new(FakeNomad(), FakeChat(), FixedClock())

    def _new(self, nomad: FakeNomad, chat: FakeChat, clock: FixedClock, signatures: int = 0) -> Play:
        world = World(store=HookedStore(self._store), clock=clock, limits=LIMITS, nomad=nomad, chat=chat)
        play = Play(world, self.commits, signatures)
        nomad.hooks.before("observe", play.rolls_well, always=True)
        return play

    @cached_property
    def commits(self) -> Commits:
        """The commits of all plays."""
        return Commits(self._store)

    async def moment(self) -> Moment:
        """Where the play is now."""
        await self._store.close()
        world = self.play.world
        return Moment(
            commits=self.commits.count,
            database=self._file.read_bytes(),
            nomad=_copied(world.nomad),
            chat=_copied(world.chat),
            instant=world.clock.now(),
            signatures=self.play.signatures,
        )

    async def go_back(self, to: Moment) -> Play:
        """The play at that moment, with nothing shared but what cannot change."""
        await self._store.close()
        self._file.write_bytes(to.database)
        self.play = self._new(_copied(to.nomad), _copied(to.chat), FixedClock(to.instant), to.signatures)
        return self.play


def _copied(fake: Fake) -> Fake:
    """The fake with containers of its own, and without hooks."""
    values = {each.name: getattr(fake, each.name) for each in fields(fake)}
    own: dict[str, Any] = {name: copy(value) for name, value in values.items() if isinstance(value, dict | list | set)}
    return replace(fake, hooks=Hooks(), **own)


@asynccontextmanager
async def a_stage(url: str) -> AsyncIterator[Stage]:
    """A stage on a migrated SQLite database, under ``a_catalog()``."""
    file = Path(url.removeprefix("sqlite:///"))
    async with open_in_turn(file) as store:
        stage = Stage(store, file)
        await apply(stage.play.world.ports(), System("test"), a_catalog())
        yield stage
