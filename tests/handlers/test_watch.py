"""One event stream for each cluster of the active catalog, in step with it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.domain.actor import Operator
from bot.domain.environment import Cluster
from bot.errors import NomadUnavailable
from bot.operations.apply import apply
from bot.ports import JobMoved
from handlers import watch
from handlers.watch import Watcher
from tests.builders import a_catalog, an_environment
from tests.operations.acts import now, rolling
from tests.operations.conftest import bare, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.fakes import World

__all__ = ["bare", "world"]


class Streams:
    """A cluster whose stream says what it is given; every opening is remembered."""

    def __init__(self) -> None:
        self.opened: asyncio.Queue[frozenset[str]] = asyncio.Queue()
        self.closed: asyncio.Queue[frozenset[str]] = asyncio.Queue()
        self.moves: asyncio.Queue[JobMoved | None] = asyncio.Queue()

    async def of_cluster(self, namespaces) -> AsyncIterator[JobMoved]:
        self.opened.put_nowait(frozenset(namespaces))
        try:
            while True:
                move = await self.moves.get()
                if move is None:
                    raise NomadUnavailable("cut")
                yield move
        finally:
            self.closed.put_nowait(frozenset(namespaces))


@pytest.fixture
async def streams(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Streams]:
    monkeypatch.setattr(watch, "LOOK", 0.01)
    monkeypatch.setattr(watch, "GATHER", 0.01)
    monkeypatch.setattr(watch, "_AFTER_TROUBLE", 0.01)
    streams = Streams()
    world.nomad.moves = streams.of_cluster
    watcher = Watcher(world.ports())
    watcher.start()
    async with asyncio.timeout(30):
        yield streams
    await watcher.stop()


async def test_a_move_makes_the_rollout_due(world: World, streams: Streams):
    assert await streams.opened.get() == {"staging", "production"}
    deploy = await rolling(world)
    later = world.clock.advance(seconds=1)

    streams.moves.put_nowait(JobMoved("production", "checkout"))

    while (await now(world, deploy)).due_at != later:  # noqa: ASYNC110 -- the store has no event for this
        await asyncio.sleep(0.01)


async def test_a_stream_that_is_cut_is_opened_again(streams: Streams):
    await streams.opened.get()

    streams.moves.put_nowait(None)

    assert await streams.opened.get() == {"staging", "production"}


async def test_another_catalog_closes_and_opens_streams(world: World, streams: Streams):
    await streams.opened.get()
    other = an_environment("production", cluster="other", namespace="apps")
    clusters = {name: Cluster(name=name, address=f"http://127.0.0.1:1/{name}") for name in ("main", "other")}

    changed = replace(a_catalog(), clusters=clusters, environments={"staging": an_environment(), "production": other})
    await apply(world.ports(), Operator("root"), changed)

    assert {await streams.opened.get(), await streams.opened.get()} == {frozenset({"staging"}), frozenset({"apps"})}
    assert await streams.closed.get() == {"staging", "production"}


async def test_it_waits_for_the_first_catalog(bare: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(watch, "_AFTER_TROUBLE", 0.01)
    streams = Streams()
    bare.nomad.moves = streams.of_cluster
    watcher = Watcher(bare.ports())
    watcher.start()
    await asyncio.sleep(0.05)
    assert streams.opened.empty()

    await apply(bare.ports(), Operator("root"), a_catalog())

    async with asyncio.timeout(30):
        await streams.opened.get()
    await watcher.stop()
