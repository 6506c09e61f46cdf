"""``nomatron status``: the table, what is below it, and the document."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.catalog.environment import After
from bot.errors import NomadUnavailable
from handlers.cli import status
from tests.builders import a_job, a_service
from tests.operations.acts import applied, change, ended, environments, planned, ready, succeeded
from tests.operations.closing import locked
from tests.operations.conftest import bare, world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.fakes import World

    Run = Callable[..., Awaitable[tuple[int, list[str]]]]

__all__ = ["bare", "world"]


@pytest.fixture
def run(world: World, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command on the world's ports; its exit status and the lines that it printed."""

    async def execute(*words: str) -> tuple[int, list[str]]:
        ended_with = await status.execute(status.parse(words), world.ports())
        printed = capsys.readouterr()
        return ended_with, [*printed.out.splitlines(), *printed.err.splitlines()]

    return execute


async def cells(run: Run, *words: str) -> list[list[str]]:
    """The lines of the table, split where two blanks are."""
    ends, lines = await run(*words)
    assert ends == 0
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines]


async def test_each_environment_of_a_service_has_a_line(world: World, run: Run):
    deploy = await succeeded(world)
    await change(world, replace(deploy, offers=("production",)))
    await planned(world, "production", version="v1.5.0")
    await locked(world, "production")

    header, staging, production, *_, lock = await cells(run)

    assert header == ["SERVICE", "ENVIRONMENT", "VERSION", "SINCE (UTC)", "NOMAD", "WAITS", "CAN GO TO"]
    assert staging == ["checkout", "staging", "v1.4.2", "2026-11-21 12:00:00", "2 of 2 running", "-", "production"]
    assert production[:3] == ["checkout", "production", "nothing yet"]
    assert production[5:] == ["locked; D-2 v1.5.0 approval needed", "-"]
    assert lock[0].startswith("locked: production until")


async def test_what_is_not_as_it_should_be_is_said_below(world: World, run: Run):
    await applied(world, services={"checkout": a_service(job="checkout-{environment}")})
    world.nomad.parsed = a_job(ID="checkout-staging")
    await succeeded(world)
    world.nomad.change(a_job("registry.example/checkout:hotfix", ID="checkout-staging"))

    _, lines = await run()

    assert lines[-1] == ("checkout in staging: Changed outside Nomatron: job version 1.")


async def test_a_silent_cluster_is_named_once(world: World, run: Run):
    await succeeded(world)
    world.nomad.trouble = NomadUnavailable("cluster main refuses connections")

    _, lines = await run()

    assert lines[-1] == "unknown: staging, production (cluster main): Nomad: cluster main refuses connections"
    assert "unknown" in lines[1]


async def pipelined(world: World, **changes: Any) -> None:
    """checkout in both environments, each with a job of its own."""
    known = environments("production", after=(After(environment="staging"),))
    await applied(world, environments=known, services={"checkout": a_service(job="checkout-{environment}")})
    world.nomad.parsed = a_job(ID="checkout-staging")
    await succeeded(world)
    world.nomad.parsed = a_job(ID="checkout-production", **changes)
    await ended(world, await ready(world))


async def test_a_single_service_is_compared_with_its_neighbours(world: World, run: Run):
    more = a_job()["TaskGroups"]
    more[0]["Count"] = 6
    await pipelined(world, TaskGroups=more)

    _, lines = await run("Checkout")

    assert lines[-1] == "staging and production differ: count 2 → 6"


async def test_equal_neighbours_are_called_equal(world: World, run: Run):
    await pipelined(world)
    _, lines = await run("checkout")
    assert lines[-1] == "staging and production have the same job, apart from where it runs"


async def test_the_document_has_what_nomad_says(world: World, run: Run):
    await succeeded(world)

    ends, lines = await run("--json")

    document = json.loads("\n".join(lines))
    (service,) = document["services"]
    assert ends == 0
    assert service["environments"]["staging"]["nomad"] == {
        "health": "running", "wanted": 2, "running": 2, "starting": 0, "unplaced": 0, "unreachable": 0,
        "origin": "deploy", "deploy": "D-1", "version": "v1.4.2", "since": None,
    }  # fmt: skip
    assert (document["silent"], document["differences"]) == ([], [])


async def test_an_unknown_service_is_an_error(run: Run):
    ends, lines = await run("chekout")
    assert ends == 1
    assert "Did you mean" in lines[0]
