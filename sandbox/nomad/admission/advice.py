"""The warnings Nomad gives with a plan or a register, in its words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.nomad.admission.multierror import within

if TYPE_CHECKING:
    from jobspec.job.fields import Job


def warnings(job: Job) -> list[str]:
    """All warnings about a job in stored form; `join_warnings` makes the answer's `Warnings` of them."""
    found: list[str] = []
    for group in job["TaskGroups"] or ():
        found += within(f'Group "{group["Name"]}" has warnings', _group(group))
    for group in job["TaskGroups"] or ():
        found += _shutdown_delays(group)
    updates = [group["Update"] for group in job["TaskGroups"] or () if group["Update"]]
    promoted = [each["AutoPromote"] or each["Canary"] == 0 for each in updates]
    if any(each["AutoPromote"] for each in updates) and not all(promoted):
        found.append("auto_promote must be true for all groups to enable automatic promotion")
    if (job["Periodic"] or {}).get("Spec"):
        found.append("cron is deprecated and may be removed in a future release. Use crons instead")
    return found


def join_warnings(found: list[str]) -> str:
    """The `Warnings` of an answer: one text, empty if there are no warnings."""
    if not found:
        return ""
    count = "1 warning" if len(found) == 1 else f"{len(found)} warnings"
    return f"{count}:\n" + "".join(f"\n* {each.strip()}" for each in found)


def _group(group: Job) -> list[str]:
    count, most = group["Count"], (group["Update"] or {}).get("MaxParallel", 0)
    networks = group["Networks"] or ()
    checks = (
        (count > 1 and most > count,
         (f"Update max parallel count is greater than task group count ({most} > {count}). A destructive change would "
         "result in the simultaneous replacement of all allocations.")),
        (group["MaxClientDisconnect"] is not None,
         "MaxClientDisconnect is deprecated and ignored in favor of Disconnect.LostAfter"),
        (group["StopAfterClientDisconnect"] is not None,
         "StopAfterClientDisconnect is deprecated and ignored favor of Disconnect.StopOnClientAfter"),
        (group["PreventRescheduleOnLost"],
         "PreventRescheduleOnLost is deprecated and ignored in favor of Disconnect.Replace"),
        (any(network["MBits"] > 0 for network in networks[:1]),
         "mbits has been deprecated as of Nomad 0.12.0. Please remove mbits from the network block"),
    )  # fmt: skip
    found = [text for doubtful, text in checks if doubtful]
    for task in group["Tasks"] or ():
        found += within(f'Task "{task["Name"]}" has warnings', _task(task))
    return found


def _task(task: Job) -> list[str]:
    resources = task["Resources"]
    checks = (
        (resources["IOPS"] != 0, "IOPS has been deprecated as of Nomad 0.9.0. Please remove IOPS from resource block."),
        (bool(resources["Networks"]),
         ("task network resources have been deprecated as of Nomad 0.12.0. Please configure networking via "
         "group network block.")),
    )  # fmt: skip
    return [text for doubtful, text in checks if doubtful]


def _shutdown_delays(group: Job) -> list[str]:
    """Warnings about services that would be cut off at once when their allocation stops."""
    found: list[str] = []
    referenced = {service["TaskName"] for service in group["Services"] or () if service["TaskName"]}
    unscoped = False
    for service in group["Services"] or ():
        sidecar = (service["Connect"] or {}).get("SidecarTask")
        if not service["TaskName"] and sidecar and sidecar["ShutdownDelay"] is None:
            words = "defines a sidecar task in Consul Connect definition, but the task has no shutdown_delay set"
            found.append(f'service "{service["Name"]}" {words}')
        unscoped = unscoped or not (service["TaskName"] or sidecar)
    for task in group["Tasks"] or ():
        if task["Name"] in referenced and not task["ShutdownDelay"]:
            words = "in a service definition, but the task has no shutdown_delay set"
            found.append(f'group "{group["Name"]}" references task "{task["Name"]}" {words}')
        if task["Services"] and not task["ShutdownDelay"]:
            words = "defines services, but has no shutdown_delay set"
            found.append(f'task "{task["Name"]}" in group "{group["Name"]}" {words}')
    delayed = group["ShutdownDelay"] or any(task["ShutdownDelay"] for task in group["Tasks"] or ())
    if unscoped and not delayed:
        words = "defines services, but neither the group nor any of its tasks have shutdown_delay set"
        found.append(f'group "{group["Name"]}" {words}')
    return found
