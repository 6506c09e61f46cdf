"""One event stream for each cluster of the active catalog, in step with it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.domain.actor import Operator
from bot.domain.catalog.environment import Cluster
from bot.errors import NomadUnavailable, StoreBusy
from bot.operations.catalog import apply
from bot.operations.worker import follow
from bot.ports.nomad import JobEvent
from handlers.watch import Pace, Watcher
from tests.builders import a_catalog, an_environment
from tests.operations.acts import change, now, rolling, rolling_in_staging
from tests.operations.conftest import bare, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from bot.domain.deploy.deploy import Deploy
    from tests.fakes import World

__all__ = ["bare", "world"]
QUICK = Pace(look=0.01, gather=0.01, same=0.1, after_failure=0.01)


class Streams:
    """A cluster whose stream says what it is given; every opening is remembered."""

    def __init__(self) -> None:
        self.opened: asyncio.Queue[frozenset[str]] = asyncio.Queue()
        self.closed: asyncio.Queue[frozenset[str]] = asyncio.Queue()
        self.moves: asyncio.Queue[JobEvent | Exception | None] = asyncio.Queue()

    async def of_cluster(self, namespaces) -> AsyncIterator[JobEvent]:
        self.opened.put_nowait(frozenset(namespaces))
        try:
            while True:
                move = await self.moves.get()
                if move is None:
                    raise NomadUnavailable("cut")
                if isinstance(move, Exception):
                    raise move
                yield move
        finally:
            self.closed.put_nowait(frozenset(namespaces))


async def quiet(world: World, roll: Callable[[World], Awaitable[Deploy]] = rolling) -> Deploy:
    """A rollout that was looked at just now."""
    deploy = await roll(world)
    await change(world, replace(deploy, due_at=world.clock.now() + follow.SLOW_POLL))
    return await now(world, deploy)


@pytest.fixture
async def streams(world: World) -> AsyncIterator[Streams]:
    streams = Streams()
    world.nomad.stream = streams.of_cluster
    watcher = Watcher(world.ports(), QUICK)
    watcher.start()
    async with asyncio.timeout(30):
        yield streams
    await watcher.stop()


async def test_a_move_makes_the_rollout_due(world: World, streams: Streams):
    assert await streams.opened.get() == {"staging", "production"}
    deploy = await quiet(world)
    later = world.clock.advance(seconds=1)

    streams.moves.put_nowait(JobEvent("production", "checkout"))

    while (await now(world, deploy)).due_at != later:  # noqa: ASYNC110 -- the store has no event for this
        await asyncio.sleep(0.01)


async def test_an_event_is_not_lost_while_the_database_is_busy(
    world: World, streams: Streams, caplog: pytest.LogCaptureFixture
):
    await streams.opened.get()
    deploy = await quiet(world)
    later = world.clock.advance(seconds=1)
    world.store.hooks.before("begin", StoreBusy("locked"), StoreBusy("locked"))

    streams.moves.put_nowait(JobEvent("production", "checkout"))

    while (await now(world, deploy)).due_at != later:  # noqa: ASYNC110 -- as above
        await asyncio.sleep(0.01)
    assert "a nudge failed" in caplog.messages


async def test_steady_events_of_a_job_are_one_nudge_for_a_while_and_hold_up_no_other_job(world: World):
    streams, ours, theirs = Streams(), await quiet(world), await quiet(world, rolling_in_staging)
    world.nomad.stream = streams.of_cluster
    watcher = Watcher(world.ports(), replace(QUICK, same=3600))
    watcher.start()
    await streams.opened.get()
    first = world.clock.advance(seconds=1)
    streams.moves.put_nowait(JobEvent("production", "checkout"))
    async with asyncio.timeout(30):
        while (await now(world, ours)).due_at != first:  # noqa: ASYNC110 -- as above
            await asyncio.sleep(0.01)
        second = world.clock.advance(seconds=1)

        streams.moves.put_nowait(JobEvent("production", "checkout"))
        streams.moves.put_nowait(JobEvent("staging", "checkout"))

        while (await now(world, theirs)).due_at != second:  # noqa: ASYNC110 -- as above
            await asyncio.sleep(0.01)
    assert (await now(world, ours)).due_at == first
    await watcher.stop()


async def test_of_steady_events_the_last_one_counts(world: World, streams: Streams):
    await streams.opened.get()
    deploy = await quiet(world)
    for _ in range(3):
        await change(world, replace(await now(world, deploy), due_at=world.clock.now() + follow.SLOW_POLL))
        later = world.clock.advance(seconds=1)
        streams.moves.put_nowait(JobEvent("production", "checkout"))
        while (await now(world, deploy)).due_at != later:  # noqa: ASYNC110 -- as above
            await asyncio.sleep(0.01)


async def test_more_jobs_than_are_remembered_have_every_rollout_looked_at(
    world: World, streams: Streams, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("handlers.watch.MOST", 3)
    await streams.opened.get()
    deploy = await quiet(world)
    later = world.clock.advance(seconds=1)

    # the one that rolls out is among those for which there is no room
    for number in range(4):
        streams.moves.put_nowait(JobEvent("production", f"batch/dispatch-{number}"))
    streams.moves.put_nowait(JobEvent("production", "checkout"))

    while (await now(world, deploy)).due_at != later:  # noqa: ASYNC110 -- as above
        await asyncio.sleep(0.01)


async def test_where_the_stream_broke_or_was_opened_anew_every_rollout_is_looked_at(world: World, streams: Streams):
    await streams.opened.get()
    deploy = await quiet(world)
    for connection in (1, 0, 2):
        await change(world, replace(await now(world, deploy), due_at=world.clock.now() + follow.SLOW_POLL))
        world.nomad.connection = connection
        while (await now(world, deploy)).due_at != world.clock.now():  # noqa: ASYNC110 -- as above
            await asyncio.sleep(0.01)


async def test_a_stream_that_is_cut_is_opened_again(streams: Streams):
    await streams.opened.get()

    streams.moves.put_nowait(None)

    assert await streams.opened.get() == {"staging", "production"}


async def test_a_stream_that_crashes_is_logged_and_opened_again(
    streams: Streams, world: World, caplog: pytest.LogCaptureFixture
):
    await streams.opened.get()

    streams.moves.put_nowait(ZeroDivisionError("odd"))

    assert await streams.opened.get() == {"staging", "production"}
    assert "the event stream crashed" in caplog.messages
    assert "ZeroDivisionError: odd" in caplog.text


@pytest.mark.parametrize(
    ("error", "said"), [(StoreBusy("locked"), "a nudge failed"), (KeyError("odd"), "a nudge crashed")]
)
async def test_a_nudge_that_fails_is_logged_and_not_the_last(
    world: World, streams: Streams, caplog: pytest.LogCaptureFixture, error: Exception, said: str
):
    await streams.opened.get()
    deploy = await quiet(world)
    failed = asyncio.Event()

    async def failing():
        failed.set()
        raise error

    world.store.hooks.before("begin", failing)
    streams.moves.put_nowait(JobEvent("production", "checkout"))
    await failed.wait()
    later = world.clock.advance(seconds=1)

    streams.moves.put_nowait(JobEvent("production", "checkout"))

    while (await now(world, deploy)).due_at != later:  # noqa: ASYNC110 -- the store has no event for this
        await asyncio.sleep(0.01)
    assert said in caplog.messages


async def test_a_look_at_the_catalog_that_breaks_is_told_and_not_the_last(
    world: World, caplog: pytest.LogCaptureFixture
):
    streams = Streams()
    world.nomad.stream = streams.of_cluster
    world.store.hooks.before("read", ZeroDivisionError())
    watcher = Watcher(world.ports(), QUICK)
    watcher.start()

    async with asyncio.timeout(30):
        await streams.opened.get()
    await watcher.stop()
    assert "reading the catalog crashed" in caplog.messages


async def test_clusters_that_the_catalog_no_longer_has_may_be_let_go(world: World, streams: Streams):
    await streams.opened.get()
    assert {cluster.address for cluster in world.clusters} == {"http://127.0.0.1:4646"}
    moved = Cluster(name="main", address="http://127.0.0.1:1")

    await apply(world.ports(), Operator("root"), replace(a_catalog(), clusters={"main": moved}))
    await streams.opened.get()
    while any(cluster != moved for cluster in world.clusters):  # noqa: ASYNC110 -- the watcher has no event for this
        await asyncio.sleep(0.01)


async def test_another_catalog_closes_and_opens_streams(world: World, streams: Streams):
    await streams.opened.get()
    other = an_environment("production", cluster="other", namespace="apps")
    clusters = {name: Cluster(name=name, address=f"http://127.0.0.1:1/{name}") for name in ("main", "other")}

    changed = replace(a_catalog(), clusters=clusters, environments={"staging": an_environment(), "production": other})
    await apply(world.ports(), Operator("root"), changed)

    assert {await streams.opened.get(), await streams.opened.get()} == {frozenset({"staging"}), frozenset({"apps"})}
    assert await streams.closed.get() == {"staging", "production"}


async def test_it_waits_for_the_first_catalog(bare: World):
    streams = Streams()
    bare.nomad.stream = streams.of_cluster
    watcher = Watcher(bare.ports(), QUICK)
    watcher.start()
    await asyncio.sleep(0.05)
    assert streams.opened.empty()

    await apply(bare.ports(), Operator("root"), a_catalog())

    async with asyncio.timeout(30):
        await streams.opened.get()
    await watcher.stop()
