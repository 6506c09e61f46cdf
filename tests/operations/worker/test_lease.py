from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.errors import AmbiguousCommit
from bot.operations.outbox.posting import surely
from bot.operations.worker.lease import renewing


class Commit:
    """A write that is under way until its task is cancelled, which then does not know whether it was written."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.times = 0

    async def __call__(self) -> None:
        self.times += 1
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise AmbiguousCommit("cancelled") from None


async def test_work_that_ends_while_its_lease_is_being_renewed_ends():
    renew = Commit()
    async with asyncio.timeout(60):
        async with renewing("a lease", timedelta(milliseconds=3), renew):
            await renew.begun.wait()
    assert renew.times == 1


async def test_a_write_that_is_cancelled_is_not_tried_again(world):
    write = Commit()
    task = asyncio.create_task(surely(world.ports(), write))
    await write.begun.wait()
    task.cancel()
    with pytest.raises(AmbiguousCommit):
        await task
    assert write.times == 1
