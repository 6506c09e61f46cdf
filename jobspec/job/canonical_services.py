"""Fills in Nomad's defaults for services, their checks and their Consul sidecars."""

from __future__ import annotations

from jobspec.job import defaults
from jobspec.job.defaults import merge
from jobspec.job.fields import Job, fill_fields

_UNSET_WHEN_EMPTY = ("Meta", "CanaryMeta", "TaggedAddresses")


def service_of(service: Job, default_name: str) -> None:
    """Fill a service's defaults in place; `default_name` is `job-group` or `job-group-task`."""
    words = {"Name": default_name, "AddressMode": "auto", "OnUpdate": "require_healthy"}
    for key, value in {**words, "Provider": "consul", "Cluster": "default"}.items():
        service[key] = service[key] or value
    for key in _UNSET_WHEN_EMPTY:
        service[key] = service[key] or None
    if service["Weights"]:
        service["Weights"] = {kind: max(1, weight) for kind, weight in service["Weights"].items()}
    if service["Connect"]:
        _connect(service["Connect"])
    for check in service["Checks"] or ():
        check["CheckRestart"] = check_restart_of(service["CheckRestart"], check["CheckRestart"])
        check["OnUpdate"] = check["OnUpdate"] or service["OnUpdate"]
        for key in ("SuccessBeforePassing", "FailuresBeforeCritical", "FailuresBeforeWarning"):
            check[key] = max(0, check[key])


def check_restart_of(service: Job | None, check: Job | None) -> Job | None:
    """A check's restart settings: its own, or its service's, with a default grace of one second."""
    if not service and not check:
        return None
    merged = dict(service or check or {})
    if service and check:
        merged |= {key: value for key, value in check.items() if value}
        merged["Grace"] = service["Grace"] if check["Grace"] is None else check["Grace"]
    return merge(merged, defaults.CHECK_RESTART)


def sidecar_resources(resources: Job | None) -> Job:
    """Resources with Nomad's defaults of 100 MHz and 300 MB; a task that reserves cores gets no CPU share."""
    whole = resources or fill_fields("Resources", {})
    # a reserved core includes all of its CPU time
    cpu = 100 if whole["Cores"] is None else 0
    whole = merge(whole, {"CPU": cpu, "Cores": 0, "MemoryMB": 300})
    for device in whole["Devices"] or ():
        device["Count"] = 1 if device["Count"] is None else device["Count"]
        for affinity in device["Affinities"] or ():
            affinity["Weight"] = 50 if affinity["Weight"] is None else affinity["Weight"]
    if whole["NUMA"]:
        whole["NUMA"]["Affinity"] = whole["NUMA"]["Affinity"] or "none"
        whole["NUMA"]["Devices"] = whole["NUMA"]["Devices"] or None
    return whole


def _connect(connect: Job) -> None:
    if sidecar := connect["SidecarService"]:
        sidecar |= {"Tags": sidecar["Tags"] or None, "Meta": sidecar["Meta"] or None}
        if sidecar["Proxy"]:
            _proxy(sidecar["Proxy"])
    if task := connect["SidecarTask"]:
        _sidecar_task(task)
    gateway = (connect["Gateway"] or {}).get("Proxy")
    if gateway:
        gateway |= merge(gateway, {"ConnectTimeout": defaults.GATEWAY_CONNECT_TIMEOUT})
        gateway |= {key: gateway[key] or None for key in ("EnvoyGatewayBindAddresses", "Config")}


def _proxy(proxy: Job) -> None:
    proxy |= {key: proxy[key] or None for key in ("Upstreams", "Config")}
    for upstream in proxy["Upstreams"] or ():
        upstream["Config"] = upstream["Config"] or None
    if expose := proxy["Expose"]:
        expose |= {key: expose[key] or None for key in ("Paths", "Path")}
    if transparent := proxy["TransparentProxy"]:
        for key in ("ExcludeInboundPorts", "ExcludeOutboundPorts", "ExcludeOutboundCIDRs", "ExcludeUIDs"):
            transparent[key] = transparent[key] or None


def _sidecar_task(task: Job) -> None:
    task |= {key: task[key] or None for key in ("Config", "Env", "Meta")}
    task["Resources"] = sidecar_resources(task["Resources"])
    task["LogConfig"] = merge(task["LogConfig"] or fill_fields("LogConfig", {}), defaults.LOGS)
    task |= merge(task, {"KillTimeout": 5 * defaults.SECOND, "ShutdownDelay": 0})
    task["VolumeMounts"] = task["VolumeMounts"] and [merge(e, defaults.VOLUME_MOUNT) for e in task["VolumeMounts"]]
