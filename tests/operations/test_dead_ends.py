"""No dead ends: whatever a deploy loses, in any state, it ends by itself or by a verb that its message names.

The states are those of the table that are not final, so a new one fails until somebody says how a deploy gets there.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from bot.domain.actor import Operator
from bot.domain.catalog.environment import DEFAULT_EXPIRES
from bot.domain.decision import Refused
from bot.domain.deploy.deploy import TRANSITIONS, Status
from bot.domain.deploy.dispatch import Answer
from bot.domain.deploy.rollout import GroupHealth, NomadDeployment, Observation, OurVersion
from bot.errors import NomadUnavailable, SlackUnavailable
from bot.gateways.blocks.card.message import render
from bot.operations.catalog import apply
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.resolve import resolve, resolve_on_host
from bot.operations.outbox import deliver
from bot.operations.queries.status import card
from bot.operations.worker import dispatch, expire, register
from bot.operations.worker import plan as planning
from bot.ports import Limits
from handlers.slack.command.ast import Command
from handlers.slack.command.lexer import Vocabulary
from handlers.slack.command.parser import parse
from handlers.slack.verbs.table import VERBS as TYPED
from handlers.work import LANES, VERBS
from store import open_store
from tests.builders import SAM, TEAM, a_catalog, a_job, a_service
from tests.clocks import FixedClock
from tests.fakes import HookedStore, World
from tests.operations.acts import applied, asked, delivered, now

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from bot.domain.deploy.deploy import Deploy
    from bot.operations.deploys.resolve import Resolve
    from handlers.work import Lane
    from tests.fakes import FakeChat, FakeNomad

LIMITS = Limits(lease=timedelta(seconds=60), write_timeout=timedelta(seconds=20))
ALL: Sequence[Lane] = tuple(kind for kind, _ in LANES)
OPEN = [state for state, leads_to in TRANSITIONS.items() if leads_to]


@dataclass(frozen=True)
class Way:
    """How a deploy gets into a state: where to, by which steps, and what Nomad answers to its register."""

    to: str = "staging"
    steps: tuple[Callable[..., Awaitable[bool]], ...] = ()
    answer: Answer = Answer.LANDED


SENT = (planning.step, dispatch.step)
WAYS = {
    Status.PLANNING: Way(),
    Status.WAITING: Way("production", (planning.step,)),
    Status.READY: Way(steps=(planning.step,)),
    # without an answer: whatever was not sent yet goes the way of what is ready
    Status.DISPATCHING: Way(steps=SENT, answer=Answer.UNKNOWN),
    Status.ROLLING: Way(steps=SENT),
}


@dataclass
class Cast:
    """The deploys, by number, with the states in which they were when something was lost."""

    world: World
    deploys: dict[int, Status]
    lanes: Sequence[Lane] = tuple(kind for kind, _ in LANES if kind is not deliver.WORK)

    async def still(self, *, undecided: bool) -> list[Deploy]:
        found = [await now(self.world, each) for each in self.deploys]
        return [each for each in found if each.status.open and (undecided or not each.status.undecided)]


async def cast(world: World) -> dict[int, Status]:
    """A deploy in every open state, each of a service of its own, by number."""
    ways = [(state, WAYS[state]) for state in OPEN]
    # those with the most steps first: a step takes whatever is due
    ways.sort(key=lambda each: (-len(each[1].steps), each[1].answer is Answer.UNKNOWN))
    names = [f"service-{number}" for number in range(len(ways))]
    await applied(world, services={name: a_service(name) for name in names})
    world.nomad.late = True
    deploys = {}
    for name, (state, way) in zip(names, ways, strict=True):
        deploy = await asked(world, service=name, environment=way.to)
        world.nomad.answers = [way.answer]
        for step in way.steps:
            assert await step(world.ports())
        assert (await now(world, deploy)).status is state
        deploys[deploy.id] = state
    world.nomad.answers = []
    await delivered(world)
    return deploys


@dataclass(frozen=True)
class Stage:
    """A database file in which a cast stands, and what is outside."""

    file: Path
    nomad: FakeNomad
    chat: FakeChat
    deploys: dict[int, Status]


@pytest.fixture(scope="module")
def stage(migrated_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Set once, because that takes as long as all that follows."""
    file = tmp_path_factory.mktemp("stage") / "nomatron.db"
    shutil.copyfile(migrated_template, file)

    async def build() -> Stage:
        async with open_store(f"sqlite:///{file}") as store:
            world = World(store=HookedStore(store), clock=FixedClock(), limits=LIMITS)
            deploys = await cast(world)
        return Stage(file, world.nomad, world.chat, deploys)

    return asyncio.run(build())


