from __future__ import annotations

import asyncio

from store.sql.turn import MOST_FIRST, Turn


class Writers:
    """Tasks that take the turn one after another, in the order in which they got it."""

    def __init__(self) -> None:
        self.turn = Turn()
        self.order: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def queue(self, *names: str, can_wait: bool = False) -> None:
        for name in names:
            self.tasks[name] = asyncio.create_task(self._write(name, can_wait=can_wait))
            await asyncio.sleep(0)

    async def _write(self, name: str, *, can_wait: bool) -> None:
        await self.turn.acquire(can_wait=can_wait)
        self.order.append(name)
        await asyncio.sleep(0)
        self.turn.release()

    async def all(self) -> list[str]:
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        return self.order


async def test_who_can_wait_goes_after_those_who_came_later():
    writers = Writers()
    await writers.turn.acquire()
    await writers.queue("parcel 1", "parcel 2", can_wait=True)
    await writers.queue("click", "dispatch")
    writers.turn.release()

    assert await writers.all() == ["click", "dispatch", "parcel 1", "parcel 2"]


async def test_nobody_waits_for_ever():
    writers = Writers()
    await writers.turn.acquire()
    await writers.queue("parcel", can_wait=True)
    clicks = [f"click {number}" for number in range(MOST_FIRST + 2)]
    await writers.queue(*clicks)
    writers.turn.release()

    assert await writers.all() == [*clicks[:MOST_FIRST], "parcel", *clicks[MOST_FIRST:]]


async def test_who_gives_up_is_passed_over():
    writers = Writers()
    await writers.turn.acquire()
    await writers.queue("one", "two")
    writers.tasks["one"].cancel()
    await asyncio.sleep(0)
    writers.turn.release()

    assert await writers.all() == ["two"]


async def test_who_gives_up_at_the_moment_of_its_turn_passes_it_on():
    writers = Writers()
    await writers.turn.acquire()
    await writers.queue("one", "two")
    writers.turn.release()
    writers.tasks["one"].cancel()

    assert await writers.all() == ["two"]
    await asyncio.wait_for(writers.turn.acquire(), 5)
