"""Following a rollout: what an observation makes of it (``docs/engine.md``, ROLLING). Pure; asked again each time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.deploy.rollout import (
    AllocationState,
    GroupHealth,
    NomadDeployment,
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
_STOPPED = "job is stopped"
_STUCK = "stuck"
_ROLLING_BACK = re.compile(r"rolling back to job version (\d+)")


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
        return (replace(told, note=_note(told, seen, now)),)
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
        return _failed(rollout, said, seen, now)
    if deployment.status == "cancelled":
        status = RolloutStatus.FAILED if _STOPPED in said else RolloutStatus.SUPERSEDED
        return _end(rollout, status, said, now)
    return None


def _collected(rollout: Rollout, seen: Observation, now: datetime) -> Rollout | None:
    """Nomad marks a version stable when its deployment succeeds; a revert's is from the start, and says nothing."""
    known = bool(rollout.nomad_deployment) or rollout.kind is RolloutKind.DEPLOY
    if seen.stable and known and seen.deployment_expected:
        detail = f"Nomad marks version {rollout.job_version} as stable; its deployment is no longer kept"
        return _end(rollout, RolloutStatus.SUCCEEDED, detail, now)
    return None


def _failed(rollout: Rollout, said: str, seen: Observation, now: datetime) -> Rollout:
    """A failed deployment in Nomad's words, with what it went back to by itself."""
    back = _ROLLING_BACK.search(said)
    if back is None:
        return _end(rollout, RolloutStatus.FAILED, _failed_words(said, rollout), now)
    as_version = f", as version {seen.reverted_to[0]}" if seen.reverted_to else ""
    said = f"{said}; Nomad reverted to version {back[1]}{as_version}"
    ended = _end(rollout, RolloutStatus.FAILED, _failed_words(said, rollout), now)
    return replace(ended, reverted_to=int(back[1]))


def _failed_words(said: str, rollout: Rollout) -> str:
    failure = rollout.failure
    if failure is None:
        return said
    return f"{said}; task {failure.task} of {failure.group}: {one_line(f'{failure.event}: {failure.message}')}"


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
        return _end(rollout, RolloutStatus.FAILED, _failed_words(f"{_count(failed)} failed", rollout), now)
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
    return replace(rollout, status=status, detail=detail, note="", ended_at=now, changed_at=now)


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
        note=f"Nomad rolls back by itself, as version {version}",
    )


def _note(rollout: Rollout, seen: Observation, now: datetime) -> str:
    """One line on what a running rollout waits for; empty where it simply goes on."""
    parts = [part for part in (_promotion(rollout, seen.deployment), _capacity(seen)) if part]
    idle = now - rollout.changed_at
    if idle >= seen.progress_deadline + PATIENCE and not _waits_for_people(seen.deployment):
        why = "; ".join(parts) or _idle_reason(rollout, seen)
        return f"{_STUCK}: no change since {rollout.changed_at:%Y-%m-%d %H:%M %Z}: {why}"
    return "; ".join(parts)


def is_stuck(rollout: Rollout) -> bool:
    """Whether its note says that nothing has moved for longer than Nomad and our patience allow."""
    return rollout.status is RolloutStatus.RUNNING and rollout.note.startswith(_STUCK)


def _waits_for_people(deployment: NomadDeployment | None) -> bool:
    return deployment is not None and (deployment.status == "paused" or _needs_promotion(deployment))


def _needs_promotion(deployment: NomadDeployment) -> bool:
    return "requires manual promotion" in deployment.description


def _promotion(rollout: Rollout, deployment: NomadDeployment | None) -> str:
    """What a deployment that is held up by people waits for, with the command that lets it go on."""
    if deployment is None:
        return ""
    if deployment.status == "paused":
        return f"paused in Nomad: nomad deployment resume {deployment.id}"
    if "pending automatic promotion" in deployment.description:
        return f"Nomad promotes the canaries by itself once they are healthy ({_canaries(deployment)})"
    if not _needs_promotion(deployment):
        return ""
    command = f"nomad deployment promote {deployment.id}"
    who = "Nomad's own rollback is " if rollout.kind is RolloutKind.REVERT else ""
    # Nomad sets such a deployment no deadline (docs/nomad.md, "Auto-revert")
    return f"{who}waiting for canary promotion ({_canaries(deployment)}), for ever if nobody acts: {command}"


def _canaries(deployment: NomadDeployment) -> str:
    waiting = [group for group in deployment.groups if group.canaries and not group.promoted]
    healthy = sum(min(group.healthy, group.canaries) for group in waiting)
    return f"{healthy} of {sum(group.canaries for group in waiting)} healthy"


def _capacity(seen: Observation) -> str:
    return f"no capacity: {'; '.join(seen.unplaced)}" if seen.unplaced else ""


def _idle_reason(rollout: Rollout, seen: Observation) -> str:
    if not seen.evaluated:
        return "Nomad has not evaluated it yet"
    if rollout.failure is not None:
        return _failed_words("tasks fail", rollout)
    return f"{rollout.healthy} of {rollout.wanted} healthy, and Nomad gives no reason"
