"""Follow a rollout: its new state, computed from each observation of Nomad (docs/nomad.md, "Rollouts")."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.deploy.rollout import (
    AllocationState,
    GroupHealth,
    NomadDeployment,
    Observation,
    OurVersion,
    Rollout,
    RolloutKind,
    RolloutStatus,
    Start,
    TaskFailure,
    Unplaced,
)
from bot.domain.multierror import one_line

PATIENCE = timedelta(minutes=10)
"""How long after Nomad's progress deadline a rollout without any change is called stuck."""

NOWHERE = "it runs on no node"
"""Why a job for every node has failed that no node takes: Nomad itself calls that a success."""
_NO_NODE = "no ready node is in its datacenters and node pool"

_ONE_SHOT = frozenset({"batch", "sysbatch"})
_STARTS = {
    Start.SCHEDULE: "registered: it starts on its schedule",
    Start.DISPATCH: "registered: it starts when it is dispatched",
    Start.NOTHING: "registered: its schedule is off, so nothing starts it",
}


def judge(rollout: Rollout, seen: Observation, now: datetime) -> tuple[Rollout, ...]:
    """The rollout as it is now, and a second rollout if Nomad started a revert by itself.

    It succeeds only on proof about our version in this life of the job: *our* Nomad deployment succeeded, or without
    one enough of our allocations run. It never ends because of time alone. The second rollout has the next number and
    kind REVERT, and this function follows it to its own end. A rollout that has ended is returned unchanged.
    """
    if rollout.status is not RolloutStatus.RUNNING:
        return (rollout,)
    # a clock that was set back must not make a rollout wait until that instant comes before it can be stuck
    known = replace(rollout, started_at=min(rollout.started_at, now), changed_at=min(rollout.changed_at, now))
    current = _with_counters(known, seen, now)
    # the deployment before the job: Nomad's own verdict stands even if somebody stopped or replaced the job right after
    verdicts = (_by_life, _nowhere, _by_deployment, _by_job, _by_allocations)
    ended = next((end for verdict in verdicts if (end := verdict(current, seen, now)) is not None), None)
    if ended is None:
        return (_still_running(current, seen, now),)
    revert = _revert(ended, seen, now)
    return (ended,) if revert is None else (ended, revert)


def stuck_at(rollout: Rollout, seen: Observation) -> datetime:
    """When a running rollout becomes stuck if nothing changes: what time alone makes of it."""
    return rollout.changed_at + seen.progress_deadline + PATIENCE


def rollout_of(version: int, index: int, now: datetime, *, ours: bool) -> Rollout:
    """A rollout of a job version that was registered before, to be judged by one observation of it.

    ``ours``: a deploy registered exactly this version. Any other one may be a revert or a copy, whose mark as stable is
    as old as the version itself and proves nothing.
    """
    kind = RolloutKind.DEPLOY if ours else RolloutKind.REVERT
    return Rollout.begun(0, kind, now, version=version, index=index)


def _with_counters(rollout: Rollout, seen: Observation, now: datetime) -> Rollout:
    """The rollout with the newest counters; ``changed_at`` only changes with them, because *stuck* is told by it."""
    deployment = seen.deployment
    current = replace(
        rollout,
        # a landing that a person settled has a version only; its index tells our version from another's later
        job_modify_index=rollout.job_modify_index or seen.index or None,
        groups=_groups(rollout, seen),
        nomad_deployment=deployment.id if deployment else rollout.nomad_deployment,
        failure=_best_failure(rollout.failure, seen.allocations),
    )
    return current if current == rollout or _flaps(current, seen, now) else replace(current, changed_at=now)


def _flaps(rollout: Rollout, seen: Observation, now: datetime) -> bool:
    """Whether counts that still change are no progress: of a job that should run by now, and whose tasks come and go.

    Nomad itself ends a deployment that makes no progress; nothing ends a job without one.
    """
    expected = seen.progress_deadline + PATIENCE
    return seen.deployment is None and seen.job_type not in _ONE_SHOT and now - rollout.started_at >= expected


