"""Whether a change replaces a group's allocations or updates them in place (as Nomad 2.0's scheduler plans it)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobspec.job.fields import Job

_GROUP = ("EphemeralDisk", "Volumes")
_TASK = (
    "Driver", "User", "Config", "Env", "Artifacts", "Vault", "Secrets", "Templates", "CSIPluginConfig", "Identity",
    "Identities",
)  # fmt: skip
_RESOURCES = ("CPU", "Cores", "MemoryMB", "MemoryMaxMB", "Devices", "NUMA", "SecretsMB")
_NETWORK = ("Mode", "MBits", "Hostname", "DNS", "CNI")


def is_destructive(old_group: Job, new_group: Job, old_job: Job | None = None, new_job: Job | None = None) -> bool:
    """Whether a change from one group to the other replaces its allocations.

    Groups and jobs are in stored form (`to_stored_form`); only the Meta of the jobs matters, which every
    task inherits.
    """
    old_tasks = {task["Name"]: task for task in old_group["Tasks"] or ()}
    new_tasks = {task["Name"]: task for task in new_group["Tasks"] or ()}
    # an added or removed task needs a new allocation
    if old_tasks.keys() != new_tasks.keys() or _group_changed(old_group, new_group):
        return True
    metas = [{**((job or {}).get("Meta") or {}), **(group["Meta"] or {})}
             for job, group in ((old_job, old_group), (new_job, new_group))]  # fmt: skip
    return any(
        _task_changed(task, new_tasks[name]) or _meta(metas[0], task) != _meta(metas[1], new_tasks[name])
        for name, task in old_tasks.items()
    )


def _group_changed(old: Job, new: Job) -> bool:
    return (
        _differ(old, new, _GROUP)
        or _networks(old["Networks"]) != _networks(new["Networks"])
        or _consul_changed(old["Consul"], new["Consul"])
        or _connect_changed(old["Services"], new["Services"])
        or _renders(old) != _renders(new)
    )


def _task_changed(old: Job, new: Job) -> bool:
    return (
        _differ(old, new, _TASK)
        or _differ(old["Resources"], new["Resources"], _RESOURCES)
        or _networks(old["Resources"]["Networks"]) != _networks(new["Resources"]["Networks"])
        or _mounts(old) != _mounts(new)
        or bool(old["LogConfig"]["Disabled"]) != bool(new["LogConfig"]["Disabled"])
        or _consul_changed(old["Consul"], new["Consul"])
        or _renders(old) != _renders(new)
    )


def _differ(old: Job, new: Job, keys: tuple[str, ...]) -> bool:
    return any((old.get(key) or None) != (new.get(key) or None) for key in keys)


def _meta(inherited: Job, task: Job) -> Job:
    return {**inherited, **(task["Meta"] or {})}


def _mounts(task: Job) -> list[Any]:
    return [each | {"SELinuxLabel": each.get("SELinuxLabel") or ""} for each in task["VolumeMounts"] or ()]


def _renders(part: Job) -> bool:
    return bool((part["RestartPolicy"] or {}).get("RenderTemplates"))


def _networks(networks: list[Job] | None) -> list[Any]:
    """The parts of a group's networks that are fixed in a running allocation; the number of a dynamic port is not."""
    return [
        [
            [network.get(key) or None for key in _NETWORK],
            _ports(network, "ReservedPorts"),
            _ports(network, "DynamicPorts"),
        ]
        for network in networks or ()
    ]


def _ports(network: Job, kind: str) -> list[Any]:
    dynamic = kind == "DynamicPorts"
    return [
        (port["Label"], -1 if dynamic else port["Value"], port["To"], port["HostNetwork"])
        for port in network[kind] or ()
    ]


def _consul_changed(old: Job | None, new: Job | None) -> bool:
    if (old or {}).get("Namespace", "") != (new or {}).get("Namespace", ""):
        return True
    # adding or removing the block keeps the default cluster
    return bool(old and new and _differ(old, new, ("Cluster", "Partition")))


def _connect_changed(old: list[Job] | None, new: list[Job] | None) -> bool:
    """Whether the service mesh changed, which is set up with the allocation; plain services are only re-registered."""
    for service in old or ():
        other = next((each for each in new or () if each["Name"] == service["Name"]), None)
        if not service["Connect"] or other is None:
            continue
        if _mesh(service["Connect"]) != _mesh(other["Connect"]) or _differ(service, other, ("PortLabel", "Cluster")):
            return True
    return False


def _mesh(connect: Job | None) -> Any:
    if not connect:
        return None
    sidecar = connect["SidecarService"]
    return connect["Native"], connect["Gateway"], connect["SidecarTask"], sidecar and sidecar["Port"]
