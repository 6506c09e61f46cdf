"""A deploy's target in the catalog (cluster, namespace, job), and whether the job there has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.deploy.plan import BaseChange, JobState, state_of
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
    """Where a deploy goes: the cluster's gateway, the namespace, Nomad's job id, and the values that may be shown."""

    nomad: Nomad
    namespace: str
    job_id: str
    environment: Environment
    cluster: Cluster
    show: frozenset[str]


def cluster_of(catalog: Catalog, deploy: Deploy) -> Cluster:
    """The cluster of the deploy's environment."""
    return catalog.clusters[catalog.environments[deploy.environment].cluster]


def lane_of(catalog: Catalog, environment: str) -> str:
    """The lane of deploys to that environment. A catalog that would change it withdraws or stops at the open ones."""
    return catalog.clusters[catalog.environments[environment].cluster].lane


async def catalog_for(reading: Reading, deploy: Deploy) -> Catalog:
    """The active catalog if it has the same target for the deploy; otherwise the catalog of the deploy's plan."""
    # the active one first: a rollout has to be followed after a token or CA was replaced, too
    own = require(await reading.catalog(deploy.catalog), f"the catalog of {deploy.number}")
    active = (await reading.active_catalog()).catalog
    return active if same_target(own, active, deploy) else own


def same_target(before: Catalog, after: Catalog, deploy: Deploy) -> bool:
    """Whether both catalogs give the deploy the same cluster, namespace and job."""
    return same_place(before, after, deploy.service, deploy.environment)


def same_place(before: Catalog, after: Catalog, service: str, environment: str) -> bool:
    """Whether both catalogs give the service in that environment the same cluster, namespace and job."""
    if after.placement(service, environment) is None:
        return False
    return _address(before, service, environment) == _address(after, service, environment)


def _address(catalog: Catalog, service: str, environment: str) -> tuple[str, str, str]:
    return (
        lane_of(catalog, environment),
        catalog.environments[environment].namespace,
        (catalog.services[service].job_id(environment)),
    )


async def check_target(reading: Reading, active: Catalog, deploy: Deploy) -> None:
    """Raise ``TargetGone`` if the active catalog sends the deploy nowhere, or elsewhere than the one it came from.

    Such a deploy is withdrawn, a moment after the catalog came into force.
    """
    if active.placement(deploy.service, deploy.environment) is None:
        raise TargetGone(f"{deploy.service} is no longer deployed to {deploy.environment}")
    if deploy.status.undecided:
        own = require(await reading.catalog(deploy.catalog), f"the catalog of {deploy.number}")
        if not same_target(own, active, deploy):
            raise TargetGone(f"{deploy.service} in {deploy.environment} is deployed somewhere else now")


def target_of(nomads: Nomads, catalog: Catalog, deploy: Deploy) -> Target:
    """The deploy's target in a catalog that deploys the service there (``check_target``, ``catalog_for``)."""
    environment = catalog.environments[deploy.environment]
    cluster = cluster_of(catalog, deploy)
    service = catalog.services[deploy.service]
    job_id = service.job_id(deploy.environment)
    return Target(nomads.of(cluster), environment.namespace, job_id, environment, cluster, service.show)


def index_of(live: Job | None) -> int:
    """The base of check-and-set: the job's JobModifyIndex, 0 if the job must not exist."""
    return int(live["JobModifyIndex"]) if live else 0


def version_of(live: Job | None) -> int | None:
    """The job version that would be replaced; None if there is no job."""
    return int(live["Version"]) if live else None


async def base_change(ports: Ports, deploy_id: int) -> BaseChange | None:
    """How the job in Nomad changed since the deploy was planned; None if it did not.

    Raises ``NomadUnavailable`` and ``NomadForbidden``.
    """
    async with ports.store.read() as reading:
        deploy = require(await reading.deploy(deploy_id), f"D-{deploy_id}")
        plan = require(await reading.plan(deploy.id, deploy.plan), f"plan {deploy.plan} of {deploy.number}")
        active = await reading.active_catalog()
        await check_target(reading, active.catalog, deploy)
    target = target_of(ports.nomads, active.catalog, deploy)
    live = await target.nomad.job(target.namespace, target.job_id)
    # by JobModifyIndex, because check-and-set compares that one (docs/nomad.md, "Check-and-set"); a stop moves it too
    if index_of(live) == plan.base_index:
        return None
    async with ports.store.read() as reading:
        made = await reading.versions_made(deploy.service, deploy.environment, index_of(live), limit=1)
    ours = next((each for each in made if each.job_modify_index == index_of(live)), None)
    return BaseChange(
        plan.base_version,
        version_of(live),
        stopped=state_of(live) is JobState.STOPPED and not (plan.base and plan.base.state is JobState.STOPPED),
        deploy=ours.deploy_id if ours else None,
        version=ours.version if ours else None,
    )
