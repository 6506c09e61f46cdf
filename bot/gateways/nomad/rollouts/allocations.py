"""Turns Nomad's allocations into records, with the task event that explains a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bot.domain.deploy.rollout import UNHEALTHY, AllocationState, TaskFailure
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
"""The events that name a cause; others ("Not Restarting", "Killing") only follow from one."""

_NOBODY: Final[tuple[str, Mapping[str, Any], Mapping[str, Any]]] = ("", {}, {"Message": "not healthy by its deadline"})


def allocation_state(
    found: Mapping[str, Any], clean: Clean = scrub, spec: Mapping[str, Any] | None = None
) -> AllocationState:
    """The record of an allocation from ``GET /v1/job/:id/allocations`` (docs/nomad.md, "Allocations").

    ``clean`` masks what nobody may see in the text of a task's event; ``spec`` is the job, which names the checks.
    """
    health = (found.get("DeploymentStatus") or {}).get("Healthy")
    return AllocationState(
        id=str(found["ID"]),
        group=str(found["TaskGroup"]),
        job_version=int(found["JobVersion"]),
        client_status=str(found["ClientStatus"]),
        desired_status=str(found["DesiredStatus"]),
        healthy=None if health is None else bool(health),
        failure=_failure(found, clean) or _unhealthy(found, clean, spec or {}),
        replaced=bool(found.get("NextAllocation") or found.get("FollowupEvalID")),
    )


def _failure(found: Mapping[str, Any], clean: Clean) -> TaskFailure | None:
    """The earliest event of any task that explains a failure; None if no task failed."""
    explaining = [each for each in _events(found) if _explains(each[1], each[2])]
    if not explaining:
        return None
    task, _, event = min(explaining, key=_time)
    return TaskFailure(
        allocation=str(found["ID"]),
        group=str(found["TaskGroup"]),
        task=task,
        event=str(event["Type"]),
        message=clean(_said(event)),
        exit_code=int(event.get("ExitCode") or 0) if event["Type"] == "Terminated" else None,
    )


def _unhealthy(found: Mapping[str, Any], clean: Clean, spec: Mapping[str, Any]) -> TaskFailure | None:
    """Why an allocation whose tasks did not fail was unhealthy (docs/nomad.md, "Allocations"); None if it was not."""
    if (found.get("DeploymentStatus") or {}).get("Healthy") is not False:
        return None
    told = [each for each in _events(found) if each[2]["Type"] == UNHEALTHY]
    if not told and found["ClientStatus"] != "running":
        return None
    # each task may have such an event, and a task that has not even started keeps all others from being healthy
    task, state, event = min(told, key=lambda each: (each[1].get("State") == "running", _time(each)), default=_NOBODY)
    return TaskFailure(
        allocation=str(found["ID"]),
        group=str(found["TaskGroup"]),
        task=task,
        event=UNHEALTHY,
        message=clean("; ".join(filter(None, (_said(event), _why_unhealthy(found, task, state, spec))))),
    )


def _why_unhealthy(found: Mapping[str, Any], task: str, state: Mapping[str, Any], spec: Mapping[str, Any]) -> str:
    """What Nomad's text leaves out: it says "Task not running" also of a task that runs and whose check fails."""
    groups: list[Mapping[str, Any]] = [
        each for each in spec.get("TaskGroups") or () if each["Name"] == found["TaskGroup"]
    ]
    group = groups[0] if groups else {}
    if state.get("State", "running") == "running":
        checks = _checks(group)
        passed = "its check has not passed" if len(checks) == 1 else "not all of its checks have passed"
        return f"it runs, but {passed}: {', '.join(checks)}" if checks else ""
    lifecycle = next((each.get("Lifecycle") or {} for each in group.get("Tasks") or () if each["Name"] == task), {})
    late = lifecycle.get("Hook") == "poststop" and lifecycle.get("Sidecar")
    return "a poststop task starts after all others have ended, so as a sidecar it is never healthy" if late else ""


def _checks(group: Mapping[str, Any]) -> list[str]:
    """The group's checks that count for its health, such as ``alive (http /health)``."""
    if (group.get("Update") or {}).get("HealthCheck", "checks") != "checks":
        return []
    services = [each for part in (group, *(group.get("Tasks") or ())) for each in part.get("Services") or ()]
    return [
        f"{check.get('Name') or service.get('Name')} ({' '.join(filter(None, (check.get('Type'), check.get('Path'))))})"
        for service in services
        for check in service.get("Checks") or ()
    ]


def _said(event: Mapping[str, Any]) -> str:
    return str(event.get("DisplayMessage") or event.get("Message") or "")


def _time(found: tuple[str, Mapping[str, Any], Mapping[str, Any]]) -> int:
    return int(found[2].get("Time") or 0)


def _events(found: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """The events of all tasks, each with the task's name and state."""
    for task, state in (found.get("TaskStates") or {}).items():
        for event in state.get("Events") or ():
            yield str(task), state, event


def _explains(state: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether the event caused a failure. A task that exited with 0, or that was told to stop, did not fail."""
    if event["Type"] not in _EXPLAINING:
        return False
    if event["Type"] != "Terminated":
        return True
    return bool(event.get("ExitCode") or event.get("Signal")) and bool(state.get("Failed") or state.get("Restarts"))
