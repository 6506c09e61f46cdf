"""Nudge: the event stream reports a changed job, so its rollout is observed now and not at the next poll."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.deploy.deploy import Status
from bot.operations.deploys.target import cluster_of
from bot.operations.require import require

if TYPE_CHECKING:
    from collections.abc import Collection

    from bot.domain.catalog.catalog import Catalog
    from bot.domain.deploy.deploy import Deploy
    from bot.ports import Ports
    from bot.ports.nomad import JobEvent

_FOLLOWED = frozenset({Status.DISPATCHING, Status.ROLLING})


async def nudge(ports: Ports, cluster: str, events: Collection[JobEvent]) -> int:
    """Make the rollouts of these jobs due; returns how many there were. The same event twice does no harm."""
    async with ports.store.read() as reading:
        catalog = (await reading.active_catalog()).catalog
        found = [
            deploy.id
            for deploy in await reading.open_deploys()
            if deploy.status in _FOLLOWED and _concerns(catalog, cluster, events, deploy)
        ]
    now = ports.clock.now()
    for deploy_id in found:
        async with ports.store.begin() as tx:
            deploy = require(await tx.lock_deploy(deploy_id), f"D-{deploy_id}")
            if deploy.status in _FOLLOWED:
                await tx.save_deploy(replace(deploy, due_at=now))
    if found:
        ports.bell.ring()
    return len(found)


def _concerns(catalog: Catalog, cluster: str, events: Collection[JobEvent], deploy: Deploy) -> bool:
    namespace = catalog.environments[deploy.environment].namespace
    job = catalog.services[deploy.service].job_id(deploy.environment)
    return cluster_of(catalog, deploy).name == cluster and any(
        (event.namespace, event.job) == (namespace, job) for event in events
    )
