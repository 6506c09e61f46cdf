"""Offer: watch a release that soaks; when it may be promoted, redraw its message, or promote it automatically."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.deploy.deploy import Status
from bot.domain.deploy.message import Delivery, Outgoing
from bot.operations.automatic import choose, promote
from bot.operations.deploys.decide import lock_claimed
from bot.operations.deploys.promotable import next_environments, watch_soak
from bot.operations.worker.claim import Work

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.deploy.deploy import Deploy
    from bot.ports import Ports
    from bot.ports.claims import Claim
    from bot.ports.store import Transaction

LOOK_WITHIN = timedelta(days=1)
"""How long a deploy is not looked at, however long its release may be promoted."""


async def step(ports: Ports) -> bool:
    """Check whether the succeeded deploy that is due may be promoted; that changes with time and other deploys."""
    return await WORK.once(ports)


async def _offer(ports: Ports, claim: Claim) -> None:
    await watch_soak(ports, claim.deploy_id)
    now = ports.clock.now()
    async with ports.begin() as tx:
        deploy = await _no_later_than(tx, await lock_claimed(tx, claim), now)
        catalog = (await tx.active_catalog()).catalog
        found = await next_environments(tx, catalog, deploy, now)
        look_at = found.look_at and min(found.look_at, now + LOOK_WITHIN)
        before, (deploy, automatic) = deploy, await choose(tx, catalog, deploy, found.environments, now)
        await tx.save_deploy(replace(deploy, due_at=look_at, offers=found.environments))
        if found.environments != before.offers:
            await tx.send(Outgoing(kind=Delivery.CARD, deploy_id=deploy.id), now)
    for environment in automatic:
        await promote(ports, claim, deploy, environment)


async def _no_later_than(tx: Transaction, deploy: Deploy, now: datetime) -> Deploy:
    """The deploy, succeeded now if a clock that was wrong then says later: it must not soak until that has come."""
    if deploy.changed_at <= now:
        return deploy
    for rollout in await tx.rollouts(deploy.id):
        await tx.save_rollout(replace(rollout, started_at=min(rollout.started_at, now)))
    landed = replace(deploy, landed_at=deploy.landed_at and min(deploy.landed_at, now))
    # what took its place meanwhile came after it: numbers tell that, where instants do not
    known = replace(landed, changed_at=min(await tx.next_landing(landed) or now, now))
    await tx.save_deploy(known)
    return known


WORK = Work(frozenset({Status.SUCCEEDED}), _offer, within=LOOK_WITHIN)