@pytest.fixture
def migrated_sqlite(stage: Stage) -> Callable[[Path], str]:
    """Copies the file of the stage, so that the store of each test begins there."""

    def copy(path: Path) -> str:
        shutil.copyfile(stage.file, path)
        return f"sqlite:///{path}"

    return copy


@pytest.fixture
def all_(stage: Stage, bare: World) -> Cast:
    """The cast on a stage of this test's own."""
    bare.nomad, bare.chat = deepcopy(stage.nomad), deepcopy(stage.chat)
    return Cast(bare, stage.deploys)


async def work(world: World, lanes: Sequence[Lane]) -> None:
    """Do all that is due now, of every kind of work that there is; messages only where the ``lanes`` have them."""
    ports, rounds = world.ports(), 0
    busy = True
    while busy:
        busy, rounds = False, rounds + 1
        assert rounds < 50, "the work never ends"
        for kind in lanes:
            while (claim := await kind.claim(ports, frozenset(), ())) is not None:
                await kind.carry_out(ports, claim)
                busy = True
        for step, _ in VERBS:
            busy = await step(ports) or busy
        busy = await expire.step(ports) or busy


async def pass_time(lost: Cast, *waits: timedelta) -> None:
    for wait in waits:
        lost.world.clock.advance(wait)
        await work(lost.world, lost.lanes)


LONG = timedelta(minutes=31)
"""Until everything is settled, told, unreadable for long enough, and stuck."""


# --- what is lost ----------------------------------------------------------------------------------------------------


async def slack(lost: Cast) -> None:
    lost.lanes = ALL
    lost.world.directory.silent = True
    for call in ("post_card", "update_card", "reply", "tell", "announce"):
        lost.world.chat.hooks.before(call, SlackUnavailable("no route"), always=True)


async def nomad(lost: Cast) -> None:
    lost.world.nomad.trouble = NomadUnavailable("no route to host")
    lost.world.nomad.blind, lost.world.nomad.apply = True, False
    lost.world.nomad.answers = [Answer.UNKNOWN] * 100


async def lease_holder(lost: Cast) -> None:
    lost.world.clock.advance(register.LOOK_AGAIN)
    dead = lost.world.ports("dead", lease=timedelta(milliseconds=1))
    for kind, _ in LANES:
        for _ in lost.deploys:
            await kind.claim(dead, frozenset(), ())


async def channel(lost: Cast) -> None:
    lost.lanes = ALL
    lost.world.chat.gone = frozenset({"C0STAGING1", "C0PROD0001"})


async def message(lost: Cast) -> None:
    lost.lanes = ALL
    lost.world.chat.cards.clear()


async def group(lost: Cast) -> None:
    lost.world.directory.usergroups = {}


async def catalog_entry(lost: Cast) -> None:
    """Whatever is on its way to Nomad refuses a catalog without it; the others are withdrawn by one."""
    without = await apply(lost.world.ports(), Operator("root"), a_catalog(services={}))
    assert isinstance(without, Refused)
    sent = [await now(lost.world, deploy) for deploy, state in lost.deploys.items() if not state.undecided]
    assert all(deploy.number in str(without.reasons) for deploy in sent)
    await applied(lost.world, services={deploy.service: a_service(deploy.service) for deploy in sent})


async def job(lost: Cast) -> None:
    lost.world.nomad.arrive()
    lost.world.nomad.jobs.clear()
    lost.world.nomad.seen = Observation(exists=False)