def _groups(rollout: Rollout, seen: Observation) -> tuple[GroupHealth, ...]:
    """The newest counters; none for a job that starts later: its children run, never itself."""
    if seen.starts is not Start.REGISTER:
        return ()
    if seen.deployment is None:
        return _counters(seen) or rollout.groups
    # the deployment of a system job wants no allocation on a node that lacks room
    lacks = {each.group: each.count for each in seen.unplaced if each.waits and each.group in seen.every_node}
    return tuple(replace(group, desired=group.desired + lacks.get(group.name, 0)) for group in seen.deployment.groups)


def _best_failure(known: TaskFailure | None, allocations: Iterable[AllocationState]) -> TaskFailure | None:
    """The first failure of a task, which explains the rest; else the first allocation that was not healthy in time."""
    failures = [each for each in (known, *(one.failure for one in allocations)) if each is not None]
    return next((each for each in failures if each.names_a_cause), failures[0] if failures else None)


def _counters(seen: Observation) -> tuple[GroupHealth, ...]:
    """Counters of a job without a deployment; healthy means running, or complete for a job that runs only once.

    But not if a deployment that Nomad has deleted since found the allocation unhealthy.
    """
    names = sorted({*seen.wanted, *seen.every_node, *(each.group for each in seen.allocations)})
    good = "complete" if seen.job_type in _ONE_SHOT else "running"
    placed = Counter(each.group for each in _standing(seen))
    lacks = Counter({each.group: each.count for each in seen.unplaced if each.waits})
    healthy = Counter(
        each.group for each in _standing(seen) if each.client_status == good and each.healthy is not False
    )
    failed = Counter(each.group for each in _standing(seen) if each.client_status in {"failed", "lost"})
    return tuple(
        GroupHealth(
            name=name,
            desired=seen.wanted.get(name, placed[name] + lacks[name]),
            placed=placed[name],
            healthy=healthy[name],
            unhealthy=failed[name],
        )
        for name in names
    )


def _standing(seen: Observation) -> list[AllocationState]:
    """The allocations that count: neither replaced nor stopped on purpose (Nomad calls a killed one ``complete``)."""
    return [each for each in seen.allocations if not each.replaced and each.desired_status == "run"]


def _by_life(rollout: Rollout, seen: Observation, now: datetime) -> Rollout | None:
    """The rollout as failed, if the job that Nomad has now is not the one that we registered; None otherwise."""
    if not seen.exists:
        return _end(rollout, RolloutStatus.FAILED, "the job is gone: somebody purged it", now)
    if seen.ours is OurVersion.REMADE:
        detail = "somebody purged the job and registered it anew, so nothing shows what became of this version"
        return _end(rollout, RolloutStatus.FAILED, detail, now)
    if seen.ours is OurVersion.UNDONE:
        detail = (
            f"Nomad no longer has version {rollout.job_version}, and its job is at version {seen.current_version}: "
            "was Nomad restored from a snapshot?"
        )
        return _end(rollout, RolloutStatus.FAILED, detail, now)
    return None


def _nowhere(rollout: Rollout, seen: Observation, now: datetime) -> Rollout | None:
    """The rollout as failed, if a group that every node should run is on no node and Nomad does not wait for room.

    Nomad itself calls the deployment of such a job successful (docs/nomad.md, "System jobs").
    """
    empty = _empty_groups(rollout, seen)
    if not empty or not seen.evaluated or not _is_live(rollout, seen):
        return None
    if any(each.waits for each in seen.unplaced if each.group in empty):
        return None
    said = {each.group: str(each) for each in seen.unplaced}
    why = "; ".join(said.get(group, f"{group}: {_NO_NODE}") for group in sorted(empty))
    return _end(rollout, RolloutStatus.FAILED, f"{NOWHERE}: {why}", now)


