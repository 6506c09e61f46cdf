"""Observes a job version that we registered: its evaluations, deployment, allocations and versions."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from bot.domain.deploy.rollout import Observation, OurVersion, Unplaced, start_of
from bot.domain.jobdiff.hidden import cleaner
from bot.domain.jobdiff.placement import EVERY_NODE, how_many, why_unplaced
from bot.gateways.nomad.look import job, versions
from bot.gateways.nomad.rollouts.allocations import allocation_state
from bot.gateways.nomad.rollouts.deployments import nomad_deployment, rolls_back_to

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
    spec = ours or seen.live
    deployment = _our_deployment(rollout, ours, seen)
    # a purge keeps the evaluations of the job that was there before
    since = int(spec["JobModifyIndex"])
    before, after = ([each for each in one if each["CreateIndex"] >= since] for one in (seen.before, seen.after))
    return Observation(
        exists=True,
        stopped=bool(seen.live.get("Stop")),
        ours=_fate_of_ours(rollout, ours, seen),
        index=int(ours["JobModifyIndex"]) if ours else 0,
        job_type=str(spec.get("Type") or "service"),
        current_version=int(seen.live["Version"]),
        stable=bool(ours and ours.get("Stable")),
        starts=start_of(spec),
        wanted=_counts_of(ours),
        every_node=_groups_for_every_node(ours),
        deployment=nomad_deployment(deployment, clean) if deployment else None,
        deployment_expected=_expects_deployment(spec),
        evaluated=_none_pending(before) and _none_pending(after),
        allocations=tuple(
            allocation_state(each, clean, spec) for each in seen.allocations if _is_ours(each, rollout, seen)
        ),
        unplaced=_unplaced(after, ours, clean) if ours is not None and ours["Version"] == seen.live["Version"] else (),
        reverted_to=_reverted_to(deployment, rollout, seen),
        progress_deadline=_progress_deadline(spec),
    )


def _our_version(rollout: Rollout, seen: _Seen) -> Job | None:
    """The job version that we registered; None if Nomad no longer has it."""
    kept = [seen.live, *seen.kept]
    if rollout.job_modify_index is None:
        return next((each for each in kept if each["Version"] == rollout.job_version), None)
    return next((each for each in kept if each["JobModifyIndex"] == rollout.job_modify_index), None)


def _fate_of_ours(rollout: Rollout, ours: Job | None, seen: _Seen) -> OurVersion:
    """What became of our version, told by the indexes, which only ever grow in one life of Nomad's state."""
    if ours is not None:
        return OurVersion.KEPT
    index, version = rollout.job_modify_index, rollout.job_version
    if index is None or version is None:
        return OurVersion.DROPPED
    if int(seen.live["CreateIndex"]) > index:
        return OurVersion.REMADE
    is_older = int(seen.live["JobModifyIndex"]) < index or int(seen.live["Version"]) < version
    is_anothers = any(each["Version"] == version for each in [seen.live, *seen.kept])
    return OurVersion.UNDONE if is_older or is_anothers else OurVersion.DROPPED


def _is_ours(allocation: Json, rollout: Rollout, seen: _Seen) -> bool:
    """Whether an allocation is of our version, and of this life of the job: a purged job had the same versions."""
    return bool(
        allocation["JobVersion"] == rollout.job_version and allocation["CreateIndex"] > seen.live["CreateIndex"]
    )


def _our_deployment(rollout: Rollout, ours: Job | None, seen: _Seen) -> Json | None:
    """The deployment with our register's index; the job's latest may be another (docs/nomad.md, "Auto-revert")."""
    index = ours["JobModifyIndex"] if ours else rollout.job_modify_index
    return next((each for each in seen.deployments if each["JobSpecModifyIndex"] == index), None)


def _counts_of(ours: Job | None) -> dict[str, int]:
    """The count of each group, but not of those that every fitting node runs; empty if our version is not kept."""
    groups = (ours or {}).get("TaskGroups") or ()
    by_nodes = _groups_for_every_node(ours)
    return {group["Name"]: int(group.get("Count") or 0) for group in groups if group["Name"] not in by_nodes}


def _groups_for_every_node(ours: Job | None) -> frozenset[str]:
    """The groups of a system job that a fitting node runs; a count of 0 switches a group off."""
    if ours is None or ours.get("Type") not in EVERY_NODE:
        return frozenset()
    return frozenset(group["Name"] for group in ours.get("TaskGroups") or () if group.get("Count"))


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


def _unplaced(evaluations: list[Json], spec: Job, clean: Clean) -> tuple[Unplaced, ...]:
    """The groups that Nomad could not place as a whole.

    The newest complete evaluation tells, as older ones may be outdated, and a blocked one, whose groups wait for room.
    """
    done = [each for each in evaluations if each["Status"] == "complete"]
    blocked = [each for each in evaluations if each["Status"] == "blocked"]
    waiting = {group for each in blocked for group in each.get("FailedTGAllocs") or {}}
    failed: dict[str, Any] = {}
    # the blocked evaluation of a system job is of one node, and the complete one that it follows counts them all
    for each in sorted([*sorted(done, key=_changed)[-1:], *blocked], key=_changed):
        failed |= each.get("FailedTGAllocs") or {}
    return tuple(
        Unplaced(
            group=group,
            count=how_many(metric),
            why=clean(why_unplaced(group, metric, spec)),
            waits=group in waiting,
        )
        for group, metric in sorted(failed.items())
    )


def _changed(evaluation: Json) -> int:
    return int(evaluation["ModifyIndex"])


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
