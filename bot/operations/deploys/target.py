"""A deploy's target in the catalog (cluster, namespace, job), and whether the job there has changed since."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.domain.actor import System
from bot.domain.audit.events import EventType, event_of
from bot.domain.deploy.base import facts_of, first_break, trace
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.plan import BaseChange, Deviation, JobState, state_of
from bot.domain.deploy.promotion import Asked, deviated_at
from bot.domain.deploy.rollout import Start, start_of
from bot.domain.deploy.sentences import instead
from bot.errors import NomadForbidden, NomadUnavailable, StoreError, TargetGone
from bot.operations.require import require

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from bot.domain.catalog.catalog import Catalog
    from bot.domain.catalog.environment import Cluster, Environment
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.plan import Base, Job
    from bot.domain.deploy.promotion import Run
    from bot.ports import Ports
    from bot.ports.nomad import Nomad, Nomads
    from bot.ports.store import Reading

WATCH = System("watch")
_REGISTERING = frozenset({Status.DISPATCHING, Status.ROLLING})
"""States of a deploy that may have made a job version which the database does not know yet."""


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


def refuse_to_guess(base: Base, others: Sequence[Deploy]) -> None:
    """Raise ``NomadUnavailable`` if one of these deploys may have made the live version, which nobody else explains."""
    # its version is recorded after Nomad has it, and Nomad's own revert of it when the worker next looks
    running = [other for other in others if other.status in _REGISTERING]
    if base.job_version is not None and not base.is_ours and running:
        number = running[0].number
        raise NomadUnavailable(f"job version {base.job_version} may come from {number}, which has not ended")


async def base_change(ports: Ports, deploy_id: int) -> BaseChange | None:
    """How the job in Nomad changed since the deploy was planned; None if it did not.

    Nomad is not asked if its event stream has been read ever since, and has told nothing of the job.
    Raises ``NomadUnavailable`` and ``NomadForbidden``.
    """
    async with ports.store.read() as reading:
        deploy = require(await reading.deploy(deploy_id), f"D-{deploy_id}")
        plan = require(await reading.plan(deploy.id, deploy.plan), f"plan {deploy.plan} of {deploy.number}")
        active = await reading.active_catalog()
        await check_target(reading, active.catalog, deploy)
    target = target_of(ports.nomads, active.catalog, deploy)
    # of what the stream has not told yet, check-and-set at the register knows
    if timedelta(0) <= ports.clock.now() - plan.at < target.nomad.quiet(target.namespace, target.job_id):
        return None
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


class _NoLongerKept(Exception):
    """The job to compare with is too old to be stored."""


async def still_runs(ports: Ports, catalog: Catalog, proofs: Sequence[Run]) -> Asked:
    """Which of these proofs, oldest first and all of one job, have a version that Nomad runs without a break since.

    What ended the run of the others is recorded, once.
    """
    async with ports.store.read() as reading:
        deploy = require(await reading.deploy(proofs[-1].deploy_id), f"D-{proofs[-1].deploy_id}")
        own = require(await reading.catalog(deploy.catalog), f"the catalog of {deploy.number}")
    if not same_target(own, catalog, deploy):
        place = f"{deploy.service} in {deploy.environment}"
        text = f"The catalog now deploys {place} to another cluster, namespace or job than {deploy.number}."
        return Asked(gone=text)
    try:
        # a cluster that hangs must not hold up the lane of another one, nor the person who waits
        async with asyncio.timeout(ports.limits.ask.total_seconds()):
            ended = await _compare(ports, target_of(ports.nomads, catalog, deploy), deploy, proofs)
    except TimeoutError:
        return Asked(unknown="Nomad did not answer in time. Try again in a minute.")
    except (NomadUnavailable, NomadForbidden) as error:
        return Asked(unknown=f"Nomad: {error}")
    except _NoLongerKept as gone:
        return Asked(gone=str(gone))
    if ended is None:
        return Asked(gone=f"The batch job of {deploy.number} has finished, and Nomad no longer has it.")
    if ended:
        try:
            await _record(ports, ended)
        except StoreError:
            # the record decides; whoever asks must not take its failure for a failure of what they asked for
            return Asked(unknown="It seems not to, but that could not be recorded. Try again in a minute.")
    return Asked(frozenset(run.deploy_id for run in proofs if run.deploy_id not in ended))


async def _compare(ports: Ports, target: Target, deploy: Deploy, proofs: Sequence[Run]) -> dict[int, Deviation] | None:
    """What ended the run of each proof's version, for those that do not run any more.

    None for a batch job that Nomad has collected, as it does some time after the end: that is no deviation.
    """
    live = await target.nomad.job(target.namespace, target.job_id)
    found = index_of(live), version_of(live)
    if all(found == (run.job_modify_index, run.job_version) for run in proofs):
        return {}
    # only Nomad's older versions tell a scaling step from a change
    kept = await target.nomad.versions(target.namespace, target.job_id) if live else ()
    async with ports.store.read() as reading:
        plan = require(await reading.plan(deploy.id, deploy.plan), f"the plan of {deploy.number}")
        created = int(live.get("CreateIndex") or 0) if live else 0
        made = await reading.versions_made(deploy.service, deploy.environment, created)
        others = await reading.open_deploys(deploy.service, deploy.environment)
    if not plan.is_kept:
        raise _NoLongerKept(f"What {deploy.number} registered is no longer kept.")
    job = json.loads(plan.job)
    if live is None and job.get("Type") in {"batch", "sysbatch"} and start_of(job) is Start.REGISTER:
        return None
    same = live is not None and target.nomad.is_registered_as(job, live)
    ended: dict[int, datetime] = {}
    seen_at = ports.clock.now()
    for run in reversed(proofs):
        broke = first_break(live, kept, run.job_version, run.job_modify_index or 0, same=same)
        if broke is None:
            # what broke an earlier one was over when this one found the job running
            seen_at = run.changed_at
        else:
            ended[run.deploy_id] = deviated_at(run, broke.at, seen_at)
    base = trace(live, kept, made).base
    if ended:
        refuse_to_guess(base, others)
    return {number: Deviation(at=at, base=base) for number, at in ended.items()}


async def _record(ports: Ports, found: Mapping[int, Deviation]) -> None:
    """Keep the first deviation of each deploy, whatever the job does later."""
    now = ports.clock.now()
    async with ports.begin() as tx:
        for number, deviation in sorted(found.items()):
            deploy = require(await tx.lock_deploy(number), f"D-{number}")
            if deploy.deviation is not None:
                continue
            # its message may offer a promotion that is no longer open
            due_at = now if deploy.status is Status.SUCCEEDED else deploy.due_at
            await tx.save_deploy(replace(deploy, deviation=deviation, due_at=due_at))
            data: dict[str, Any] = {"base": facts_of(deviation.base), "since": deviation.at}
            data["detail"] = instead(deviation.base, deploy.release_name)
            await tx.record(event_of(EventType.DEPLOY_DEVIATED, WATCH, deploy, now, deploy.catalog, **data))