async def base_version(lost: Cast) -> None:
    lost.world.nomad.apply = False
    for deploy in lost.deploys:
        service = (await now(lost.world, deploy)).service
        for image in ("one", "two"):
            lost.world.nomad.change(a_job(image, ID=service, Name=service))
    lost.world.nomad.stamps.clear()
    lost.world.nomad.seen = Observation(exists=True, ours=OurVersion.DROPPED, current_version=9)


async def progress(lost: Cast) -> None:
    """Nomad says nothing new, ever, and nobody is left who may say anything for it, but an operator on the host."""
    lost.world.directory.usergroups = {}
    stands = GroupHealth(name="web", desired=2, placed=2, healthy=1)
    deployment = NomadDeployment(
        id="d-1", status="running", description="", job_version=0, job_spec_modify_index=101, groups=(stands,)
    )
    lost.world.nomad.seen = Observation(exists=True, deployment=deployment, wanted={"web": 2})


LOST = {
    slack: set(),
    nomad: {Status.DISPATCHING, Status.ROLLING},
    lease_holder: set(),
    channel: set(),
    message: set(),
    group: set(),
    catalog_entry: set(),
    job: {Status.DISPATCHING},
    base_version: {Status.DISPATCHING},
    progress: {Status.ROLLING},
}
"""What may be lost, with the states in which a person then has to say something."""


# --- what the message names ------------------------------------------------------------------------------------------


async def named(world: World, deploy: Deploy) -> list[str]:
    """The commands that the deploy's message says to type, each of them whole."""
    shown = await card(world.ports(), deploy.id)
    assert shown is not None
    text = str(render(shown).blocks).replace("VERSION", "0").replace("TEXT", "I looked")
    assert "nomatron resolve" in text
    found = re.findall(rf"/deploy ((?:resolve|withdraw) {deploy.number}(?: [^`]*?because I looked)?)`", text)
    return [
        line.replace(words, word)
        for line in found
        for words in re.findall(r"\S+\|\S+", line) or [line]
        for word in (words.split("|") if words != line else [line])
    ]


async def typed(world: World, line: str) -> None:
    """What was typed does what it says; if nobody may type that in Slack, an operator does it on the host."""
    known = Vocabulary((), (), team=TEAM, zone=ZoneInfo("UTC"), today=date(2026, 11, 21))
    command = parse(line, known, TYPED)
    assert isinstance(command, Command), command
    assert command.verb == "resolve"
    word: Resolve = command.asked  # type: ignore[assignment]
    done: Any = await resolve(world.ports(), SAM, word, origin=Origin())
    if isinstance(done, Refused) and not world.directory.usergroups:
        done = await resolve_on_host(world.ports(), Operator("root"), word)
    assert not isinstance(done, Refused), done


@pytest.mark.parametrize("lost", LOST, ids=lambda each: each.__name__)
async def test_it_ends_by_itself_or_by_a_verb_that_its_message_names(all_: Cast, lost: Any):
    world, needed = all_.world, set()
    await lost(all_)

    await pass_time(all_, timedelta(minutes=1), LONG)
    turn = list(LOST).index(lost)
    while decided := await all_.still(undecided=False):
        turn += 1
        assert turn < 2 * len(LOST), decided
        for deploy in decided:
            commands = await named(world, deploy)
            assert commands, f"{deploy.status} without {lost.__name__}: its message names no verb"
            await typed(world, commands[(deploy.id + turn) % len(commands)])
            needed.add(deploy.status)
        await pass_time(all_, LONG)
    await pass_time(all_, DEFAULT_EXPIRES)

    assert await all_.still(undecided=True) == []
    assert needed == LOST[lost]
    if lost in {channel, message}:
        # where a message can be posted, it is, and says how the deploy ended
        shown = {each.deploy.id: each.deploy.status for each in world.chat.cards.values()}
        assert shown == {deploy: (await now(world, deploy)).status for deploy in all_.deploys}
