"""Nudge: the event stream reports a changed job, so its rollout is observed now and not at the next poll."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.deploy.deploy import Status
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
        places = _places(catalog, cluster, events)
        # most events are about jobs that do not roll out: they must not wait for the write lock
        if not places or not await reading.any_of(_FOLLOWED, places):
            return 0
    async with ports.begin() as tx:
        return await tx.follow_now(_FOLLOWED, places, ports.clock.now())


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
