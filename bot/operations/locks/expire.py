"""Expire: say that a lock has ended whose time is over. What it held is due at that instant by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.audit.events import EventType
from bot.operations.deploys.transitions import EXPIRY
from bot.operations.locks.change import end

if TYPE_CHECKING:
    from bot.ports import Ports


async def step(ports: Ports) -> bool:
    """End the locks whose time is over; returns whether there was one."""
    now = ports.clock.now()
    async with ports.store.read() as reading:
        over = [lock.id for lock in await reading.locks() if not lock.in_force(now)]
    for number in over:
        async with ports.store.begin() as tx:
            await tx.lock_catalog(exclusive=True)
            # read again: somebody may have ended it, or placed another one
            held = {lock.id: lock for lock in await tx.locks()}.get(number)
            if held is not None:
                await end(tx, await tx.active_catalog(), held, EventType.LOCK_EXPIRED, by=EXPIRY, at=now)
    return bool(over)
