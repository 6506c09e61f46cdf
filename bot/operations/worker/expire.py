"""Expire: end deploys that nobody decided in time, however far a wrong clock had put that time off."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.errors import CatalogMissing
from bot.operations.deploys.transitions import expire, is_overdue, redraw
from bot.operations.require import require
from bot.ports.claims import CLOCK_TOLERANCE

if TYPE_CHECKING:
    from bot.ports import Ports


async def step(ports: Ports) -> bool:
    """Expire the undecided deploys whose time is over, the first hundred; returns whether there was one.

    One that would wait for longer than its environment's rule from now on waits as long as the rule.
    """
    now = ports.clock.now()
    async with ports.store.read() as reading:
        try:
            catalog = (await reading.active_catalog()).catalog
        except CatalogMissing:
            # without a catalog nobody can have requested a deploy
            return False
        latest = {name: now + each.expires for name, each in catalog.environments.items()}
        found = await reading.overdue(now, {name: at + CLOCK_TOLERANCE for name, at in latest.items()})
    for deploy_id in found:
        async with ports.begin() as tx:
            deploy = require(await tx.lock_deploy(deploy_id), f"D-{deploy_id}")
            # its own time is the rule where the catalog no longer has its environment
            rule = latest.get(deploy.environment, deploy.expires_at)
            # read again under the lock: it may have been dispatched or planned again meanwhile
            if is_overdue(deploy, now):
                await expire(tx, deploy, now)
            elif deploy.status.undecided and deploy.expires_at > rule + CLOCK_TOLERANCE:
                await tx.save_deploy(replace(deploy, expires_at=rule))
                await redraw(tx, deploy, now)
    return bool(found)
