"""Offer: draw a deploy's message anew when it has soaked, so that it can be promoted with a click."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.deploy import Status
from bot.domain.message import Delivery, Outgoing
from bot.operations.next_environments import offered_at
from bot.operations.work import held_deploy, work_on

if TYPE_CHECKING:
    from bot.ports import Claim, Ports


async def step(ports: Ports) -> bool:
    """Take the succeeded deploy whose soak is over; whether there was one."""
    return await work_on(ports, Status.SUCCEEDED, _offer)


async def _offer(ports: Ports, claim: Claim) -> None:
    now = ports.clock.now()
    async with ports.store.begin() as tx:
        deploy = await held_deploy(tx, claim)
        catalog = (await tx.active_catalog()).catalog
        await tx.save_deploy(replace(deploy, due_at=offered_at(catalog, deploy, now)))
        await tx.send(Outgoing(kind=Delivery.CARD, deploy_id=deploy.id), now)
    ports.bell.ring()
