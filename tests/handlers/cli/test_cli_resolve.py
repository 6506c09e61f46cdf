"""``nomatron resolve``: its arguments, and what it prints and records."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.actor import Operator
from bot.domain.audit.events import EventType
from bot.domain.deploy.deploy import Status
from bot.operations.catalog import apply
from bot.operations.deploys.withdraw import withdraw
from bot.ports import Limits
from handlers.cli import history
from handlers.cli.resolve import execute, parse
from tests.builders import ALICE, a_catalog
from tests.clocks import FixedClock
from tests.fakes import HookedStore, World
from tests.operations.acts import HERE, now, planned, rolling
from tests.operations.reported import recorded

if TYPE_CHECKING:
    from store import SqlStore

WHY = ["--because", "seen"]


@pytest.fixture
async def world(store: SqlStore) -> World:
    limits = Limits(lease=timedelta(seconds=60), write_timeout=timedelta(seconds=20))
    made = World(store=HookedStore(store), clock=FixedClock(), limits=limits)
    await apply(made.ports(), Operator("root"), a_catalog())
    return made


async def test_an_operator_settles_a_rollout(world: World, capsys):
    deploy = await rolling(world)

    status = await execute(parse([deploy.number, "failed", *WHY]), world.ports(), "root")

    assert (status, (await now(world, deploy)).status) == (0, Status.FAILED)
    assert capsys.readouterr().out == f"{deploy.number}: recorded failed; it is now failed\n"
    assert await history.execute(history.parse(["checkout"]), world.ports()) == 0
    assert "  Failed, resolved by operator:root as failed  " in capsys.readouterr().out
    assert await history.execute(history.parse(["checkout", "--json"]), world.ports()) == 0
    (shown,) = json.loads(capsys.readouterr().out)["deploys"]
    assert (shown["resolved_by"], shown["resolved_as"]) == ("operator:root", "failed")


async def test_a_landing_after_the_end_is_in_the_history(world: World, capsys):
    deploy = await planned(world)
    await withdraw(world.ports(), ALICE, deploy.id, origin=HERE)
    await recorded(world, deploy, EventType.DEPLOY_LANDED_LATE, job_version=4, plan=1)

    assert await history.execute(history.parse(["checkout"]), world.ports()) == 0
    assert "  Withdrawn, landed after its end  " in capsys.readouterr().out


async def test_a_refusal_is_status_1_with_its_reason(world: World, capsys):
    deploy = await rolling(world)

    status = await execute(parse([str(deploy.id), "landed", "7", *WHY]), world.ports(), "root")

    assert status == 1
    assert f"/deploy resolve {deploy.number} succeeded|failed" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["x", "failed", *WHY], ["D-1", "landed", *WHY], ["D-1", "failed", "7", *WHY], ["D-1", "failed"],
              ["D-1", "failed", "--because", " "]],
)  # fmt: skip
def test_wrong_arguments_are_status_2(words, capsys):
    with pytest.raises(SystemExit) as ended:
        parse(words)

    assert ended.value.code == 2
    assert "resolve" in capsys.readouterr().err
