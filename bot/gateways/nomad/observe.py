"""Observes a job version that we registered: its evaluations, deployment, allocations and versions."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from bot.domain.deploy.rollout import Observation
from bot.domain.jobdiff.hidden import cleaner
from bot.domain.jobdiff.placement import unplaced
from bot.gateways.nomad.allocations import allocation_state
from bot.gateways.nomad.deployments import nomad_deployment, rolls_back_to
from bot.gateways.nomad.look import job, versions

if TYPE_CHECKING:
    from bot.domain.deploy.plan import Job
    from bot.domain.deploy.rollout import Rollout
    from bot.domain.jobdiff.hidden import Clean
    from bot.domain.jobdiff.redaction import Redactor
    from bot.gateways.nomad.client import Client

_DEFAULT_DEADLINE: Final = timedelta(minutes=10)

Json = dict[str, Any]


async def observe(client: Client, namespace: str, job_id: str, rollout: Rollout, redactor: Redactor) -> Observation:
    """Read the evaluations, deployments, job, versions and allocations, then the evaluations again.

    The order matters, so that a later read never lacks what an earlier one implies: Nomad creates a deployment before
    the evaluation is complete, and creates a revert's version together with the end of the deployment that it reverts.
    The second read of the evaluations shows those that a failed allocation has caused, so that no retry is missed.
    Nomad's texts come without what ``redactor`` hides of any version that Nomad still has.
    """
    before = await _records_of(client, namespace, job_id, "evaluations")
    deployments = await _records_of(client, namespace, job_id, "deployments")
    live = await job(client, namespace, job_id)
    if live is None:
        return Observation(exists=False)
    kept, allocations = await asyncio.gather(
        versions(client, namespace, job_id), _records_of(client, namespace, job_id, "allocations")
    )
    after = await _records_of(client, namespace, job_id, "evaluations")
    clean = cleaner([live, *kept], redactor)
    return _observation(rollout, _Seen(live, kept, deployments, allocations, before, after), clean)


async def _records_of(client: Client, namespace: str, job_id: str, what: str) -> list[Json]:
    reply = await client.get("job", job_id, what, namespace=namespace)
    return reply.records() if reply.ok else []


@dataclass(frozen=True, slots=True)
class _Seen:
    """The answers that one observation is made of; ``before`` and ``after`` are the two reads of the evaluations."""

    live: Job
    kept: list[Job]
    deployments: list[Json]
    allocations: list[Json]
    before: list[Json]
    after: list[Json]


def _observation(rollout: Rollout, seen: _Seen, clean: Clean) -> Observation:
    ours = _our_version(rollout, seen)
    deployment = _our_deployment(rollout, ours, seen)
    return Observation(
        exists=True,
        stopped=bool(seen.live.get("Stop")),
        job_type=str(seen.live.get("Type") or "service"),
        current_version=int(seen.live["Version"]),
        current_index=int(seen.live["JobModifyIndex"]),
        stable=bool(ours and ours.get("Stable")),
        launches=not (seen.live.get("Periodic") or seen.live.get("ParameterizedJob")),
        wanted=_counts_of(ours),
        deployment=nomad_deployment(deployment, clean) if deployment else None,
        deployment_expected=_expects_deployment(ours or seen.live),
        evaluated=_none_pending(seen.before) and _none_pending(seen.after),
        allocations=tuple(
            allocation_state(each, clean) for each in seen.allocations if each["JobVersion"] == rollout.job_version
        ),
        unplaced=tuple(map(clean, _unplaced(seen.after, ours or seen.live))),
        reverted_to=_reverted_to(deployment, rollout, seen),
        progress_deadline=_progress_deadline(ours or seen.live),
    )


def _our_version(rollout: Rollout, seen: _Seen) -> Job | None:
    """The job version that we registered; None if Nomad no longer has it."""
    kept = [seen.live, *seen.kept]
    if rollout.job_modify_index is None:
        return next((each for each in kept if each["Version"] == rollout.job_version), None)
    return next((each for each in kept if each["JobModifyIndex"] == rollout.job_modify_index), None)


def _our_deployment(rollout: Rollout, ours: Job | None, seen: _Seen) -> Json | None:
    """The deployment with our register's index; the job's latest may be another (docs/nomad.md, "Auto-revert")."""
    index = ours["JobModifyIndex"] if ours else rollout.job_modify_index
    return next((each for each in seen.deployments if each["JobSpecModifyIndex"] == index), None)


def _counts_of(ours: Job | None) -> dict[str, int]:
    """The count of each group; empty if the nodes decide it (system jobs), or if Nomad no longer has our version."""
    if ours is None or ours.get("Type") in {"system", "sysbatch"}:
        return {}
    return {group["Name"]: int(group.get("Count") or 0) for group in ours.get("TaskGroups") or ()}


def _expects_deployment(spec: Job) -> bool:
    """Whether Nomad creates a deployment for this kind of job (docs/nomad.md, "Jobs without a deployment")."""
    if spec.get("Type") not in {"service", "system"} or spec.get("Periodic") or spec.get("ParameterizedJob"):
        return False
    groups = spec.get("TaskGroups") or ()
    system = spec.get("Type") == "system"
    return any((system or group.get("Count")) and (group.get("Update") or {}).get("MaxParallel") for group in groups)


def _none_pending(evaluations: list[Json]) -> bool:
    """Whether no evaluation of the job is pending.

    Nomad stores our register's evaluation together with the register, and deletes it some time after it is complete.
    So a missing evaluation proves nothing.
    """
    return all(each["Status"] != "pending" for each in evaluations)


def _unplaced(evaluations: list[Json], spec: Job) -> tuple[str, ...]:
    """The groups that wait for resources, in words. Only blocked evaluations count: older ones may be placed by now."""
    blocked = [each for each in evaluations if each["Status"] == "blocked"]
    failed = {group: metric for each in blocked for group, metric in (each.get("FailedTGAllocs") or {}).items()}
    return tuple(unplaced(group, metric, spec) for group, metric in sorted(failed.items()))


def _reverted_to(deployment: Json | None, rollout: Rollout, seen: _Seen) -> tuple[int, int] | None:
    """The version that Nomad's own revert created: the next after ours, if our deployment says that it rolls back."""
    if deployment is None or rolls_back_to(deployment) is None:
        return None
    after = int(deployment["JobVersion"] if rollout.job_version is None else rollout.job_version) + 1
    found = next((each for each in [seen.live, *seen.kept] if each["Version"] == after), None)
    return (after, int(found["JobModifyIndex"])) if found else None


def _progress_deadline(spec: Job) -> timedelta:
    deadlines = [
        int((group.get("Update") or {}).get("ProgressDeadline") or 0) for group in spec.get("TaskGroups") or ()
    ]
    longest = max(deadlines, default=0)
    return timedelta(microseconds=longest // 1_000) if longest else _DEFAULT_DEADLINE
