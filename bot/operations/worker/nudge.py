"""Nudge: the event stream says that a job changed, so its rollout is looked at now and not at the next poll."""

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


async def nudge(ports: Ports, cluster: str, moves: Collection[JobEvent]) -> int:
    """Make the rollouts of these jobs due; how many there were. Taking the same move twice does no harm."""
    async with ports.store.read() as reading:
        catalog = (await reading.active_catalog()).catalog
        found = [
            deploy.id
            for deploy in await reading.open_deploys()
            if deploy.status in _FOLLOWED and _moved(catalog, cluster, moves, deploy)
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


def _moved(catalog: Catalog, cluster: str, moves: Collection[JobEvent], deploy: Deploy) -> bool:
    namespace = catalog.environments[deploy.environment].namespace
    job = catalog.services[deploy.service].job_id(deploy.environment)
    return cluster_of(catalog, deploy).name == cluster and any(
        (move.namespace, move.job) == (namespace, job) for move in moves
    )
