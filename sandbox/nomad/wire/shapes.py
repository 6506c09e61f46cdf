"""The short forms of jobs and allocations in lists, and the long form of a single allocation."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sandbox.nomad.jobs.dispatch import children_of
from sandbox.nomad.records import JobKey
from sandbox.nomad.status import is_stopping

if TYPE_CHECKING:
    from sandbox.nomad.records import Json
    from sandbox.nomad.state import State

JOB_STUB = (
    "CreateIndex",
    "Datacenters",
    "ID",
    "JobModifyIndex",
    "ModifyIndex",
    "Multiregion",
    "Name",
    "Namespace",
    "NodePool",
    "ParentID",
    "Priority",
    "Status",
    "StatusDescription",
    "Stop",
    "SubmitTime",
    "Type",
)
ALLOCATION_STUB = (
    "ClientDescription",
    "ClientStatus",
    "CreateIndex",
    "CreateTime",
    "DeploymentStatus",
    "DesiredDescription",
    "DesiredStatus",
    "DesiredTransition",
    "EvalID",
    "FollowupEvalID",
    "ID",
    "JobID",
    "ModifyIndex",
    "ModifyTime",
    "Name",
    "Namespace",
    "NextAllocation",
    "NodeID",
    "NodeName",
    "RescheduleTracker",
    "TaskGroup",
    "TaskStates",
)
# Nomad leaves these fields out of an allocation if they are empty
OMITTED_EMPTY = (
    "ClientDescription",
    "DeploymentID",
    "DeploymentStatus",
    "DesiredDescription",
    "FollowupEvalID",
    "NextAllocation",
    "PreviousAllocation",
    "RescheduleTracker",
)
NO_RESOURCES: Json = {
    "CPU": 0,
    "Cores": 0,
    "Devices": None,
    "DiskMB": 0,
    "IOPS": 0,
    "MemoryMB": 0,
    "MemoryMaxMB": 0,
    "NUMA": None,
    "Networks": None,
    "SecretsMB": 0,
}


def job_stub(state: State, job: Json, *, with_meta: bool) -> Json:
    """A job in a list."""
    stub = {name: job[name] for name in JOB_STUB}
    stub |= {"Periodic": bool(job["Periodic"]), "ParameterizedJob": bool(job["ParameterizedJob"])}
    children = children_of(state, JobKey(job["Namespace"], job["ID"]))
    stub["JobSummary"] = summary_of(state, job, children)
    return {**stub, "Meta": job["Meta"]} if with_meta else stub


def summary_of(state: State, job: Json, children: list[Json]) -> Json:
    """The number of each group's allocations, and of the job's children, in each state."""
    allocations = state.allocations_of(JobKey(job["Namespace"], job["ID"]))
    offspring = Counter(str(one["Status"]) for one in children)
    groups = {group["Name"]: group_summary(group, allocations) for group in job["TaskGroups"] or []}
    return {
        "Children": {name.capitalize(): offspring[name] for name in ("pending", "running", "dead")},
        "CreateIndex": job["CreateIndex"],
        "JobID": job["ID"],
        "ModifyIndex": max([job["CreateIndex"], *(one["ModifyIndex"] for one in allocations)]),
        "Namespace": job["Namespace"],
        "Summary": groups,
    }


def group_summary(group: Json, allocations: list[Json]) -> Json:
    """A group's allocations by state."""
    ours = [one for one in allocations if one["TaskGroup"] == group["Name"]]
    found = Counter(str(one["ClientStatus"]) for one in ours)
    # missing allocations count as queued
    wanted = [one for one in ours if not is_stopping(one)]
    return {
        "Complete": found["complete"],
        "Failed": found["failed"],
        "Lost": found["lost"],
        "Queued": max(int(group["Count"] or 0) - len(wanted), 0),
        "Running": found["running"],
        "Starting": found["pending"],
        "Unknown": found["unknown"],
    }


def allocation_stub(allocation: Json) -> Json:
    """An allocation in a list."""
    stub = {name: allocation[name] for name in ALLOCATION_STUB}
    job = allocation["Job"]
    stub |= {"JobType": job["Type"], "JobVersion": job["Version"]}
    return stub | {"PreemptedAllocations": None, "PreemptedByAllocation": ""}


def whole_allocation(allocation: Json) -> Json:
    """An allocation in full, with its job, and its resources also in the older form."""
    shown = {name: value for name, value in allocation.items() if value or name not in OMITTED_EMPTY}
    if not any((allocation["DesiredTransition"] or {}).values()):
        shown.pop("DesiredTransition")
    tasks = {name: task_resources(one) for name, one in allocation["AllocatedResources"]["Tasks"].items()}
    disk = allocation["AllocatedResources"]["Shared"]["DiskMB"]
    total = {name: sum(int(one[name]) for one in tasks.values()) for name in ("CPU", "MemoryMB")}
    shown["TaskResources"] = tasks
    shown["SharedResources"] = {**NO_RESOURCES, "DiskMB": disk}
    shown["Resources"] = {**NO_RESOURCES, **total, "MemoryMaxMB": total["MemoryMB"], "DiskMB": disk}
    return shown


def task_resources(resources: Json) -> Json:
    """One task's resources in the older form."""
    memory = resources["Memory"]
    cpu = resources["Cpu"]["CpuShares"]
    return {**NO_RESOURCES, "CPU": cpu, "MemoryMB": memory["MemoryMB"], "MemoryMaxMB": memory["MemoryMaxMB"]}
