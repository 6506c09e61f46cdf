"""What a plan replaces, and how a rollout goes, in words: the same on messages, in lists, the audit log and the CSV.

Only people read these sentences, no code does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Final

from bot.domain.deploy.plan import Base, Job, JobState
from bot.domain.deploy.rollout import Rollout, RolloutKind, RolloutWait, TaskFailure
from bot.domain.multierror import one_line

STARTS_STOPPED: Final = "This deploy starts a stopped job."
OUTSIDE: Final = "outside Nomatron"
_MOST_NAMES: Final = 12


def replaced(base: Base) -> str:
    """``v2.1.2``, or ``job version 7, registered outside Nomatron by token 1a2b3c4d``; empty for a new job.

    Without the date: a surface adds ``base.at`` in its own zone if ``is_dated``.
    """
    if base.release_name is not None:
        return base.release_name
    if base.job_version is None:
        return ""
    return f"job version {base.job_version}, {_registered(base)}"


def is_dated(base: Base) -> bool:
    """Whether the date of the registration belongs to the words: a deploy of ours has its own times."""
    return not base.is_ours and base.at is not None


def replaced_on(base: Base | None, zone: tzinfo) -> str:
    """``replaced`` with the date in that zone; empty if nothing was replaced, or nobody knows."""
    if base is None:
        return ""
    day = f", {base.at.astimezone(zone).date().isoformat()}" if base.at is not None and is_dated(base) else ""
    return f"{replaced(base)}{day}"


def maker(base: Base) -> str:
    """Who made the version: ``D-11``, or ``registered outside Nomatron by token 1a2b3c4d``; empty for a new job."""
    if base.deploy is not None:
        return f"D-{base.deploy}, restored by a revert in Nomad" if base.reverted else f"D-{base.deploy}"
    return "" if base.job_version is None else _registered(base)


def _registered(base: Base) -> str:
    by = f" by token {base.token}" if base.token else ""
    restored = "restored by Nomad's revert and first " if base.reverted else ""
    return f"{restored}registered {OUTSIDE}{by}"


def takeover(base: Base, removed: Sequence[str]) -> str:
    """The first deploy over a job that runs already: what it removes (``env DB_URL``), and how to keep that."""
    by = f" by token {base.token}" if base.token else ""
    first = f"This job already runs and was registered {OUTSIDE}{by}."
    if not removed:
        return first
    names = ", ".join(removed[:_MOST_NAMES])
    more = f" and {len(removed) - _MOST_NAMES} more" if len(removed) > _MOST_NAMES else ""
    return (
        f"{first} All removals are flagged. To keep {names}{more}, add "
        f"{'it' if len(removed) == 1 else 'them'} to the template or to the catalog's variables."
    )


def moves(before: Base | None, now: Base) -> tuple[str, ...]:
    """What happened to the job in Nomad between two plans, in words; empty if nothing did, or nobody knows.

    ``before`` is None for a plan that is older than the field.
    """
    if before is None:
        return ("The job is stopped in Nomad.",) if now.state is JobState.STOPPED else ()
    if _same(before, now):
        return ()
    if now.state is JobState.ABSENT:
        return ("The job no longer exists in Nomad.",)
    said = _made(before, now)
    if now.state is JobState.STOPPED and before.state is not JobState.STOPPED:
        return (*said, "The job was stopped in Nomad.")
    if now.state is JobState.RUNNING and before.state is JobState.STOPPED and not said:
        return ("The job was started again in Nomad.",)
    return said


def instead(now: Base, release: str) -> str:
    """What happened to a job that ran this release (``v1.4.2 r2``) without a break until then, in a sentence."""
    if now.state is JobState.ABSENT:
        return "The job no longer exists in Nomad."
    if now.state is JobState.STOPPED:
        return "The job was stopped in Nomad."
    if now.release_name == release:
        return "The job was stopped or changed in Nomad, and put back."
    return _made(Base(state=JobState.RUNNING), now)[0]


def _same(before: Base, now: Base) -> bool:
    return (before.state, before.job_version, before.deploy) == (now.state, now.job_version, now.deploy)


def _made(before: Base, now: Base) -> tuple[str, ...]:
    if (before.job_version, before.deploy) == (now.job_version, now.deploy):
        return ()
    purged = before.job_version is not None and now.job_version is not None and now.job_version < before.job_version
    again = ("The job was purged in Nomad and registered again.",) if purged else ()
    if now.is_ours and now.reverted:
        return (*again, f"A revert in Nomad restored {now.version} (D-{now.deploy}).")
    if now.is_ours:
        return (*again, f"D-{now.deploy} ({now.version}) was deployed meanwhile.")
    return (*again, f"Job version {now.job_version} was {_registered(now)}.")


def cause_of(before: Base | None, now: Base, outside: Sequence[tuple[int, Job]]) -> str:
    """Who changed the job between two plans, as the end of ``env LOG_LEVEL changed ...``."""
    if now.is_ours:
        return "by a revert in Nomad" if now.reverted else f"by D-{now.deploy}"
    planned = before.job_version if before else None
    # a version of ours after the plan before may have made some of the changes, so nobody is blamed for all of them
    mixed = planned is not None and bool(outside) and outside[0][0] > planned
    return "in Nomad" if mixed else OUTSIDE


def waiting_for(rollout: Rollout) -> str:
    """Why a running rollout waits or is stuck, on one line; empty if it does neither.

    Without a time: the surface says since when, in its own zone.
    """
    parts = [part for part in (_waits_in_nomad(rollout), _capacity(rollout)) if part]
    return "; ".join(parts) or (_why_idle(rollout) if rollout.stuck else "")


def why_ended(rollout: Rollout) -> str:
    """Nomad's reason for the end, what it reverted to, and the task that failed first, on one line."""
    parts = [rollout.detail]
    if rollout.reverted_to is not None:
        as_version = "" if rollout.reverted_as is None else f", as version {rollout.reverted_as}"
        parts.append(f"Nomad reverted to version {rollout.reverted_to}{as_version}")
    # a task that failed on the way to another end, such as a stop, explains nothing
    if rollout.failure is not None and rollout.task_failed:
        parts.append(failed_task(rollout.failure))
    return "; ".join(parts)


