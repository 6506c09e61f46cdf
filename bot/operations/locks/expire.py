"""Expire: say that a lock has ended whose time is over. What it held is due at that instant by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.audit.events import EventType
from bot.operations.deploys.transitions import EXPIRY
from bot.operations.locks.change import end
from bot.ports.claims import CLOCK_TOLERANCE

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.locks import Lock
    from bot.ports import Ports
    from bot.ports.store import Transaction


async def step(ports: Ports) -> bool:
    """End the locks whose time is over; returns whether there was one.

    One that was placed by a clock that ran ahead lasts from now on as long as was asked for.
    """
    now = ports.clock.now()
    async with ports.store.read() as reading:
        found = [lock.id for lock in await reading.locks() if _is_over(lock, now) or _is_astray(lock, now)]
    for number in found:
        async with ports.begin() as tx:
            await tx.lock_catalog(exclusive=True)
            # read again: somebody may have ended it, or placed another one
            held = {lock.id: lock for lock in await tx.locks()}.get(number)
            if held is not None and _is_over(held, now):
                await end(tx, await tx.active_catalog(), held, EventType.LOCK_EXPIRED, by=EXPIRY, at=now)
            elif held is not None and _is_astray(held, now):
                await _put_right(tx, held, now)
    return bool(found)


def _is_over(lock: Lock, now: datetime) -> bool:
    return not lock.in_force(now)


def _is_astray(lock: Lock, now: datetime) -> bool:
    return lock.until is not None and lock.placed_at > now + CLOCK_TOLERANCE


async def _put_right(tx: Transaction, lock: Lock, now: datetime) -> None:
    until = lock.until and now + (lock.until - lock.placed_at)
    await tx.save_lock(replace(lock, placed_at=now, until=until))
    # their messages and due times have the wrong end
    await tx.judge_under(lock.scope, now)
