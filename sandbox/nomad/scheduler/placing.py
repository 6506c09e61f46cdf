"""Makes the record of a new allocation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.nomad.records import Json, new_id
from sandbox.nomad.scheduler.reschedule import Timing, reschedule_tracker

if TYPE_CHECKING:
    from sandbox.nomad.scheduler.situation import Placement

NO_TRANSITION: Json = {
    "ForceReschedule": None,
    "Migrate": None,
    "MigrateDisablePlacement": None,
    "NoShutdownDelay": None,
    "Reschedule": None,
}
NO_NETWORK: Json = {"Address": "", "AddressIPv6": "", "DNS": None, "InterfaceName": ""}


def resources_of(task: Json) -> Json:
    """The resources that a task gets on its node."""
    asked = task["Resources"] or {}
    return {
        "Cpu": {"CpuShares": int(asked.get("CPU") or 0), "ReservedCores": None},
        "Devices": None,
        "Memory": {"MemoryMB": int(asked.get("MemoryMB") or 0), "MemoryMaxMB": int(asked.get("MemoryMaxMB") or 0)},
        "Networks": None,
    }


def allocated_resources(group: Json) -> Json:
    """The AllocatedResources of one allocation of a group."""
    tasks = group["Tasks"] or []
    disk = int((group["EphemeralDisk"] or {}).get("SizeMB") or 0)
    return {
        "Shared": {"DiskMB": disk, "Networks": None, "Ports": None},
        "TaskLifecycles": {task["Name"]: task["Lifecycle"] for task in tasks},
        "Tasks": {task["Name"]: resources_of(task) for task in tasks},
    }


def new_allocation(job: Json, placement: Placement, node: Json, evaluation: Json, metric: Json, timing: Timing) -> Json:
    """A new pending allocation that belongs to no deployment yet."""
    previous = placement.previous
    again = placement.rescheduled and previous is not None
    return {
        "ID": new_id(),
        "Namespace": job["Namespace"],
        "Name": placement.name,
        "JobID": job["ID"],
        "Job": job,
        "TaskGroup": placement.group["Name"],
        "EvalID": evaluation["ID"],
        "NodeID": node["ID"],
        "NodeName": node["Name"],
        "DesiredStatus": "run",
        "DesiredDescription": "",
        "DesiredTransition": NO_TRANSITION,
        "ClientStatus": "pending",
        "ClientDescription": "",
        "DeploymentID": "",
        "DeploymentStatus": None,
        "TaskStates": None,
        "AllocatedResources": allocated_resources(placement.group),
        "Metrics": metric,
        "NetworkStatus": NO_NETWORK,
        "PreviousAllocation": previous["ID"] if previous else "",
        "NextAllocation": "",
        "FollowupEvalID": "",
        "RescheduleTracker": reschedule_tracker(previous, timing) if again and previous else None,
    }
