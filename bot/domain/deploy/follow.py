"""Follow a rollout: its new state, computed from each observation of Nomad (docs/nomad.md, "Rollouts")."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.deploy.rollout import (
    AllocationState,
    GroupHealth,
    Observation,
    Rollout,
    RolloutKind,
    RolloutStatus,
    TaskFailure,
)
from bot.domain.multierror import one_line

PATIENCE = timedelta(minutes=10)
"""How long after Nomad's progress deadline a rollout without any change is called stuck."""

_ONE_SHOT = frozenset({"batch", "sysbatch"})
_ON_EVERY_NODE = frozenset({"system", "sysbatch"})
NOWHERE = "it runs on no node: no ready node matches its datacenters, node pool and constraints"
"""Why a job for every node has failed that no node takes: Nomad itself calls that a success."""


def judge(rollout: Rollout, seen: Observation, now: datetime) -> tuple[Rollout, ...]:
    """The rollout as it is now, and a second rollout if Nomad started a revert by itself.

    It ends if *our* Nomad deployment ended, or the job if it has no deployment; never because of time alone. The second
    rollout has the next number and kind REVERT, and this function follows it to its own end. A rollout that has ended
    is returned unchanged.
    """
    if rollout.status is not RolloutStatus.RUNNING:
        return (rollout,)
    current = _with_counters(rollout, seen, now)
    # the deployment first: Nomad's own verdict stands even if somebody stopped or replaced the job right after it
    ended = _by_deployment(current, seen, now) or _by_job(current, seen, now) or _by_allocations(current, seen, now)
    if ended is None:
        return (_still_running(current, seen, now),)
    revert = _revert(ended, seen, now)
    return (ended,) if revert is None else (ended, revert)


def _with_counters(rollout: Rollout, seen: Observation, now: datetime) -> Rollout:
    """The rollout with the newest counters; ``changed_at`` only changes with them, because *stuck* is told by it."""
    deployment = seen.deployment
    current = replace(
        rollout,
        groups=_groups(rollout, seen),
        nomad_deployment=deployment.id if deployment else rollout.nomad_deployment,
        # the first failure explains the rest: keep it
        failure=rollout.failure or _first_failure(seen.allocations),
    )
    return current if current == rollout else replace(current, changed_at=now)


def _groups(rollout: Rollout, seen: Observation) -> tuple[GroupHealth, ...]:
    """The newest counters; none for a job that starts later: its children run, never itself."""
    if seen.exists and not seen.launches:
        return ()
    return seen.deployment.groups if seen.deployment else _counters(seen) or rollout.groups


def _runs_nowhere(rollout: Rollout, seen: Observation) -> bool:
    """Whether a job for every node has been evaluated and no node takes it, and none ever did."""
    placed = bool(_standing(seen) or rollout.healthy or seen.unplaced)
    return seen.exists and seen.evaluated and seen.job_type in _ON_EVERY_NODE and not placed


def _first_failure(allocations: Iterable[AllocationState]) -> TaskFailure | None:
    return next((each.failure for each in allocations if each.failure is not None), None)


def _counters(seen: Observation) -> tuple[GroupHealth, ...]:
    """Counters of a job without a deployment; healthy means running, or complete for a job that runs only once."""
    names = sorted({*seen.wanted, *(each.group for each in seen.allocations)})
    good = "complete" if seen.job_type in _ONE_SHOT else "running"
    placed = Counter(each.group for each in _standing(seen))
    healthy = Counter(each.group for each in _standing(seen) if each.client_status == good)
    failed = Counter(each.group for each in _standing(seen) if each.client_status in {"failed", "lost"})
    return tuple(
        GroupHealth(
            name=name,
            desired=seen.wanted.get(name, placed[name]),
            placed=placed[name],
            healthy=healthy[name],
            unhealthy=failed[name],
        )
        for name in names
    )


def _standing(seen: Observation) -> list[AllocationState]:
    """The allocations that count: neither replaced nor stopped on purpose (Nomad calls a killed one ``complete``)."""
    return [each for each in seen.allocations if not each.replaced and each.desired_status == "run"]


def _by_deployment(rollout: Rollout, seen: Observation, now: datetime) -> Rollout | None:
    """The rollout as ended, if our Nomad deployment has ended, or had before Nomad deleted it; None otherwise."""
    deployment = seen.deployment
    if deployment is None:
        return _without_deployment(rollout, seen, now)
    said = one_line(deployment.description)
    if deployment.status == "successful" and _runs_nowhere(rollout, seen):
        return _end(rollout, RolloutStatus.FAILED, NOWHERE, now)
    if deployment.status == "successful":
        return _end(rollout, RolloutStatus.SUCCEEDED, said, now)
    if deployment.status == "failed":
        reverted_as = seen.reverted_to[0] if seen.reverted_to else None
        ended = _failed_by_task(rollout, said, now)
        return replace(ended, reverted_to=deployment.rolls_back_to, reverted_as=reverted_as)
    if deployment.status == "cancelled":
        status = RolloutStatus.FAILED if deployment.job_stopped else RolloutStatus.SUPERSEDED
        return _end(rollout, status, said, now)
    return None


def _without_deployment(rollout: Rollout, seen: Observation, now: datetime) -> Rollout | None:
    """Succeeded if the version is marked stable, which Nomad does when its deployment succeeds; None otherwise."""
    # the version of a revert is marked from the start, so there the mark proves nothing
    known = bool(rollout.nomad_deployment) or rollout.kind is RolloutKind.DEPLOY
    if seen.stable and known and seen.deployment_expected:
        detail = f"Nomad marks version {rollout.job_version} as stable, and has already deleted its deployment"
        return _end(rollout, RolloutStatus.SUCCEEDED, detail, now)
    return None