def _empty_groups(rollout: Rollout, seen: Observation) -> frozenset[str]:
    """The groups that every node should run, if no node has, or ever had, an allocation of any of them.

    One group alone may be empty: of a job with a group for each kind of node, a cluster may lack a kind.
    """
    placed = {each.group for each in _standing(seen)} | {group.name for group in rollout.groups if group.healthy}
    return frozenset() if placed & seen.every_node else seen.every_node


def _lacking(seen: Observation) -> list[Unplaced]:
    """What Nomad could not place and should; of a group for every node only what waits, as constraints rule nodes out.

    Before 1.10 Nomad also lists the nodes that a constraint rules out, though the others run the group.
    """
    return [each for each in seen.unplaced if each.waits or each.group not in seen.every_node]


def _by_deployment(rollout: Rollout, seen: Observation, now: datetime) -> Rollout | None:
    """The rollout as ended, if our Nomad deployment has ended, or had before Nomad deleted it; None otherwise."""
    deployment = seen.deployment
    if deployment is None:
        return _without_deployment(rollout, seen, now)
    said = one_line(deployment.description)
    if deployment.status == "successful":
        return _end(rollout, RolloutStatus.SUCCEEDED, said, now) if _is_everywhere(rollout, seen) else None
    if deployment.status == "failed":
        reverted_as = seen.reverted_to[0] if seen.reverted_to else None
        ended = _failed_by_task(rollout, said, now)
        return replace(ended, reverted_to=deployment.rolls_back_to, reverted_as=reverted_as)
    if deployment.status == "cancelled":
        status = RolloutStatus.FAILED if deployment.job_stopped else RolloutStatus.SUPERSEDED
        return _end(rollout, status, said, now)
    return None


def _is_everywhere(rollout: Rollout, seen: Observation) -> bool:
    """Whether every node that should run a group does; for a job with counts, its deployment alone tells.

    The deployment of a system job succeeds without the nodes that lack room (docs/nomad.md, "System jobs").
    """
    return not seen.every_node or (seen.evaluated and not _lacking(seen) and _is_live(rollout, seen))


def _is_live(rollout: Rollout, seen: Observation) -> bool:
    """Whether our version is the job's current one; what Nomad could not place is of that one."""
    return seen.ours is OurVersion.KEPT and seen.current_version == rollout.job_version and not seen.stopped


def _without_deployment(rollout: Rollout, seen: Observation, now: datetime) -> Rollout | None:
    """Succeeded if the version is marked stable, which Nomad does when its deployment succeeds; None otherwise."""
    # the version of a revert is marked from the start, so there the mark proves nothing, whatever its deployment did
    marked = seen.stable and rollout.kind is not RolloutKind.REVERT
    proven = marked and seen.ours is OurVersion.KEPT and _is_everywhere(rollout, seen)
    if proven and seen.deployment_expected:
        detail = f"Nomad marks version {rollout.job_version} as stable, and has already deleted its deployment"
        return _end(rollout, RolloutStatus.SUCCEEDED, detail, now)
    return None


def _by_job(rollout: Rollout, seen: Observation, now: datetime) -> Rollout | None:
    """The rollout as ended, if the job was stopped or replaced and our version had not finished before."""
    if _had_finished(seen):
        return None
    if seen.stopped:
        return _end(rollout, RolloutStatus.FAILED, "the job was stopped", now)
    if rollout.job_version is None:
        detail = f"Nomad registered it but no longer keeps its version; version {seen.current_version} runs now"
        return _end(rollout, RolloutStatus.SUPERSEDED, detail, now)
    # Nomad itself cancels a deployment that still runs, and gives the reason in its description: wait for that
    if seen.current_version > rollout.job_version and not _is_active(seen.deployment):
        unknown = "" if seen.ours is OurVersion.KEPT else f", or Nomad no longer keeps version {rollout.job_version}"
        detail = f"version {seen.current_version} replaced it before it had finished{unknown}"
        return _end(rollout, RolloutStatus.SUPERSEDED, detail, now)
    if rollout.nomad_deployment and seen.deployment is None and (lacks := _unproven(rollout, seen)):
        return _end(rollout, RolloutStatus.FAILED, f"Nomad has deleted its deployment, and {lacks}", now)
    return None


