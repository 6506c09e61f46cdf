"""Turns Nomad's allocations into records, with the task event that explains a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bot.domain.deploy.rollout import AllocationState, TaskFailure
from bot.domain.masking import scrub

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.domain.jobdiff.hidden import Clean

_EXPLAINING: Final = frozenset(
    {
        "Driver Failure", "Terminated", "Failed Artifact Download", "Setup Failure", "Task hook failed",
        "Failed Validation", "Image Download Failed", "Disk Resources Exceeded", "Failed Building Task Directory",
        "Template failed", "Restart Signaled", "Hook Failed",
    }
)  # fmt: skip
"""The events that name a cause; others ("Not Restarting", "Killing", "Alloc Unhealthy") only follow from one."""


def allocation_state(found: Mapping[str, Any], clean: Clean = scrub) -> AllocationState:
    """The record of an allocation from ``GET /v1/job/:id/allocations`` (docs/nomad.md, "Allocations").

    ``clean`` masks what nobody may see in the text of a task's event.
    """
    health = (found.get("DeploymentStatus") or {}).get("Healthy")
    return AllocationState(
        id=str(found["ID"]),
        group=str(found["TaskGroup"]),
        job_version=int(found["JobVersion"]),
        client_status=str(found["ClientStatus"]),
        desired_status=str(found["DesiredStatus"]),
        healthy=None if health is None else bool(health),
        failure=_failure(found, clean),
        replaced=bool(found.get("NextAllocation") or found.get("FollowupEvalID")),
    )


def _failure(found: Mapping[str, Any], clean: Clean) -> TaskFailure | None:
    """The earliest event of any task that explains a failure; None if no task failed."""
    events = sorted(_events(found), key=lambda each: each[0])
    for _, task, event in events:
        return TaskFailure(
            allocation=str(found["ID"]),
            group=str(found["TaskGroup"]),
            task=task,
            event=str(event["Type"]),
            message=clean(str(event.get("DisplayMessage") or event.get("Message") or "")),
            exit_code=int(event.get("ExitCode") or 0) if event["Type"] == "Terminated" else None,
        )
    return None


def _events(found: Mapping[str, Any]) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
    for task, state in (found.get("TaskStates") or {}).items():
        for event in state.get("Events") or ():
            if _explains(state, event):
                yield int(event.get("Time") or 0), str(task), event


def _explains(state: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether the event caused a failure. A task that exited with 0, or that was told to stop, did not fail."""
    if event["Type"] not in _EXPLAINING:
        return False
    if event["Type"] != "Terminated":
        return True
    return bool(event.get("ExitCode") or event.get("Signal")) and bool(state.get("Failed") or state.get("Restarts"))
