"""Validates a job before a register or a plan, with Nomad's error texts (`structs` of Nomad 2.0, as its agent answers).

Does not check blocks for Consul, Vault, devices or Enterprise, so it never refuses a job because of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sandbox.nomad.admission import policies, tasks
from sandbox.nomad.admission.multierror import multierror, within

if TYPE_CHECKING:
    from jobspec.job.fields import Job

_TYPES: Final = frozenset({"core", "service", "batch", "system", "sysbatch"})
_BATCHES: Final = frozenset({"batch", "sysbatch"})


def problems(job: Job) -> list[str]:
    """All problems of a job in stored form; empty if Nomad accepts it. `refusal` joins them as Nomad does."""
    found = _job(job)
    found += policies.rules(job, "job", job["Type"])
    found += _groups(job)
    for group in job["TaskGroups"] or ():
        found += within(f"Task group {group['Name']} validation failed", _group(group, job))
    found += _periodic(job)
    found += _parameterized(job)
    found += ["job type cannot be core"] if job["Type"] == "core" else []
    if not 1 <= job["Priority"] <= 100:
        found.append("job priority must be between [1, 100]")
    return found


def refusal(found: list[str]) -> str:
    """The body of Nomad's 500 for these problems: a multi-error."""
    return multierror(found)


def _job(job: Job) -> list[str]:
    ident, kind = job["ID"], job["Type"]
    checks = (
        (not job["Region"], "Missing job region"),
        (not ident, "Missing job ID"),
        (" " in ident, "Job ID contains a space"),
        ("\0" in ident, "Job ID contains a null character"),
        (not job["Name"], "Missing job name"),
        ("\0" in job["Name"], "Job Name contains a null character"),
        (not kind, "Missing job type"),
        (bool(kind) and kind not in _TYPES, f'Invalid job type: "{kind}"'),
        ("" in (job["Datacenters"] or ()), "Job datacenter must be non-empty string"),
        (not job["TaskGroups"], "Missing job task groups"),
    )
    return [text for wrong, text in checks if wrong]


def _groups(job: Job) -> list[str]:
    """Problems of the groups' names and counts."""
    found: list[str] = []
    names: dict[str, int] = {}
    for place, group in enumerate(job["TaskGroups"] or (), 1):
        name, count = group["Name"], group["Count"]
        if not name:
            found.append(f"Job task group {place} missing name")
        elif name in names:
            found.append(f"Job task group {place} redefines '{name}' from group {names[name]}")
        names.setdefault(name, place)
        if (group["ShutdownDelay"] or 0) < 0:
            found.append("ShutdownDelay must be a positive value")
        if job["Type"] == "system" and count > 1:
            found.append(f"Job task group {name} has count {count}. Count cannot exceed 1 with system scheduler")
    return found


def _group(group: Job, job: Job) -> list[str]:
    kind = job["Type"]
    found = ["Missing task group name"] if not group["Name"] else []
    found += ["Task group count can't be negative"] if group["Count"] < 0 else []
    # Nomad adds a gateway's task before it validates
    gateway = any((service["Connect"] or {}).get("Gateway") for service in group["Services"] or ())
    found += ["Missing tasks for task group"] if not group["Tasks"] and not gateway else []
    found += _run_duration(group, kind)
    found += policies.rules(group, "group", kind)
    found += policies.restart(group["RestartPolicy"])
    found += _reschedule(group, kind)
    found += policies.disk(group["EphemeralDisk"])
    found += _update(group, kind)
    found += _task_names(group)
    found += tasks.networks(group)
    found += tasks.services(group)
    found += policies.scaling(group)
    for task in group["Tasks"] or ():
        found += within(f"Task {task['Name']} validation failed", tasks.task(task, group, kind))
    return found


def _run_duration(group: Job, kind: str) -> list[str]:
    limit = group["MaxRunDuration"]
    if limit is None:
        return []
    found = ["MaxRunDuration must be greater than zero"] if limit <= 0 else []
    return found + ([f'Job type "{kind}" does not allow max_run_duration'] if kind not in _BATCHES else [])


def _reschedule(group: Job, kind: str) -> list[str]:
    policy = group["ReschedulePolicy"]
    if kind in {"system", "sysbatch"}:
        return ["System or sysbatch jobs should not have a reschedule policy"] if policy else []
    return policies.reschedule(policy) if policy else [f"Task Group {group['Name']} should have a reschedule policy"]


def _update(group: Job, kind: str) -> list[str]:
    found: list[str] = []
    if group["Update"]:
        found += [f'Job type "{kind}" does not allow update block'] if kind not in {"service", "system"} else []
        found += policies.update(group["Update"])
    if group["Migrate"]:
        allowed = kind == "service"
        found += policies.migrate(group["Migrate"]) if allowed else [f'Job type "{kind}" does not allow migrate block']
    return found


def _task_names(group: Job) -> list[str]:
    found: list[str] = []
    names: dict[str, int] = {}
    for place, task in enumerate(group["Tasks"] or (), 1):
        if not task["Name"]:
            found.append(f"Task {place} missing name")
        elif task["Name"] in names:
            found.append(f"Task {place} redefines '{task['Name']}' from task {names[task['Name']]}")
        names.setdefault(task["Name"], place)
    if sum(bool(task["Leader"]) for task in group["Tasks"] or ()) > 1:
        found.append("Only one task may be marked as leader")
    if group["Tasks"] and all(task["Lifecycle"] for task in group["Tasks"]):
        found.append(f"Task group {group['Name']} must have at least one main task")
    return found


def _periodic(job: Job) -> list[str]:
    periodic = job["Periodic"]
    if not periodic or not periodic["Enabled"]:
        return []
    found = [] if job["Type"] in _BATCHES else ['Periodic can only be used with "batch" or "sysbatch" scheduler']
    found += ["Only cron or crons may be used"] if periodic["Spec"] and periodic["Specs"] else []
    return found + (["Must specify a spec"] if not periodic["Spec"] and not periodic["Specs"] else [])


def _parameterized(job: Job) -> list[str]:
    block = job["ParameterizedJob"]
    if not block:
        return []
    found = (
        [] if job["Type"] in _BATCHES else ['Parameterized job can only be used with "batch" or "sysbatch" scheduler']
    )
    if block["Payload"] not in {"optional", "required", "forbidden"}:
        found.append(f'Unknown payload requirement: "{block["Payload"]}"')
    both = sorted({*(block["MetaRequired"] or ())} & {*(block["MetaOptional"] or ())})
    if both:
        words = "Required and optional meta keys should be disjoint. Following keys exist in both"
        found.append(f"{words}: [{' '.join(both)}]")
    return found
