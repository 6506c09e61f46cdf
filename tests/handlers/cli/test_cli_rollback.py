"""``nomatron rollback``: its arguments, and what it prints and records."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.actor import Operator
from bot.domain.rollback import Rollback
from bot.operations.catalog import apply
from bot.ports import Limits
from handlers.cli.rollback import execute, parse
from tests.builders import a_catalog
from tests.clocks import FixedClock
from tests.fakes import HookedStore, World
from tests.operations.acts import now
from tests.operations.rollbacks import shipped

if TYPE_CHECKING:
    from store import SqlStore

WHY = ["--because", "5xx"]


@pytest.fixture
async def world(store: SqlStore) -> World:
    limits = Limits(lease=timedelta(seconds=60), write_timeout=timedelta(seconds=20))
    made = World(store=HookedStore(store), clock=FixedClock(), limits=limits)
    await apply(made.ports(), Operator("root"), a_catalog())
    return made


async def test_an_operator_rolls_back_and_is_recorded(world: World, capsys):
    await shipped(world, "v1.4.1")
    await shipped(world, "v1.4.2")

    status = await execute(parse(["checkout", "--in", "production", *WHY]), world.ports(), "root")

    assert status == 0
    assert capsys.readouterr().out.splitlines() == [
        "D-3: recorded: checkout v1.4.1 to production",
        "Rolls back v1.4.2 (D-2) to v1.4.1 (D-1).",
        "It needs no new approvals: it goes back to what D-2 replaced.",
        "It goes before other deploys, and waits for nothing but its approvals and the locks of others.",
        (
            "checkout in production is locked with this reason: other deploys wait. "
            "To lift the lock: `/deploy unlock checkout in production because TEXT`."
        ),
    ]
    assert (await now(world, 3)).requester == Operator("root")
    assert await execute(parse(["checkout", "--in", "production", *WHY]), world.ports(), "root") == 0
    assert capsys.readouterr().out.startswith("D-3: already requested:")


async def test_what_cannot_be_done_is_said_with_an_exit_status(world: World, capsys):
    status = await execute(parse(["checkout", "--in", "production", "--to", "D-9", *WHY]), world.ports(), "root")

    captured = capsys.readouterr()
    assert (status, captured.out) == (1, "")
    assert (
        captured.err == "Nomatron has not deployed checkout in production yet, so there is nothing to go back from.\n"
    )


@pytest.mark.parametrize(
    ("given", "to"), [([], None), (["--to", "d-7"], 7), (["--to", "7"], 7), (["--to", "Baseline"], "baseline")]
)
def test_it_reads_what_to_go_back_to(given, to):
    asked = parse(["checkout", *given, *WHY])
    assert asked == Rollback(service="checkout", environment=None, reason="5xx", to=to)


@pytest.mark.parametrize("given", [["checkout"], ["checkout", "--to", "v1.4.1", *WHY], ["checkout", "--to", "٣", *WHY]])
def test_wrong_arguments_end_it(given, capsys):
    with pytest.raises(SystemExit) as ended:
        parse(given)
    assert ended.value.code == 2
    assert "usage: nomatron rollback" in capsys.readouterr().err
