"""Expire: end what nobody decided in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.actor import System, human_behind
from bot.domain.audit.events import EventType
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.message import Delivery, Note, Outgoing
from bot.operations.deploys.decide import event_of
from bot.operations.require import kept

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.deploy.deploy import Deploy
    from bot.ports import Ports
    from bot.ports.store import Transaction

EXPIRY = System("expiry")


async def step(ports: Ports) -> bool:
    """Expire every undecided deploy whose time is over; whether there was one."""
    now = ports.clock.now()
    async with ports.store.read() as reading:
        found = [deploy.id for deploy in await reading.open_deploys() if late(deploy, now)]
    for deploy_id in found:
        async with ports.store.begin() as tx:
            deploy = kept(await tx.lock_deploy(deploy_id), f"D-{deploy_id}")
            if late(deploy, now):
                await expire(tx, deploy, now)
    return bool(found)


def late(deploy: Deploy, now: datetime) -> bool:
    """Whether the deploy's time is over while nothing has been sent."""
    return deploy.status.undecided and deploy.expires_at <= now


async def expire(tx: Transaction, deploy: Deploy, now: datetime) -> None:
    """End a locked deploy as expired; its message and its requester are told."""
    waited = "its plan" if deploy.status is Status.PLANNING else "a decision"
    expired = deploy.advance(Status.EXPIRED, now, detail=f"It waited for {waited} until its time was over.")
    await tx.save_deploy(expired)
    await tx.record(event_of(EventType.DEPLOY_EXPIRED, EXPIRY, expired, now, detail=expired.detail, plan=deploy.plan))
    await tx.send(Outgoing(kind=Delivery.CARD, deploy_id=deploy.id, urgent=True), now)
    requester = human_behind(deploy.requester)
    note = Note(text=f"{deploy.number} expired.", mention=(requester,) if requester else ())
    await tx.send(Outgoing(kind=Delivery.THREAD, deploy_id=deploy.id, note=note), now)
