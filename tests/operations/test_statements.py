"""What each act costs: statements without BEGIN and COMMIT, commits, and connections that are opened."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import event

from bot.domain.actor import Operator
from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.operations.catalog import apply
from bot.operations.deploys.approve import approve
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.reject import reject
from bot.operations.deploys.retract import retract
from bot.operations.outbox import deliver
from bot.operations.worker import dispatch
from bot.operations.worker import plan as plan_deploy
from bot.ports import Limits
from tests import stores
from tests.builders import BOB, SAM, a_catalog
from tests.clocks import FixedClock
from tests.fakes import HookedStore, World
from tests.operations import acts

if TYPE_CHECKING:
    from collections.abc import Iterator

CLICK = Origin(signature="f" * 64, channel="C0GENERAL1")


@dataclass
class Cost:
    """What was sent to the database."""

    sent: list[str] = field(default_factory=list)
    commits: int = 0

    @property
    def counted(self) -> tuple[int, int]:
        return len(self.sent), self.commits


@contextmanager
def costs(world: World) -> Iterator[Cost]:
    cost = Cost()

    def commit(connection):
        # a unit of work that reads ends with a rollback
        cost.commits += 1

    def execute(connection, cursor, statement, parameters, context, executemany):
        cost.sent.append(statement)

    engine = world.store.engines.writing.sync_engine
    event.listen(engine, "before_cursor_execute", execute)
    event.listen(engine, "commit", commit)
    try:
        yield cost
    finally:
        event.remove(engine, "before_cursor_execute", execute)
        event.remove(engine, "commit", commit)


async def _approved(world, deploy, who=BOB, **changes):
    answer = await approve(
        world.ports(), who, deploy.id, plan=deploy.plan, origin=Origin(signature=who.id * 6), **changes
    )
    assert not isinstance(answer, Refused), answer


async def test_a_request(world):
    await acts.asked(world, environment="staging")
    with costs(world) as cost:
        await acts.asked(world, environment="production", origin=CLICK)
    assert cost.counted == (14, 1), cost.sent


async def test_a_plan(world):
    await acts.asked(world, environment="production")
    with costs(world) as cost:
        assert await plan_deploy.step(world.ports())
    assert cost.counted == (21, 3), cost.sent


async def test_an_approval(world):
    deploy = await acts.planned(world, "production")
    with costs(world) as cost:
        await _approved(world, deploy)
    assert cost.counted == (8, 1), cost.sent


async def test_an_approval_with_a_note(world):
    deploy = await acts.planned(world, "production")
    with costs(world) as cost:
        await _approved(world, deploy, note="looks good")
    assert cost.counted == (8, 1), cost.sent


async def test_an_approval_that_completes_the_seats(world):
    deploy = await acts.planned(world, "production")
    await _approved(world, deploy)
    with costs(world) as cost:
        await _approved(world, deploy, SAM)
    assert (await acts.now(world, deploy)).status is Status.READY
    assert cost.counted == (11, 1), cost.sent


async def test_a_retract(world):
    deploy = await acts.planned(world, "production")
    await _approved(world, deploy)
    with costs(world) as cost:
        await retract(world.ports(), BOB, deploy.id, origin=CLICK)
    assert cost.counted == (8, 1), cost.sent


async def test_a_reject(world):
    deploy = await acts.planned(world, "production")
    with costs(world) as cost:
        await reject(world.ports(), BOB, deploy.id, plan=deploy.plan, reason="not today", origin=CLICK)
    assert cost.counted == (8, 1), cost.sent


async def test_a_claim_that_finds_nothing(world):
    await acts.planned(world, "production")
    with costs(world) as cost:
        assert await dispatch.WORK.claim(world.ports()) is None
    assert cost.counted == (1, 0), cost.sent


async def test_an_outbox_with_nothing_due(world):
    with costs(world) as cost:
        assert await deliver.WORK.claim(world.ports()) is None
    assert cost.counted == (1, 0), cost.sent


async def test_a_card_that_is_delivered(world):
    await acts.planned(world, "production")
    world.clock.advance(timedelta(minutes=1))
    with costs(world) as cost:
        assert await deliver.step(world.ports())
    assert len(world.chat.posts) == 1
    assert cost.counted == (17, 4), cost.sent


async def test_no_connection_is_opened_after_the_start(migrated_sqlite, tmp_path):
    migrated_sqlite(tmp_path / "nomatron.db")
    opened: list[object] = []
    limits = Limits(lease=timedelta(seconds=60), write_timeout=timedelta(seconds=20))
    async with stores.open_file(tmp_path / "nomatron.db") as store:
        world = World(store=HookedStore(store), clock=FixedClock(), limits=limits)
        event.listen(store.engines.writing.sync_engine, "connect", lambda *which: opened.append(which))
        # a read inside a transaction, as two loops at the same time would have it
        async with store.begin(), store.read():
            pass
        await apply(world.ports(), Operator("root"), a_catalog())
        at_start = len(opened)
        deploy = await acts.ready(world)
        assert (await acts.ended(world, deploy)).status is Status.SUCCEEDED
        while await deliver.step(world.ports()):
            pass
    assert len(opened) == at_start == 2
