"""Following a rollout: what an observation makes of it (``docs/engine.md``, ROLLING). Pure; asked again each time."""

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
"""On top of Nomad's progress deadline, before a rollout without any change is called stuck."""

_ONE_SHOT = frozenset({"batch", "sysbatch"})


def judge(rollout: Rollout, seen: Observation, now: datetime) -> tuple[Rollout, ...]:
    """The rollout as it stands now, and a second one where Nomad began a revert by itself.

    Ends by what Nomad says of *our* deployment, of the job where there is none, and never by time alone. The second
    rollout has the next number and kind REVERT; it is followed by this same function to its own end. A rollout that
    has ended comes back as it is.
    """
    if rollout.status is not RolloutStatus.RUNNING:
        return (rollout,)
    told = _told(rollout, seen, now)
    ended = _by_deployment(told, seen, now) or _by_job(told, seen, now) or _by_allocations(told, seen, now)
    if ended is None:
        return (_holding(told, seen, now),)
    revert = _revert(ended, seen, now)
    return (ended,) if revert is None else (ended, revert)


def _told(rollout: Rollout, seen: Observation, now: datetime) -> Rollout:
    """The rollout with the newest counters; ``changed_at`` moves with them alone."""
    deployment = seen.deployment
    told = replace(
        rollout,
        groups=deployment.groups if deployment else _counted(seen) or rollout.groups,
        nomad_deployment=deployment.id if deployment else rollout.nomad_deployment,
        failure=rollout.failure or _first_failure(seen.allocations),
    )
    return told if told == rollout else replace(told, changed_at=now)


def _first_failure(allocations: Iterable[AllocationState]) -> TaskFailure | None:
    return next((each.failure for each in allocations if each.failure is not None), None)


def _counted(seen: Observation) -> tuple[GroupHealth, ...]:
    """Counters of a job without a deployment: healthy is running, or complete where it runs but once."""
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
    """Allocations that count: neither replaced nor told to stop (a killed one looks complete)."""
    return [each for each in seen.allocations if not each.replaced and each.desired_status == "run"]


def _by_deployment(rollout: Rollout, seen: Observation, now: datetime) -> Rollout | None:
    """The end that Nomad's deployment of ours has come to, or came to before it was collected."""
    deployment = seen.deployment
    if deployment is None:
        return _collected(rollout, seen, now)
    said = one_line(deployment.description)
    if deployment.status == "successful":
        return _end(rollout, RolloutStatus.SUCCEEDED, said, now)
    if deployment.status == "failed":
        reverted_as = seen.reverted_to[0] if seen.reverted_to else None
        ended = _end(rollout, RolloutStatus.FAILED, said, now)
        return replace(ended, reverted_to=deployment.rolls_back_to, reverted_as=reverted_as)
    if deployment.status == "cancelled":
        status = RolloutStatus.FAILED if deployment.job_stopped else RolloutStatus.SUPERSEDED
        return _end(rollout, status, said, now)
    return None


def _collected(rollout: Rollout, seen: Observation, now: datetime) -> Rollout | None:
    """Nomad marks a version stable when its deployment succeeds; a revert's is from the start, and says nothing."""
    known = bool(rollout.nomad_deployment) or rollout.kind is RolloutKind.DEPLOY
    if seen.stable and known and seen.deployment_expected:
        detail = f"Nomad marks version {rollout.job_version} as stable; its deployment is no longer kept"
        return _end(rollout, RolloutStatus.SUCCEEDED, detail, now)
    return None


def _by_job(rollout: Rollout, seen: Observation, now: datetime) -> Rollout | None:
    """The end because the job itself is no longer ours to follow, unless ours had plainly finished before."""
    if not seen.exists:
        return _end(rollout, RolloutStatus.FAILED, "the job is gone: somebody purged it", now)
    if _had_finished(seen):
        return None
    if seen.stopped:
        return _end(rollout, RolloutStatus.FAILED, "the job was stopped", now)
    if rollout.job_version is None:
        detail = f"it landed, but Nomad no longer keeps its version; version {seen.current_version} runs now"
        return _end(rollout, RolloutStatus.SUPERSEDED, detail, now)
    # a deployment that still runs is cancelled by Nomad itself, with its own words
    if seen.current_version > rollout.job_version and seen.deployment is None:
        detail = f"version {seen.current_version} replaced it before it had finished"
        return _end(rollout, RolloutStatus.SUPERSEDED, detail, now)
    if rollout.nomad_deployment and seen.deployment is None:
        detail = f"Nomad no longer keeps its deployment, and version {rollout.job_version} is not stable"
        return _end(rollout, RolloutStatus.FAILED, detail, now)
    return None


def _had_finished(seen: Observation) -> bool:
    """Whether there is proof of an end that a later stop or version cannot take back."""
    if not seen.launches:
        return True
    complete = sum(1 for each in _standing(seen) if each.client_status == "complete")
    return seen.job_type in _ONE_SHOT and bool(seen.wanted) and complete >= sum(seen.wanted.values())


def _by_allocations(rollout: Rollout, seen: Observation, now: datetime) -> Rollout | None:
    """The end of a job that Nomad follows by no deployment."""
    if seen.deployment is not None or not seen.evaluated:
        return None
    if not seen.launches:
        return _end(rollout, RolloutStatus.SUCCEEDED, "registered: it starts by its schedule or when dispatched", now)
    if seen.job_type in _ONE_SHOT and (failed := sum(group.unhealthy for group in _counted(seen))):
        return _end(rollout, RolloutStatus.FAILED, f"{_count(failed)} failed", now)
    return _end(rollout, RolloutStatus.SUCCEEDED, _done_words(seen), now) if _done(seen) else None


def _done(seen: Observation) -> bool:
    """Whether as many run as are wanted, or all have completed where they run but once.

    A changed count of a batch job leaves what has finished as it is, under its old version: the new ones decide.
    """
    if seen.unplaced:
        return False
    if seen.job_type in _ONE_SHOT:
        return all(each.client_status == "complete" for each in _standing(seen))
    return all(group.healthy >= group.desired for group in _counted(seen))


def _done_words(seen: Observation) -> str:
    groups = _counted(seen)
    if not any(group.desired for group in groups):
        return "registered: nothing is to run"
    if seen.job_type in _ONE_SHOT:
        return f"{_count(sum(group.healthy for group in groups))} completed"
    return f"{sum(group.healthy for group in groups)} of {sum(group.desired for group in groups)} running"


def _count(number: int) -> str:
    return f"{number} allocation" if number == 1 else f"{number} allocations"


def _end(rollout: Rollout, status: RolloutStatus, detail: str, now: datetime) -> Rollout:
    return replace(
        rollout, status=status, detail=detail, waits_for=None, unplaced=(), stuck=False, ended_at=now, changed_at=now
    )


def _revert(ended: Rollout, seen: Observation, now: datetime) -> Rollout | None:
    """The rollout of the version that Nomad made by itself to undo this one."""
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


def _holding(rollout: Rollout, seen: Observation, now: datetime) -> Rollout:
    """The running rollout with what keeps it from going on."""
    waits_for = seen.deployment.waits_for if seen.deployment else None
    idle = now - rollout.changed_at >= seen.progress_deadline + PATIENCE
    return replace(
        rollout,
        waits_for=waits_for,
        unplaced=seen.unplaced,
        evaluated=seen.evaluated,
        stuck=idle and not (waits_for and waits_for.needs_a_person),
    )