def _unproven(rollout: Rollout, seen: Observation) -> str:
    """What shows that a deployment that Nomad has deleted did not succeed; empty if nothing does."""
    # Nomad marks the version of a deploy of ours once it is proven, however late that landed
    if rollout.kind is not RolloutKind.REVERT:
        return f"version {rollout.job_version} is not marked as stable"
    unhealthy = sum(1 for each in _standing(seen) if each.healthy is False)
    return f"that had found {_count(unhealthy)} of version {rollout.job_version} unhealthy" if unhealthy else ""


def _is_active(deployment: NomadDeployment | None) -> bool:
    return deployment is not None and deployment.status != "successful"


def _had_finished(seen: Observation) -> bool:
    """Whether our version has finished for certain, whatever happened to the job later."""
    if seen.ours is not OurVersion.KEPT:
        return False
    if seen.starts is not Start.REGISTER:
        # nothing of it has run: a stop undoes it, a newer version does not
        return not seen.stopped
    complete = sum(1 for each in _standing(seen) if each.client_status == "complete")
    return seen.job_type in _ONE_SHOT and bool(seen.wanted) and complete >= sum(seen.wanted.values())


def _by_allocations(rollout: Rollout, seen: Observation, now: datetime) -> Rollout | None:
    """The rollout as ended, for a job without a deployment (docs/nomad.md, "Jobs without a deployment")."""
    if seen.deployment is not None or not seen.evaluated or seen.ours is not OurVersion.KEPT:
        return None
    if seen.starts is not Start.REGISTER:
        return _end(rollout, RolloutStatus.SUCCEEDED, _STARTS[seen.starts], now)
    if seen.job_type in _ONE_SHOT and (failed := sum(group.unhealthy for group in _counters(seen))):
        return _failed_by_task(rollout, f"{_count(failed)} failed", now)
    return _end(rollout, RolloutStatus.SUCCEEDED, _success_words(seen), now) if _is_done(rollout, seen) else None


def _is_done(rollout: Rollout, seen: Observation) -> bool:
    """Whether as many allocations of our version run as are wanted, or have completed for a job that runs only once."""
    if _lacking(seen) or _empty_groups(rollout, seen):
        return False
    # a restarting batch allocation may stand beside enough complete ones
    at_rest = seen.job_type not in _ONE_SHOT or all(each.client_status == "complete" for each in _standing(seen))
    counters = _counters(seen)
    # empty is not all: whoever sees no group has seen no proof
    return at_rest and bool(counters) and all(group.healthy >= group.desired for group in counters)


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
    number = ended.number + 1
    return Rollout.begun(ended.deploy_id, RolloutKind.REVERT, now, version=version, index=index, number=number)


def _capacity(rollout: Rollout, seen: Observation) -> tuple[str, ...]:
    """Sentences on what Nomad has no room for; says so if a group is on no node at all."""
    empty = _empty_groups(rollout, seen)
    return tuple(f"{NOWHERE}: {each}" if each.group in empty else str(each) for each in seen.unplaced)


def _still_running(rollout: Rollout, seen: Observation, now: datetime) -> Rollout:
    """The running rollout with the reasons why it waits."""
    waits_for = seen.deployment.waits_for if seen.deployment else None
    idle = now >= stuck_at(rollout, seen)
    # a rollout that waits for a person is not stuck, however long that takes (docs/nomad.md, "Auto-revert")
    return replace(
        rollout,
        waits_for=waits_for,
        unplaced=_capacity(rollout, seen),
        evaluated=seen.evaluated,
        stuck=idle and not (waits_for and waits_for.needs_a_person),
    )


def settle(rollout: Rollout, status: RolloutStatus, detail: str, now: datetime) -> Rollout:
    """The rollout, ended by a person's word."""
    return replace(rollout, status=status, detail=detail, changed_at=now, ended_at=now)
