"""Somebody else holds the lock right after Slack has answered: what was posted is posted once, and is not in doubt."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.domain.actor import Operator
from bot.domain.deploy.message import MAY_BE_SECOND
from bot.operations.catalog import apply
from bot.ports import Limits
from store.tables import outbox
from tests.builders import a_catalog
from tests.clocks import FixedClock
from tests.fakes import HookedStore, World
from tests.operations.acts import delivered, planned


@pytest.fixture
async def world(one):
    """A process on the database, with a catalog in force."""
    limits = Limits(lease=timedelta(seconds=60), write_timeout=timedelta(seconds=20))
    made = World(store=HookedStore(one), clock=FixedClock(), limits=limits)
    await apply(made.ports(), Operator("root"), a_catalog())
    return made


async def is_placed(world):
    async with world.store.read() as reading:
        posted = await reading.posted(1)
    return bool(posted and posted.ts)


async def is_begun(world):
    """Whether the reply's parcel is still in the outbox, marked as begun."""
    async with world.store.read() as reading:
        return [bool(row.begun) for row in await reading._rows(select(outbox.c.begun))] == [True]


@pytest.mark.parametrize(
    ("call", "write", "look", "stands"),
    [("post_card", "begin", is_placed, False), ("reply", "parcel_done", is_begun, True)],
)
async def test_what_was_posted_while_another_process_holds_the_lock_is_posted_once(
    world, two, call, write, look, stands
):
    """The other process holds SQLite's lock, or PostgreSQL's lock of the row, until our write was refused."""
    found = []
    await planned(world, "production")
    async with AsyncExitStack() as stack:

        async def hold():
            tx = await stack.enter_async_context(two.begin())
            # on SQLite every writer locks everything
            await tx._run(select(outbox.c.id).with_for_update())
            # the first write meets the lock; when the second one is tried, it is clear that the first was refused
            world.store.hooks.before(write, None, let_go)

        async def let_go():
            found.append(await look(world))
            await stack.aclose()

        world.chat.hooks.after(call, hold)
        await delivered(world)

    assert found == [stands]
    (card,) = world.chat.cards.values()
    assert not card.twice
    (reply,) = [note for kind, note, _ in world.chat.said if kind == "reply"]
    assert MAY_BE_SECOND not in reply.lines
