"""The health of this process, for load balancers and monitoring."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.errors import NomadError, NomatronError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.domain.catalog.environment import Cluster
    from bot.ports import Ports
    from bot.ports.store import Ages

REACH = 1.0
"""Seconds that a cluster has to answer, because health checks themselves time out soon."""


@dataclass(frozen=True, slots=True)
class Health:
    """``problems`` are sentences, and make the process unready; ``clusters``, each ``ok`` or a problem, never do."""

    problems: tuple[str, ...]
    clusters: Mapping[str, str]

    @property
    def ready(self) -> bool:
        """Whether the process can accept requests."""
        return not self.problems


async def health(ports: Ports) -> Health:
    """Check the database, the active catalog, Slack's token and every cluster; a lost cluster is only listed."""
    problems = []
    clusters: dict[str, Cluster] = {}
    try:
        async with ports.store.read() as reading:
            clusters = dict((await reading.active_catalog()).catalog.clusters)
    except NomatronError as error:
        problems.append(f"{error.code}: {error}")
    try:
        await ports.directory.standing()
    except NomatronError as error:
        problems.append(f"{error.code}: {error}")
    states = await asyncio.gather(*(_cluster(ports, cluster) for cluster in clusters.values()))
    return Health(tuple(problems), dict(zip(clusters, states, strict=True)))


async def _cluster(ports: Ports, cluster: Cluster) -> str:
    try:
        async with asyncio.timeout(REACH):
            await ports.nomads.of(cluster).reach()
    except TimeoutError:
        return "does not answer"
    except NomadError as error:
        return str(error)
    return "ok"


async def ages(ports: Ports) -> Ages:
    """How long the oldest unplanned, undispatched and unsent item has been waiting."""
    async with ports.store.read() as reading:
        return await reading.ages()
