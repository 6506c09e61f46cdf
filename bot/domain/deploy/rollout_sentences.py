"""A rollout in words: what it waits for, and why it ended. Only people read these sentences, no code does."""

from __future__ import annotations

from bot.domain.deploy.rollout import Rollout, RolloutKind, RolloutWait, TaskFailure
from bot.domain.multierror import one_line


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
