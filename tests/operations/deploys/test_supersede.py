"""A newer request ends the older ones that still wait, once it has its plan and if the environment says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.deploy.deploy import Status
from bot.errors import NomadRefused
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.replan import replan
from bot.operations.deploys.request import Requested, request
from bot.operations.worker import dispatch
from bot.operations.worker import plan as plan_deploy
from store.unit_of_work import SqlTransaction
from tests.builders import ALICE, BOB, SAM
from tests.operations.acts import (
    HERE,
    an_ask,
    applied,
    asked,
    change,
    delivered,
    dispatching,
    environments,
    events,
    now,
    planned,
    ready,
    rolling,
)

if TYPE_CHECKING:
    from bot.domain.deploy.deploy import Deploy
    from tests.fakes import World


@pytest.fixture(autouse=True)
async def _superseding(world: World):
    await applied(world, environments=environments("production", supersede=True))


async def newer(world: World) -> Deploy:
    """A request of v1.4.3, a second later, that the worker has planned."""
    world.clock.advance(timedelta(seconds=1))
    return await planned(world, "production", version="v1.4.3")


@pytest.mark.parametrize("make", [asked, planned], ids=["planning", "waiting"])
async def test_a_newer_plan_ends_what_waits(world: World, make):
    older = await make(world, environment="production")
    # its own plan takes longer
    await change(world, replace(older, due_at=world.clock.now() + timedelta(seconds=5)))

    later = await newer(world)

    ended = await now(world, older)
    assert (ended.status, ended.detail, ended.due_at) == (Status.SUPERSEDED, "D-2 (v1.4.3) is newer.", None)
    assert later.status is Status.WAITING
    last = (await events(world, older.id))[-1]
    assert (last["type"], last["data"]["by"], last["actor"]) == ("deploy.superseded", 2, "system:rules")


async def test_the_requester_and_who_approved_are_told_and_the_message_names_the_newer_one(world: World):
    older = await ready(world)

    await newer(world)
    await delivered(world)

    (note,) = [note for _, note, _ in world.chat.said if "superseded" in note.text]
    assert note.text == "D-1 was superseded: D-2 (v1.4.3) is newer."
    assert note.lines == ("Approvals do not carry over: D-2 needs its own.",)
    assert note.mention == (ALICE.id, BOB.id, SAM.id)
    assert "D-2 (v1.4.3) is newer." in [card.deploy.detail for card in world.chat.cards.values()]
    assert (await now(world, older)).status is Status.SUPERSEDED


async def test_nobody_is_told_of_approvals_that_nobody_gave(world: World):
    await planned(world, "production")

    await newer(world)
    await delivered(world)

    (note,) = [note for _, note, _ in world.chat.said if "superseded" in note.text]
    assert (note.lines, note.mention) == ((), (ALICE.id,))


async def test_one_that_never_gets_a_plan_ends_nothing(world: World):
    older = await planned(world, "production")
    world.nomad.trouble = NomadRefused("no such image")

    assert (await newer(world)).status is Status.INVALID

    assert (await now(world, older)).status is Status.WAITING


async def test_one_that_changes_nothing_ends_nothing(world: World):
    older = await planned(world, "production")
    world.nomad.unchanged = True

    assert (await newer(world)).status is Status.UNCHANGED

    assert (await now(world, older)).status is Status.WAITING


@pytest.mark.parametrize("make", [dispatching, rolling], ids=["dispatching", "rolling"])
async def test_what_was_sent_goes_on(world: World, make):
    older = await make(world)

    await newer(world)

    assert (await now(world, older)).status is older.status


async def test_a_new_plan_of_the_newer_one_ends_nothing_that_came_back(world: World):
    """Only the first plan counts: what was on its way then has its turn, and is not ended behind people's backs."""
    older = await dispatching(world)
    later = await newer(world)
    await change(world, replace(older, status=Status.READY))

    await replan(world.ports(), ALICE, later.id, origin=Origin())
    assert await plan_deploy.step(world.ports())

    assert [(await now(world, each)).status for each in (older, later)] == [Status.READY, Status.WAITING]


async def test_a_newer_one_is_never_ended_by_an_older_one(world: World):
    older = await asked(world, environment="production")
    await change(world, replace(older, due_at=world.clock.now() + timedelta(seconds=5)))
    await applied(world)
    later = await newer(world)
    await applied(world, environments=environments("production", supersede=True))
    await change(world, replace(await now(world, older), due_at=world.clock.now()))

    assert await plan_deploy.step(world.ports())

    assert [(await now(world, each)).status for each in (older, later)] == [Status.WAITING, Status.WAITING]


async def test_without_the_key_they_queue(world: World):
    await applied(world)
    older = await planned(world, "production")

    assert (await newer(world)).status is Status.WAITING

    assert (await now(world, older)).status is Status.WAITING


async def test_the_requester_learns_what_will_be_superseded(world: World):
    await ready(world)

    answer = await request(world.ports(), BOB, an_ask(environment="production", version="v1.4.3"), origin=HERE)

    assert isinstance(answer, Requested)
    assert answer.notes == ("When it has its plan, it will supersede D-1 (v1.4.2).",)


async def test_one_that_was_dispatched_meanwhile_goes_on(world: World, monkeypatch: pytest.MonkeyPatch):
    """PostgreSQL shows each statement what is committed by then, so the lock may find more than the list before it."""
    older = await ready(world)
    world.clock.advance(timedelta(seconds=1))
    later = await asked(world, environment="production", version="v1.4.3")
    async with world.store.read() as reading:
        before = await reading.open_deploys("checkout", "production")
    assert await dispatch.step(world.ports())

    async def open_then(*_: object) -> tuple[Deploy, ...]:
        return before

    monkeypatch.setattr(SqlTransaction, "open_deploys", open_then)
    assert await plan_deploy.step(world.ports())

    assert [(await now(world, each)).status for each in (older, later)] == [Status.ROLLING, Status.WAITING]
