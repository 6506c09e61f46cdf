"""Apply: activate a catalog, and check the open deploys against it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.domain.audit.events import Event, EventType
from bot.domain.decision import Reason, Refused
from bot.domain.deploy.deploy import Status
from bot.errors import CatalogMissing
from bot.operations.deploys.target import same_target
from bot.operations.deploys.transitions import redraw
from bot.operations.deploys.withdraw import withdraw_unplaced
from bot.operations.require import require

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.actor import Actor
    from bot.domain.catalog.catalog import Catalog
    from bot.domain.deploy.deploy import Deploy
    from bot.ports import Ports
    from bot.ports.store import ActiveCatalog, Transaction


@dataclass(frozen=True, slots=True)
class Applied:
    """The active catalog; ``changed`` is false if it was active before, ``withdrawn`` are the deploys that it ended."""

    active: ActiveCatalog
    changed: bool
    withdrawn: tuple[Deploy, ...] = ()


async def apply(ports: Ports, actor: Actor, catalog: Catalog) -> Applied | Refused:
    """Activate a checked catalog.

    Refused, with the deploys' numbers, if it removes or moves the target of a deploy that is on its way to Nomad.
    Waiting deploys whose target it removes or moves are withdrawn; all others are checked by the new rules.
    """
    now = ports.clock.now()
    async with ports.store.begin() as tx:
        await tx.lock_catalog(exclusive=True)
        before = await _active(tx)
        if before is not None and before.fingerprint == catalog.fingerprint:
            return Applied(before, changed=False)
        cut = await _without_target(tx, before.catalog, catalog) if before else []
        moving = [deploy for deploy in cut if not deploy.status.undecided]
        if moving:
            return Refused(tuple(_on_its_way(deploy) for deploy in moving))
        active = await tx.apply_catalog(catalog, now)
        await tx.keep_digests([digest.channel for digest in catalog.digests], now)
        await tx.record(_applied(actor, before, active, now))
        withdrawn = tuple([await withdraw_unplaced(tx, deploy, now, active.fingerprint) for deploy in cut])
        await _recheck_open(tx, now)
        await _recheck_offers(tx, catalog, now)
    ports.bell.ring()
    return Applied(active, changed=True, withdrawn=withdrawn)


async def _active(tx: Transaction) -> ActiveCatalog | None:
    try:
        return await tx.active_catalog()
    except CatalogMissing:
        return None


async def _without_target(tx: Transaction, before: Catalog, after: Catalog) -> list[Deploy]:
    """The open deploys, locked, whose target the new catalog removes or moves."""
    found = [deploy for deploy in await tx.open_deploys() if not same_target(before, after, deploy)]
    locked = [require(await tx.lock_deploy(deploy.id), deploy.number) for deploy in found]
    return [deploy for deploy in locked if deploy.status.open]


def _on_its_way(deploy: Deploy) -> Reason:
    return Reason(
        "catalog-cuts-deploy",
        f"{deploy.number} ({deploy.service} to {deploy.environment}) is {deploy.status}, and this catalog removes or "
        "moves its target. Apply it after the deploy has ended.",
    )


def _applied(actor: Actor, before: ActiveCatalog | None, after: ActiveCatalog, at: datetime) -> Event:
    data = {"before": before.fingerprint if before else "", "after": after.fingerprint}
    return Event(type=EventType.CATALOG_APPLIED, at=at, actor=actor, catalog=after.fingerprint, data=data)


async def _recheck_open(tx: Transaction, now: datetime) -> None:
    """Make waiting and ready deploys due, because other approval rules may apply now."""
    for deploy in await tx.open_deploys():
        locked = require(await tx.lock_deploy(deploy.id), deploy.number)
        if locked.status in {Status.WAITING, Status.READY}:
            await tx.save_deploy(replace(locked, due_at=now))
            await redraw(tx, deploy, now)


async def _recheck_offers(tx: Transaction, catalog: Catalog, now: datetime) -> None:
    """Make the newest successful deploys due, because they may be promoted to other environments now (``offer``)."""
    for service in catalog.services.values():
        for environment in service.placements:
            last = await tx.last_succeeded(service.name, environment)
            locked = await tx.lock_deploy(last.id) if last else None
            if locked is not None:
                await tx.save_deploy(replace(locked, due_at=now))
