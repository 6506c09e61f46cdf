"""What every worker's verb shares: take a deploy, hold it for one step, let it go whatever happens."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.actor import System
from bot.domain.events import EventType
from bot.domain.message import Delivery, Outgoing
from bot.errors import StaleFence, StoreError
from bot.operations.judging import event_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import timedelta

    from bot.domain.decision import Reason
    from bot.domain.deploy import Deploy, Status
    from bot.ports import Claim, Ports, Transaction

WORKER = System("worker")
HEARTBEATS = 3
"""How often within a lease it is renewed, so that slow work is not taken for dead (``docs/engine.md``, Claims)."""


async def work_on(ports: Ports, status: Status, work: Callable[[Ports, Claim], Awaitable[None]]) -> bool:
    """Do one step of work on the oldest due deploy in ``status``; whether there was one.

    Losing it to another worker meanwhile ends the step quietly: whatever it wanted to write was refused.
    """
    claim = await ports.store.claim(status, owner=ports.worker, lease=ports.limits.lease, now=ports.clock.now())
    if claim is None:
        return False
    with suppress(StaleFence):
        try:
            async with _beating(ports, claim):
                await work(ports, claim)
        finally:
            await ports.store.release(claim)
    return True


@asynccontextmanager
async def _beating(ports: Ports, claim: Claim) -> AsyncIterator[None]:
    """Renew the lease as long as the block runs."""
    heart = asyncio.create_task(_beat(ports, claim), name=f"lease of D-{claim.deploy_id}")
    try:
        yield
    finally:
        heart.cancel()
        await asyncio.gather(heart, return_exceptions=True)


async def _beat(ports: Ports, claim: Claim) -> None:
    while True:
        await asyncio.sleep(ports.limits.lease.total_seconds() / HEARTBEATS)
        # whoever lost it learns so at the next write; a database that is busy now is asked again at the next beat
        with suppress(StoreError):
            await ports.store.renew(claim, ports.limits.lease)


async def held_deploy(tx: Transaction, claim: Claim) -> Deploy:
    """The claimed deploy, locked, still in the state it was claimed in; ``StaleFence`` where it moved on."""
    deploy = await tx.lock_deploy(claim.deploy_id, claim)
    if deploy is None or deploy.status is not claim.status:
        raise StaleFence(f"D-{claim.deploy_id} is no longer {claim.status}")
    return deploy


async def hold(ports: Ports, claim: Claim, reasons: tuple[Reason, ...], wait: timedelta) -> None:
    """Something holds the deploy: look again after ``wait``; recorded and shown once, not at every look."""
    now = ports.clock.now()
    async with ports.store.begin() as tx:
        deploy = await held_deploy(tx, claim)
        await tx.save_deploy(replace(deploy, blocked=reasons, due_at=now + wait))
        codes = [reason.code for reason in reasons]
        if codes != [reason.code for reason in deploy.blocked]:
            await tx.record(event_of(EventType.DEPLOY_BLOCKED, WORKER, deploy, now, codes=codes))
        if deploy.blocked != reasons:
            await tx.send(Outgoing(kind=Delivery.CARD, deploy_id=deploy.id), now)
