"""From a deploy to the job that would be registered: variables, Nomad's own parser, live counts, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.decision import Refused
from bot.domain.plan import same_kind, with_live_counts, without_server_fields
from bot.domain.variables import check_values
from bot.errors import NomadRefused, PlaceGone
from bot.operations.kept import kept

if TYPE_CHECKING:
    from bot.domain.catalog import Catalog
    from bot.domain.deploy import Deploy
    from bot.domain.environment import Cluster, Environment
    from bot.domain.plan import Job
    from bot.domain.release import Release
    from bot.ports import Nomad, Nomads, Reading

AGAIN_KEY = "nomatron_again"
"""The Meta key of a forced redeploy: a changed Meta replaces every allocation (nomad.md trap 9)."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a deploy goes: the gateway, the namespace and Nomad's job id."""

    nomad: Nomad
    namespace: str
    job_id: str
    environment: Environment
    cluster: Cluster


@dataclass(frozen=True, slots=True)
class Rendered:
    """The job to register beside the job as it is (None where there is none)."""

    job: Job
    live: Job | None


def cluster_of(catalog: Catalog, deploy: Deploy) -> Cluster:
    """The cluster of the deploy's environment."""
    return catalog.clusters[catalog.environments[deploy.environment].cluster]


async def catalog_for(reading: Reading, deploy: Deploy) -> Catalog:
    """The active catalog, whose token or CA may have been mended; the deploy's own where that sends it elsewhere."""
    own = kept(await reading.catalog(deploy.catalog), f"the catalog of {deploy.number}")
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
    """Where the catalog sends this deploy; ``PlaceGone`` where it no longer deploys the service there."""
    if catalog.placement(deploy.service, deploy.environment) is None:
        raise PlaceGone(f"{deploy.service} is no longer deployed to {deploy.environment}")
    environment = catalog.environments[deploy.environment]
    cluster = cluster_of(catalog, deploy)
    job_id = catalog.services[deploy.service].job_id(deploy.environment)
    return Target(nomads.of(cluster), environment.namespace, job_id, environment, cluster)


async def render(target: Target, catalog: Catalog, deploy: Deploy, release: Release) -> Rendered:
    """Parse once and freeze: rendering twice is not rendering once (nomad.md trap 16).

    ``NomadRefused`` with the words for an unknown or missing variable, a jobspec that Nomad refuses, or a job whose
    kind register would refuse to change. Raises ``NomadUnavailable`` and ``NomadForbidden`` as they come.
    """
    values = catalog.variables_for(
        deploy.service, deploy.environment, deploy.version, deploy.overrides, release.declared
    )
    fit = check_values(catalog, release, deploy.environment, deploy.overrides)
    if isinstance(fit, Refused):
        raise NomadRefused(*(reason.text for reason in fit.reasons))
    parsed = await target.nomad.parse(release.template, values, target.namespace)
    live = await target.nomad.job(target.namespace, target.job_id)
    job = with_live_counts(_placed(without_server_fields(parsed), target, deploy), live)
    problems = same_kind(job, live)
    if problems:
        raise NomadRefused(*problems)
    return Rendered(job, live)


def _placed(job: Job, target: Target, deploy: Deploy) -> Job:
    """The parsed job under the catalog's id, namespace and region, with the nonce of a forced redeploy."""
    placed = {**job, "ID": target.job_id, "Name": target.job_id, "Namespace": target.namespace}
    if target.cluster.region:
        placed["Region"] = target.cluster.region
    if deploy.nonce:
        placed["Meta"] = {**(job.get("Meta") or {}), AGAIN_KEY: deploy.nonce}
    return placed


def index_of(live: Job | None) -> int:
    """The check-and-set base: the job's JobModifyIndex, 0 where it must not exist."""
    return int(live["JobModifyIndex"]) if live else 0


def version_of(live: Job | None) -> int | None:
    """The job version that would be replaced."""
    return int(live["Version"]) if live else None
