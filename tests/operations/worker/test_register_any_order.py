"""Any order of requests, answers, losses, deaths and foreign changes: each deploy makes one version, or none."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.deploy.deploy import Status
from bot.domain.deploy.dispatch import Answer
from bot.operations.deploys.decide import NOWHERE
from bot.operations.deploys.replace_rollout import replace_rollout
from bot.operations.worker import dispatch, expire, follow, recheck, register
from bot.operations.worker import plan as plan_deploy
from tests.builders import ALICE, a_job, every_deploy
from tests.clocks import NOON
from tests.hooks import Hooks
from tests.operations.acts import applied, asked, types

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.domain.deploy.deploy import Deploy
    from tests.fakes import World

ON_THE_WAY = timedelta(seconds=50)
"""Nomad takes or drops a write within its enqueue limit and the write time-out: less than the settle time."""
ON_NOMAD = {Status.ROLLING, Status.SUCCEEDED, Status.SUPERSEDED}
FATES = [*Answer, "late", "dropped", "dead before", "dead after", "taken over"]
STEPS = [plan_deploy.step, dispatch.step, follow.step, recheck.step, expire.step]


class Play:
    """Deploys of one service to one environment without approval rules; each method is something that may happen."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.versions = itertools.count()
        self.sent = NOON

    async def ask(self) -> None:
        await asked(self.world, version=f"v{next(self.versions)}")

    async def replace(self, number: int) -> None:
        await replace_rollout(self.world.ports(), ALICE, number, origin=NOWHERE)

    async def change_outside(self) -> None:
        self.world.nomad.change(a_job(f"registry.example/checkout:hotfix-{next(self.versions)}"))

    async def work(self, step: Callable[..., Any]) -> None:
        await step(self.world.ports("worker-2"))

    async def send(self, fate: str) -> None:
        """The next attempt meets this fate; one without an answer is applied at once, late, or never."""
        nomad = self.world.nomad
        nomad.answers = [fate] if isinstance(fate, Answer) else [Answer.UNKNOWN] if fate in {"late", "dropped"} else []
        nomad.late, nomad.apply = fate == "late", fate != "dropped"

        async def sent() -> None:
            self.sent = self.world.clock.now()
            if fate == "dead after":
                raise KeyboardInterrupt
            if fate == "taken over":
                await self.world.store.take_over()
                await register.step(self.world.ports("worker-2"))

        await plan_deploy.step(self.world.ports())
        await dispatch.step(self.world.ports())
        nomad.hooks = Hooks()
        if fate == "dead before":
            nomad.hooks.before("register", KeyboardInterrupt())
        nomad.hooks.after("register", sent)
        with suppress(KeyboardInterrupt):
            await register.step(self.world.ports())
        nomad.hooks = Hooks()
        nomad.answers.clear()
        nomad.apply = True

    async def arrive(self) -> None:
        self.world.nomad.arrive()

    async def hide(self, blind: bool) -> None:  # noqa: FBT001 -- drawn, not written
        self.world.nomad.blind = blind

    async def wait(self, seconds: int) -> None:
        if self.world.nomad.under_way and self.world.clock.now() + timedelta(seconds=seconds) > self.sent + ON_THE_WAY:
            self.world.nomad.arrive()
        self.world.clock.advance(seconds=seconds)

    async def deploys(self) -> tuple[Deploy, ...]:
        async with self.world.store.read() as reading:
            return await every_deploy(reading)

    def made(self) -> Counter[str]:
        """Versions on Nomad by the deploy that their stamp names."""
        return Counter(stamp.split()[2] for stamp in self.world.nomad.stamps.values() if stamp)

    async def holds(self) -> None:
        """No deploy has made two versions, no two are dispatched at once, and what rolls is on Nomad."""
        made, deploys = self.made(), await self.deploys()
        assert all(count == 1 for count in made.values()), made
        assert sum(deploy.status is Status.DISPATCHING for deploy in deploys) <= 1
        assert all(made[deploy.number] for deploy in deploys if deploy.status in ON_NOMAD), made

    async def ends_well(self) -> None:
        """Once Nomad behaves, every deploy comes to an end, and what it made is what its record says."""
        self.world.nomad.blind = False
        while any(deploy.status.open for deploy in await self.deploys()):
            assert self.world.clock.now() < NOON + timedelta(hours=20), await self.deploys()
            await self.wait(60)
            await self.send("landed well")
            await follow.step(self.world.ports())
            await self.holds()
        made = self.made()
        for deploy in await self.deploys():
            assert made[deploy.number] == (await types(self.world, deploy.id)).count("deploy.landed"), deploy


def happenings(seed: int) -> list[tuple[Any, ...]]:
    """Up to 20 things that happen one after the other; the same for the same seed."""
    dice = random.Random(seed)
    choices: list[Callable[[], tuple[Any, ...]]] = [
        *[lambda: ("send", dice.choice(FATES))] * 3,
        *[lambda: ("wait", dice.choice([1, 2, 10, 60, 130]))] * 2,
        lambda: ("work", dice.choice(STEPS)),
        lambda: (dice.choice(["ask", "change_outside", "arrive"]),),
        lambda: ("hide", dice.random() < 0.3),
        lambda: ("replace", dice.choice([1, 2, 3])),
    ]
    return [dice.choice(choices)() for _ in range(dice.randint(5, 20))]


@pytest.mark.parametrize("seed", range(10))
async def test_each_deploy_makes_one_version_or_none(bare: World, seed: int):
    deploys = Play(bare)
    await applied(bare)
    await deploys.ask()
    await deploys.ask()

    for name, *drawn in happenings(seed):
        await getattr(deploys, name)(*drawn)
        await deploys.holds()

    await deploys.ends_well()
