"""Decides when a failed allocation may be rescheduled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.nomad.records import find_group, instant
from sandbox.nomad.status import ACTIVE_DEPLOYMENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.nomad.records import Json


@dataclass(frozen=True)
class Timing:
    """The time of a decision, and the conversion of Nomad's durations to wall time (both in nanoseconds)."""

    now: int
    to_wall_ns: Callable[[int], int]


def policy_of(allocation: Json) -> Json | None:
    """The reschedule block of the allocation's own group."""
    group = find_group(allocation["Job"], allocation["TaskGroup"])
    return group["ReschedulePolicy"] if group else None


def attempts_of(allocation: Json) -> list[Json]:
    """The reschedules that led to this allocation."""
    tracker = allocation["RescheduleTracker"]
    return list(tracker["Events"]) if tracker else []


def attempts_left(allocation: Json, timing: Timing) -> bool:
    """Whether the policy allows one more attempt."""
    policy = policy_of(allocation)
    if policy is None:
        return False
    if policy["Unlimited"]:
        return True
    since = timing.now - timing.to_wall_ns(policy["Interval"] or 0)
    recent = [event for event in attempts_of(allocation) if event["RescheduleTime"] >= since]
    return len(recent) < int(policy["Attempts"] or 0)


def delay_of(allocation: Json) -> int:
    """The delay before the next attempt, in Nomad's nanoseconds."""
    policy = policy_of(allocation) or {}
    base, ceiling = int(policy.get("Delay") or 0), int(policy.get("MaxDelay") or 0)
    tries = len(attempts_of(allocation))
    kind = policy.get("DelayFunction")
    if kind == "exponential":
        # the ceiling applies long before; this bound only keeps the number small
        wait = base * (1 << min(tries, 30))
    elif kind == "fibonacci":
        wait = base * fibonacci(min(tries, 60))
    else:
        return base
    return min(wait, ceiling) if ceiling else wait


def fibonacci(number: int) -> int:
    """1, 1, 2, 3, 5 and so on, from number 0."""
    last, this = 0, 1
    for _ in range(number):
        last, this = this, last + this
    return this


def failed_at(allocation: Json) -> int:
    """When the allocation's last task ended; if no task says so, the time of its last change."""
    ends = [state["FinishedAt"] for state in (allocation["TaskStates"] or {}).values() if state["FinishedAt"]]
    return max((instant(end) for end in ends), default=int(allocation["ModifyTime"]))


def due_at(allocation: Json, timing: Timing) -> int | None:
    """When a failed allocation may be rescheduled; None if never, or if it has not failed."""
    if allocation["ClientStatus"] != "failed" or not attempts_left(allocation, timing):
        return None
    return failed_at(allocation) + timing.to_wall_ns(delay_of(allocation))


def held_back(allocation: Json, deployment: Json | None) -> bool:
    """Whether a running deployment does not allow the allocation to be replaced yet."""
    if deployment is None or allocation["DeploymentID"] != deployment["ID"]:
        return False
    return deployment["Status"] in ACTIVE_DEPLOYMENTS and not allocation["DesiredTransition"]["Reschedule"]


def reschedule_tracker(allocation: Json, timing: Timing) -> Json:
    """The RescheduleTracker of the allocation's replacement."""
    event = {
        "RescheduleTime": timing.now,
        "PrevAllocID": allocation["ID"],
        "PrevNodeID": allocation["NodeID"],
        "Delay": delay_of(allocation),
    }
    return {"Events": [*attempts_of(allocation), event], "LastReschedule": "ok"}
