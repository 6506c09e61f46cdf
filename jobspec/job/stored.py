"""Converts a job to the form in which Nomad stores it, for `GET /v1/job/:id`, plans and their diffs.

The differences from the API's canonical form: no nulls for types with a zero value, empty lists and maps are null, the
job's update block has only its pace, groups and tasks have the settings that they inherit, and implied identities are
there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from jobspec.job import defaults
from jobspec.job.canonical import canonicalize

if TYPE_CHECKING:
    from jobspec.job.fields import Job

_ZEROED: dict[str, dict[str, Any]] = {
    "Resources": {"DiskMB": 0, "IOPS": 0, "MemoryMaxMB": 0, "SecretsMB": 0},
    "Disconnect": {"LostAfter": 0},
}
_NO_UPDATE = {
    "AutoPromote": False, "AutoRevert": False, "Canary": 0, "HealthCheck": "", "HealthyDeadline": 0, "MaxParallel": 0,
    "MinHealthyTime": 0, "ProgressDeadline": 0, "Stagger": 0,
}  # fmt: skip
_SERVICE_NAME = re.compile(r"\$\{(JOB|TASKGROUP|TASK|BASE)\}")


def to_stored_form(job: Job) -> Job:
    """A new job in the form in which Nomad would store `job`, which may be submitted or in stored form already."""
    kept = canonicalize(job)
    # the groups have inherited everything but the pace by now
    paced = kept["Update"] and kept["Update"]["MaxParallel"]
    pace = {key: kept["Update"][key] for key in ("MaxParallel", "Stagger")} if paced else {}
    kept["Update"] = {**_NO_UPDATE, **pace}
    kept |= {"Datacenters": kept["Datacenters"] or ["*"], "NodePool": kept["NodePool"] or "default"}
    kept |= {key: kept[key] or "" for key in ("DispatchIdempotencyToken", "ParentID", "NomadTokenID")}
    for name in ("Migrate", "Reschedule"):
        kept.pop(name, None)
    if kept["ParameterizedJob"]:
        kept["ParameterizedJob"]["Payload"] = kept["ParameterizedJob"]["Payload"] or "optional"
    if kept["UI"]:
        kept["UI"]["Links"] = [{"Label": e["Label"], "Url": e["URL"]} for e in kept["UI"]["Links"] or ()] or None
    for group in kept["TaskGroups"] or ():
        _group(group, kept)
    _empty_is_null(kept, ("Meta", "Constraints", "Affinities", "Spreads", "TaskGroups"))
    return kept


def _empty_is_null(part: Job, keys: tuple[str, ...]) -> None:
    for key in keys:
        part[key] = part[key] or None


def _group(group: Job, job: Job) -> None:
    group["PreventRescheduleOnLost"] = bool(group["PreventRescheduleOnLost"])
    if group["Disconnect"]:
        disconnect = group["Disconnect"]
        disconnect["LostAfter"] = disconnect["LostAfter"] or 0
    # Nomad silently drops volumes of other types
    volumes = {name: each for name, each in (group["Volumes"] or {}).items() if each["Type"] in {"host", "csi"}}
    group["Volumes"] = volumes or None
    for service in group["Services"] or ():
        _service(service, job, (job["Name"], group["Name"], "group"))
    for network in group["Networks"] or ():
        _network(network)
    if group["Scaling"]:
        _scaling(group["Scaling"], {"Namespace": job["Namespace"], "Job": job["ID"], "Group": group["Name"]})
    for task in group["Tasks"] or ():
        _task(task, group, job)
    _empty_is_null(group, ("Meta", "Constraints", "Affinities", "Spreads", "Services", "Networks", "Volumes", "Tasks"))


def _scaling(policy: Job, target: dict[str, str]) -> None:
    policy["Target"] = target
    policy["Max"] = policy["Max"] or 0


def _network(network: Job) -> None:
    network["MBits"] = network["MBits"] or 0
    network["Device"] = ""
    for kind in ("ReservedPorts", "DynamicPorts"):
        network[kind] = network[kind] or None
        for port in network[kind] or ():
            port["HostNetwork"] = port["HostNetwork"] or "default"


def _service(service: Job, job: Job, where: tuple[str, str, str]) -> None:
    """Set the names of the service and its checks, and its namespace."""
    names = dict(zip(("JOB", "TASKGROUP", "TASK"), where, strict=True), BASE="-".join(where))
    service["Name"] = _SERVICE_NAME.sub(lambda found: names[found[1]], service["Name"])
    task = "" if where[2] == "group" else where[2]
    service["TaskName"] = service["TaskName"] or task
    service["Namespace"] = "default" if service["Provider"] == "consul" else job["Namespace"]
    service.pop("CheckRestart", None)
    for check in service["Checks"] or ():
        check["Name"] = check["Name"] or f'service: "{service["Name"]}" check'
        # a task's check belongs to its task, even if the job says otherwise
        check["TaskName"] = service["TaskName"] if task else check["TaskName"] or service["TaskName"]
        _empty_is_null(check, ("Args", "Header"))
        check.pop("Advertise", None)
    _empty_is_null(service, ("Tags", "CanaryTags", "Checks", "TaggedAddresses"))
    _identity(service["Identity"])
    if connect := service["Connect"]:
        _connect(connect)


def _connect(connect: Job) -> None:
    proxy = (connect["SidecarService"] or {}).get("Proxy")
    if proxy:
        proxy["Expose"] = proxy.pop("ExposeConfig", None) or proxy["Expose"]
        (proxy["Expose"] or {}).pop("Path", None)
        for upstream in proxy["Upstreams"] or ():
            upstream["MeshGateway"] = upstream["MeshGateway"] or {"Mode": ""}
    if connect["SidecarTask"]:
        _resources(connect["SidecarTask"])
        connect["SidecarTask"]["LogConfig"].pop("Enabled", None)


def _resources(task: Job) -> None:
    resources = defaults.merge(task["Resources"], _ZEROED["Resources"])
    # Nomad stores no disk for a task: the group's ephemeral disk replaced it
    resources["DiskMB"] = 0
    for network in resources["Networks"] or ():
        _network(network)
    _empty_is_null(resources, ("Networks", "Devices"))
    task["Resources"] = resources


def _identity(identity: Job | None) -> None:
    if identity:
        identity["Name"] = identity["Name"] or "default"
        identity["ChangeSignal"] = identity["ChangeSignal"].upper()
        if identity["Name"] == "default":
            identity["Audience"] = ["nomadproject.io"]


def _task(task: Job, group: Job, job: Job) -> None:
    task["CSIPluginConfig"] = task.get("CSIPluginConfig")
    task["KillTimeout"] = task["KillTimeout"] or 5 * defaults.SECOND
    task["LogConfig"].pop("Enabled", None)
    _resources(task)
    for service in task["Services"] or ():
        _service(service, job, (job["Name"], group["Name"], task["Name"]))
    where = {"Namespace": job["Namespace"], "Job": job["ID"], "Group": group["Name"], "Task": task["Name"]}
    for policy in task["ScalingPolicies"] or ():
        _scaling(policy, where)
    _identities(task)
    if task["Vault"]:
        task["Vault"].pop("Policies", None)
        task["Vault"]["Namespace"] = task["Vault"]["Namespace"] or job["VaultNamespace"]
        task["Vault"]["ChangeSignal"] = task["Vault"]["ChangeSignal"].upper()
    _empty_is_null(task, ("Meta", "Config", "Env", "Constraints", "Affinities", "VolumeMounts", "Services"))
    _empty_is_null(task, ("Artifacts", "Templates", "Secrets", "ScalingPolicies", "Actions"))
    if task["Schedule"] and not task["Schedule"]["Cron"]:
        task["Schedule"] = None


def _identities(task: Job) -> None:
    """Set a task's default identity, which Nomad adds to every task and stores apart from the author's identities."""
    for identity in task["Identities"] or ():
        _identity(identity)
        if identity["Name"] == "default":
            task["Identity"] = identity
    task["Identities"] = [each for each in task["Identities"] or () if each["Name"] != "default"] or None
    task["Identity"] = task["Identity"] or dict(defaults.IDENTITY)
    _identity(task["Identity"])
