"""Judge: after another catalog came into force, look at every undecided deploy anew, a batch at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bot.domain.deploy.deploy import Status
from bot.errors import TargetGone
from bot.operations.deploys.target import check_target
from bot.operations.deploys.transitions import redraw
from bot.operations.deploys.withdraw import withdraw_unplaced

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.deploy.deploy import Deploy
    from bot.ports import Ports
    from bot.ports.store import ActiveCatalog, Transaction

BATCH: Final = 20
"""How many deploys one transaction judges: the longer it takes, the longer a click has to wait for it."""


async def step(ports: Ports) -> bool:
    """Judge one batch of the deploys that no worker has looked at since; returns whether there was one."""
    async with ports.store.read() as reading:
        if not await reading.any_unjudged():
            return False
    now = ports.clock.now()
    async with ports.begin() as tx:
        await tx.lock_catalog()
        active = await tx.active_catalog()
        for deploy in await tx.take_unjudged(BATCH):
            await _judge(tx, active, deploy, now)
    return True


async def _judge(tx: Transaction, active: ActiveCatalog, deploy: Deploy, now: datetime) -> None:
    """Withdraw the deploy if its target is gone; otherwise show its new seats, and let its lane count them."""
    try:
        await check_target(tx, active.catalog, deploy)
    except TargetGone:
        # one that is on its way by now was checked against this catalog when it was claimed
        if deploy.status.undecided:
            await withdraw_unplaced(tx, deploy, now, active.fingerprint)
        return
    if deploy.status in {Status.WAITING, Status.READY}:
        await tx.save_deploy(replace(deploy, due_at=now))
        await redraw(tx, deploy, now)
