"""Expire: end deploys that nobody decided in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.operations.deploys.transitions import expire, is_overdue
from bot.operations.require import require

if TYPE_CHECKING:
    from bot.ports import Ports


async def step(ports: Ports) -> bool:
    """Expire the undecided deploys whose time is over, the first hundred; returns whether there was one."""
    now = ports.clock.now()
    async with ports.store.read() as reading:
        found = await reading.overdue(now)
    for deploy_id in found:
        async with ports.store.begin() as tx:
            deploy = require(await tx.lock_deploy(deploy_id), f"D-{deploy_id}")
            # read again under the lock: it may have been dispatched or planned again meanwhile
            if is_overdue(deploy, now):
                await expire(tx, deploy, now)
    return bool(found)
