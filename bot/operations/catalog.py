"""Apply: activate a catalog, and check the open deploys against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.audit.events import Event, EventType
from bot.domain.decision import Reason, Refused
from bot.domain.deploy.promotion import environments_after
from bot.errors import CatalogMissing
from bot.operations.deploys.target import same_place

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.actor import Actor
    from bot.domain.catalog.catalog import Catalog
    from bot.domain.catalog.environment import After
    from bot.domain.deploy.deploy import Deploy
    from bot.ports import Ports
    from bot.ports.store import ActiveCatalog, Transaction


@dataclass(frozen=True, slots=True)
class Applied:
    """The active catalog; ``changed`` is false if it was active before, ``withdrawn`` are the deploys that it ends."""

    active: ActiveCatalog
    changed: bool
    withdrawn: tuple[Deploy, ...] = ()


async def apply(ports: Ports, actor: Actor, catalog: Catalog) -> Applied | Refused:
    """Activate a checked catalog.

    Refused, with the deploys' numbers, if it removes or moves the target of a deploy that is on its way to Nomad.
    Waiting deploys whose target it removes or moves will be withdrawn, and all others checked by the new rules: a
    moment later and a batch at a time (``judge``), so that this transaction is as short with many open deploys.
    """
    now = ports.clock.now()
    async with ports.begin() as tx:
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
        await tx.judge_anew(now)
        # the newest successful ones may be promoted to other environments now (``offer``)
        await tx.offer_anew(_offered_otherwise(before.catalog if before else None, catalog), now)
    return Applied(active, changed=True, withdrawn=tuple(cut))


def _offered_otherwise(before: Catalog | None, after: Catalog) -> list[tuple[str, str]]:
    """The services and environments for which other environments come next now, or come under other rules."""
    return [
        (service, environment)
        for service, each in after.services.items()
        for environment in each.placements
        if before is None or _next(before, service, environment) != _next(after, service, environment)
    ]


def _next(catalog: Catalog, service: str, environment: str) -> dict[str, tuple[After, ...]]:
    return {name: catalog.environments[name].after for name in environments_after(catalog, service, environment)}


async def _active(tx: Transaction) -> ActiveCatalog | None:
    try:
        return await tx.active_catalog()
    except CatalogMissing:
        return None


async def _without_target(tx: Transaction, before: Catalog, after: Catalog) -> list[Deploy]:
    """The open deploys whose target the new catalog removes or moves; none is dispatched before it is in force."""
    cut: list[Deploy] = []
    for service, environment in await tx.open_places():
        if before.placement(service, environment) and not same_place(before, after, service, environment):
            cut += await tx.open_deploys(service, environment)
    return cut


def _on_its_way(deploy: Deploy) -> Reason:
    return Reason(
        "catalog-cuts-deploy",
        f"{deploy.number} ({deploy.service} to {deploy.environment}) is {deploy.status}, and this catalog removes or "
        "moves its target. Apply it after the deploy has ended.",
    )


def _applied(actor: Actor, before: ActiveCatalog | None, after: ActiveCatalog, at: datetime) -> Event:
    data = {"before": before.fingerprint if before else "", "after": after.fingerprint}
    return Event(type=EventType.CATALOG_APPLIED, at=at, actor=actor, catalog=after.fingerprint, data=data)
