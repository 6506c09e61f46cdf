"""Nudge: the event stream reports a changed job, so its rollout is observed now and not at the next poll."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.deploy.deploy import Status
from bot.operations.require import require
from bot.operations.worker.follow import FOLLOWED

if TYPE_CHECKING:
    from collections.abc import Collection

    from bot.domain.catalog.catalog import Catalog
    from bot.ports import Ports
    from bot.ports.nomad import JobEvent

_FOLLOWED = frozenset({Status.DISPATCHING, Status.ROLLING})


async def nudge(ports: Ports, cluster: str, events: Collection[JobEvent]) -> int:
    """Make the rollouts of these jobs due; returns how many there were. The same event twice does no harm."""
    async with ports.store.read() as reading:
        catalog = (await reading.active_catalog()).catalog
        # by place, because open deploys may be many and the events of one rollout are frequent
        found = [
            deploy.id
            for service, environment in _places(catalog, cluster, events)
            for deploy in await reading.open_deploys(service, environment)
            if deploy.status in _FOLLOWED
        ]
    now = ports.clock.now()
    for deploy_id in found:
        async with ports.begin() as tx:
            deploy = require(await tx.lock_deploy(deploy_id), f"D-{deploy_id}")
            if deploy.status in _FOLLOWED:
                await tx.save_deploy(replace(deploy, due_at=now))
    return len(found)


async def nudge_all(ports: Ports, lane: str) -> None:
    """Make every rollout in the lane due: its event stream broke or is read anew, and may not have told of a change."""
    async with ports.begin() as tx:
        await tx.follow_anew(FOLLOWED, lane, ports.clock.now())


def _places(catalog: Catalog, cluster: str, events: Collection[JobEvent]) -> list[tuple[str, str]]:
    """The services and environments whose jobs the events of that cluster are about."""
    jobs = {(event.namespace, event.job) for event in events}
    return [
        (service.name, environment)
        for service in catalog.services.values()
        for environment in service.placements
        if catalog.environments[environment].cluster == cluster
        and (catalog.environments[environment].namespace, service.job_id(environment)) in jobs
    ]