def _by_job(rollout: Rollout, seen: Observation, now: datetime) -> Rollout | None:
    """The rollout as ended, if the job is gone, stopped or replaced and our version had not finished before."""
    if not seen.exists:
        return _end(rollout, RolloutStatus.FAILED, "the job is gone: somebody purged it", now)
    if _had_finished(seen):
        return None
    if seen.stopped:
        return _end(rollout, RolloutStatus.FAILED, "the job was stopped", now)
    if rollout.job_version is None:
        detail = f"Nomad registered it but no longer keeps its version; version {seen.current_version} runs now"
        return _end(rollout, RolloutStatus.SUPERSEDED, detail, now)
    # Nomad itself cancels a deployment that still runs, and gives the reason in its description: wait for that
    if seen.current_version > rollout.job_version and seen.deployment is None:
        detail = f"version {seen.current_version} replaced it before it had finished"
        return _end(rollout, RolloutStatus.SUPERSEDED, detail, now)
    if rollout.nomad_deployment and seen.deployment is None:
        detail = f"Nomad has deleted its deployment, and version {rollout.job_version} is not marked as stable"
        return _end(rollout, RolloutStatus.FAILED, detail, now)
    return None


def _had_finished(seen: Observation) -> bool:
    """Whether our version has finished for certain, whatever happened to the job later."""
    if not seen.launches:
        return True
    complete = sum(1 for each in _standing(seen) if each.client_status == "complete")
    return seen.job_type in _ONE_SHOT and bool(seen.wanted) and complete >= sum(seen.wanted.values())


def _by_allocations(rollout: Rollout, seen: Observation, now: datetime) -> Rollout | None:
    """The rollout as ended, for a job without a deployment (docs/nomad.md, "Jobs without a deployment")."""
    if seen.deployment is not None or not seen.evaluated:
        return None
    if not seen.launches:
        return _end(
            rollout, RolloutStatus.SUCCEEDED, "registered: it starts on its schedule or when it is dispatched", now
        )
    if _runs_nowhere(rollout, seen):
        return _end(rollout, RolloutStatus.FAILED, NOWHERE, now)
    if seen.job_type in _ONE_SHOT and (failed := sum(group.unhealthy for group in _counters(seen))):
        return _failed_by_task(rollout, f"{_count(failed)} failed", now)
    return _end(rollout, RolloutStatus.SUCCEEDED, _success_words(seen), now) if _is_done(seen) else None


def _is_done(seen: Observation) -> bool:
    """Whether enough allocations run, or all have completed for a job that runs only once."""
    if seen.unplaced:
        return False
    if seen.job_type in _ONE_SHOT:
        # not by number: after a change of its count, finished allocations of a batch job keep their old version
        return all(each.client_status == "complete" for each in _standing(seen))
    return all(group.healthy >= group.desired for group in _counters(seen))


def _success_words(seen: Observation) -> str:
    groups = _counters(seen)
    if not any(group.desired for group in groups):
        return "registered: nothing has to run"
    if seen.job_type in _ONE_SHOT:
        return f"{_count(sum(group.healthy for group in groups))} completed"
    return f"{sum(group.healthy for group in groups)} of {sum(group.desired for group in groups)} running"


def _count(number: int) -> str:
    return f"{number} allocation" if number == 1 else f"{number} allocations"


def _failed_by_task(rollout: Rollout, detail: str, now: datetime) -> Rollout:
    """The end of a rollout whose allocations failed: the first failed task, if one is known, is the reason."""
    ended = _end(rollout, RolloutStatus.FAILED, detail, now)
    return replace(ended, task_failed=rollout.failure is not None)


def _end(rollout: Rollout, status: RolloutStatus, detail: str, now: datetime) -> Rollout:
    # a success that counts do not prove is not shown with them: nobody understands a green "0/1 healthy"
    disagree = status is RolloutStatus.SUCCEEDED and rollout.healthy < rollout.wanted
    return replace(
        rollout,
        status=status,
        detail=detail,
        groups=() if disagree else rollout.groups,
        waits_for=None,
        unplaced=(),
        stuck=False,
        ended_at=now,
        changed_at=now,
    )


def _revert(ended: Rollout, seen: Observation, now: datetime) -> Rollout | None:
    """The rollout of Nomad's own revert of this one, if Nomad started one."""
    if ended.status is not RolloutStatus.FAILED or seen.reverted_to is None:
        return None
    version, index = seen.reverted_to
    return Rollout(
        deploy_id=ended.deploy_id,
        number=ended.number + 1,
        kind=RolloutKind.REVERT,
        status=RolloutStatus.RUNNING,
        started_at=now,
        changed_at=now,
        job_version=version,
        job_modify_index=index,
    )


def _still_running(rollout: Rollout, seen: Observation, now: datetime) -> Rollout:
    """The running rollout with the reasons why it waits."""
    waits_for = seen.deployment.waits_for if seen.deployment else None
    idle = now - rollout.changed_at >= seen.progress_deadline + PATIENCE
    # a rollout that waits for a person is not stuck, however long that takes (docs/nomad.md, "Auto-revert")
    return replace(
        rollout,
        waits_for=waits_for,
        unplaced=seen.unplaced,
        evaluated=seen.evaluated,
        stuck=idle and not (waits_for and waits_for.needs_a_person),
    )


def settle(rollout: Rollout, status: RolloutStatus, detail: str, now: datetime) -> Rollout:
    """The rollout, ended by a person's word."""
    return replace(rollout, status=status, detail=detail, changed_at=now, ended_at=now)
