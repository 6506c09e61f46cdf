"""``nomatron lock``, ``nomatron unlock`` and what ``nomatron status`` says of locks."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.actor import Operator
from bot.operations.catalog import apply
from bot.ports import Limits
from handlers.cli import status
from handlers.cli.locks import lock, parse_lock, parse_unlock, unlock
from tests.builders import SAM, a_catalog
from tests.clocks import FixedClock
from tests.fakes import HookedStore, World
from tests.operations.closing import locked, locks

if TYPE_CHECKING:
    from store import SqlStore

WHY = ["--because", "the database moves"]


@pytest.fixture
async def world(store: SqlStore) -> World:
    limits = Limits(lease=timedelta(seconds=60), write_timeout=timedelta(seconds=20))
    made = World(store=HookedStore(store), clock=FixedClock(), limits=limits)
    await apply(made.ports(), Operator("root"), a_catalog(timezone="Europe/Amsterdam"))
    return made


async def test_an_operator_locks_and_unlocks(world: World, capsys):
    assert await lock(parse_lock(["Production", "--for", "2h", *WHY]), world.ports(), "root") == 0
    line = (
        "locked: production until 2026-11-21 15:00:00, since 2026-11-21 13:00:00 (Europe/Amsterdam), "
        "by operator:root: the database moves\n"
    )
    assert capsys.readouterr().out == line
    assert await status.execute(status.parse([]), world.ports()) == 0
    assert capsys.readouterr().out.endswith(line)

    assert await unlock(parse_unlock(["production", "--because", "it has moved"]), world.ports(), "root") == 0
    assert capsys.readouterr().out == "unlocked: production; operator:root had locked it: the database moves\n"
    assert await locks(world) == ()


async def test_what_is_refused_is_status_1_in_the_words_of_slack_with_who_and_when(world: World, capsys):
    await locked(world, by=SAM)
    assert await lock(parse_lock(["production", *WHY]), world.ports(), "root") == 1
    assert capsys.readouterr().err == (
        "production is locked: the database moves. To change that lock, lift it first: "
        "`/deploy unlock production because TEXT`. Since 2026-11-21 13:00:00 (Europe/Amsterdam), by U0SAM00001.\n"
    )
    assert await unlock(parse_unlock(["checkout", "--in", "stagin", *WHY]), world.ports(), "root") == 1
    assert "Did you mean `staging`?" in capsys.readouterr().err
    assert await lock(parse_lock(["checkout", "--for", "0m", "--because", ""]), world.ports(), "root") == 1
    errors = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in errors] == ["In", "The", "A"]


async def test_a_lock_with_an_end_says_when_to_whoever_comes_second(world: World, capsys):
    await locked(world, "everything", lasts="1h")
    assert await lock(parse_lock(["everything", *WHY]), world.ports(), "root") == 1
    assert "by U0SAM00001, until 2026-11-21 14:00:00." in capsys.readouterr().err


async def test_status_lists_the_locks_on_what_was_asked_for(world: World, capsys):
    await locked(world, "everything", reason="an incident\nwith a second line")
    await locked(world, "checkout", environment="staging")

    async def listed(*words: str) -> list[dict]:
        assert await status.execute(status.parse([*words, "--json"]), world.ports()) == 0
        return json.loads(capsys.readouterr().out)["locks"]

    assert [(each["service"], each["environment"]) for each in await listed()] == [
        (None, None),
        ("checkout", "staging"),
    ]
    assert len(await listed("checkout")) == 2
    assert (await listed())[0] == {
        "service": None,
        "environment": None,
        "reason": "an incident\nwith a second line",
        "holder": SAM.key,
        "placed_at": "2026-11-21T12:00:00.000000Z",
        "until": None,
    }
    assert await status.execute(status.parse([]), world.ports()) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("locked: ")]
    assert len(lines) == 2
    assert lines[0].endswith("by U0SAM00001: an incident with a second line")
    world.clock.advance(days=1)
    await locked(world, "staging", lasts="1h")
    world.clock.advance(hours=1)
    assert len(await listed()) == 2


@pytest.mark.parametrize(
    ("parse", "words"),
    [
        (parse_lock, []),
        (parse_lock, ["production"]),
        (parse_lock, [*WHY]),
        (parse_lock, ["production", "now", *WHY]),
        (parse_unlock, ["production"]),
        (parse_unlock, ["production", "--for", "2h", *WHY]),
    ],
)
def test_wrong_arguments_are_status_2(parse, words, capsys):
    with pytest.raises(SystemExit) as ended:
        parse(words)

    assert ended.value.code == 2
    assert "lock" in capsys.readouterr().err
