"""Where the catalog sends a deploy: the cluster, the namespace, the job; and the job as it is there now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.deploy.plan import BaseChange
from bot.errors import TargetGone
from bot.operations.require import require

if TYPE_CHECKING:
    from bot.domain.catalog.catalog import Catalog
    from bot.domain.catalog.environment import Cluster, Environment
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.plan import Job
    from bot.ports import Ports
    from bot.ports.nomad import Nomad, Nomads
    from bot.ports.store import Reading


@dataclass(frozen=True, slots=True)
class Target:
    """Where a deploy goes: the cluster's gateway, the namespace and Nomad's job id."""

    nomad: Nomad
    namespace: str
    job_id: str
    environment: Environment
    cluster: Cluster


def cluster_of(catalog: Catalog, deploy: Deploy) -> Cluster:
    """The cluster of the deploy's environment."""
    return catalog.clusters[catalog.environments[deploy.environment].cluster]


async def catalog_for(reading: Reading, deploy: Deploy) -> Catalog:
    """The active catalog, whose token or CA may be newer; the deploy's own if the active one sends it elsewhere."""
    own = require(await reading.catalog(deploy.catalog), f"the catalog of {deploy.number}")
    active = (await reading.active_catalog()).catalog
    return active if same_target(own, active, deploy) else own


def same_target(before: Catalog, after: Catalog, deploy: Deploy) -> bool:
    """Whether the deploy's cluster, namespace and job are in one catalog what they are in the other."""
    if after.placement(deploy.service, deploy.environment) is None:
        return False
    return _place(before, deploy) == _place(after, deploy)


def _place(catalog: Catalog, deploy: Deploy) -> tuple[str, str | None, str, str]:
    cluster = cluster_of(catalog, deploy)
    job_id = catalog.services[deploy.service].job_id(deploy.environment)
    return cluster.address, cluster.region, catalog.environments[deploy.environment].namespace, job_id


def target_of(nomads: Nomads, catalog: Catalog, deploy: Deploy) -> Target:
    """Where the catalog sends this deploy; ``TargetGone`` if it no longer deploys the service there."""
    if catalog.placement(deploy.service, deploy.environment) is None:
        raise TargetGone(f"{deploy.service} is no longer deployed to {deploy.environment}")
    environment = catalog.environments[deploy.environment]
    cluster = cluster_of(catalog, deploy)
    job_id = catalog.services[deploy.service].job_id(deploy.environment)
    return Target(nomads.of(cluster), environment.namespace, job_id, environment, cluster)


def index_of(live: Job | None) -> int:
    """The check-and-set base: the job's JobModifyIndex, 0 where it must not exist."""
    return int(live["JobModifyIndex"]) if live else 0


def version_of(live: Job | None) -> int | None:
    """The job version that would be replaced."""
    return int(live["Version"]) if live else None


async def base_change(ports: Ports, deploy_id: int) -> BaseChange | None:
    """How the job on Nomad differs from the one that the deploy's plan was made against; None if it does not.

    Told by its JobModifyIndex. Raises ``NomadUnavailable`` and ``NomadForbidden``: a read that fails decides nothing.
    """
    async with ports.store.read() as reading:
        deploy = require(await reading.deploy(deploy_id), f"D-{deploy_id}")
        plan = require(await reading.plan(deploy.id, deploy.plan), f"plan {deploy.plan} of {deploy.number}")
        active = await reading.active_catalog()
    target = target_of(ports.nomads, active.catalog, deploy)
    live = await target.nomad.job(target.namespace, target.job_id)
    return None if index_of(live) == plan.base_index else BaseChange(plan.base_version, version_of(live))