def failed_task(failure: TaskFailure) -> str:
    """``task TASK of GROUP: EVENT: MESSAGE`` in Nomad's words, on one line; names an unhealthy allocation."""
    said = one_line(f"{failure.event}: {failure.message}")
    where = f"task {failure.task} of {failure.group}" if failure.task else f"group {failure.group}"
    return f"{where}{'' if failure.names_a_cause else f', allocation {failure.allocation[:8]}'}: {said}"


def _waits_in_nomad(rollout: Rollout) -> str:
    """What Nomad's deployment waits for, and the command that lets it continue."""
    match rollout.waits_for:
        case RolloutWait.RESUME:
            return f"paused in Nomad: nomad deployment resume {rollout.nomad_deployment}"
        case RolloutWait.AUTO_PROMOTION:
            return f"Nomad promotes the canaries once they are healthy ({_canaries(rollout)})"
        case RolloutWait.PROMOTION:
            who = "Nomad's own rollback is " if rollout.kind is RolloutKind.REVERT else ""
            command = f"nomad deployment promote {rollout.nomad_deployment}"
            return f"{who}waiting for canary promotion ({_canaries(rollout)}), without a time limit: {command}"
        case _:
            return ""


def _canaries(rollout: Rollout) -> str:
    waiting = [group for group in rollout.groups if group.canaries and not group.promoted]
    healthy = sum(min(group.healthy, group.canaries) for group in waiting)
    return f"{healthy} of {sum(group.canaries for group in waiting)} healthy"


def _capacity(rollout: Rollout) -> str:
    return f"no capacity: {'; '.join(rollout.unplaced)}" if rollout.unplaced else ""


def _why_idle(rollout: Rollout) -> str:
    if not rollout.evaluated:
        return "Nomad has not evaluated it yet"
    if rollout.failure is not None:
        return f"tasks fail; {failed_task(rollout.failure)}" if rollout.failure.task else failed_task(rollout.failure)
    return f"{rollout.healthy} of {rollout.wanted} healthy, and Nomad gives no reason"
