"""Fills in Nomad's defaults, as `POST /v1/jobs/parse` does with `Canonicalize: true`.

The result has the API's form, which differs from the form in which Nomad stores a registered job.
"""

from __future__ import annotations

import copy
import posixpath

from jobspec.job import defaults
from jobspec.job.canonical_services import service_of, sidecar_resources
from jobspec.job.defaults import merge
from jobspec.job.fields import Job, fill_fields


def canonicalize(job: Job) -> Job:
    """A new job with all fields and all defaults; does not change the given job."""
    whole = merge(fill_fields("Job", copy.deepcopy(job)), defaults.JOB)
    whole["Name"] = whole["ID"] if whole["Name"] is None else whole["Name"]
    if whole["Periodic"]:
        whole["Periodic"] = merge(whole["Periodic"], defaults.PERIODIC)
        whole["Periodic"]["TimeZone"] = whole["Periodic"]["TimeZone"] or "UTC"
    if whole["Update"] or whole["Type"] in {"service", "system"}:
        whole["Update"] = merge(whole["Update"] or {}, defaults.UPDATE)
    for group in whole["TaskGroups"] or ():
        _group(group, whole)
    _weights(whole)
    if whole["UI"]:
        whole["UI"]["Links"] = whole["UI"]["Links"] or None
    return whole


def _weights(part: Job) -> None:
    for kind in ("Affinities", "Spreads"):
        for each in part.get(kind) or ():
            each["Weight"] = 50 if each["Weight"] is None else each["Weight"]


def _group(group: Job, job: Job) -> None:
    group["Name"] = group["Name"] or ""
    _scale(group)
    _policies(group, job)
    group["EphemeralDisk"] = merge(group["EphemeralDisk"] or {}, defaults.EPHEMERAL_DISK)
    if group["Consul"]:
        group["Consul"]["Namespace"] = group["Consul"]["Namespace"] or job["ConsulNamespace"]
        group["Consul"]["Cluster"] = group["Consul"]["Cluster"] or "default"
    if group["Disconnect"]:
        group["Disconnect"] = merge(group["Disconnect"], defaults.DISCONNECT)
    for task in group["Tasks"] or ():
        _task(task, group, job)
    for service in group["Services"] or ():
        service_of(service, f"{job['Name']}-{group['Name']}")
    _weights(group)


def _scale(group: Job) -> None:
    scaling = group["Scaling"]
    if group["Count"] is None:
        # a group with autoscaling starts at its minimum
        group["Count"] = scaling["Min"] if scaling and scaling["Min"] is not None else 1
    if scaling:
        scaling |= merge(scaling, {"Enabled": True, "Min": group["Count"]})
        scaling["Type"] = scaling["Type"] or "horizontal"


def _policies(group: Job, job: Job) -> None:
    """Set a group's policies: its own settings come first, then the job's, then Nomad's defaults."""
    kind = job["Type"]
    # a stored batch job has an update block of zeros, which counts as none
    if group["Update"] or any((job["Update"] or {}).values()):
        group["Update"] = merge(merge(group["Update"] or {}, job["Update"] or {}), defaults.UPDATE)
    if group["ReschedulePolicy"] or job["Reschedule"] or kind not in {"system", "sysbatch"}:
        policy = merge(group["ReschedulePolicy"] or {}, job["Reschedule"] or {})
        group["ReschedulePolicy"] = merge(policy, defaults.RESCHEDULE.get(kind, defaults.NO_RESCHEDULE))
    if group["Migrate"] or job["Migrate"] or kind == "service":
        group["Migrate"] = merge(merge(group["Migrate"] or {}, job["Migrate"] or {}), defaults.MIGRATE)
    group["RestartPolicy"] = merge(group["RestartPolicy"] or {}, defaults.RESTART.get(kind, defaults.RESTART["batch"]))


def _task(task: Job, group: Job, job: Job) -> None:
    task["Resources"] = sidecar_resources(task["Resources"])
    task["KillTimeout"] = 5 * defaults.SECOND if task["KillTimeout"] is None else task["KillTimeout"]
    task["LogConfig"] = merge(task["LogConfig"] or fill_fields("LogConfig", {}), defaults.LOGS)
    task["RestartPolicy"] = merge(task["RestartPolicy"] or {}, group["RestartPolicy"])
    task["Templates"] = task["Templates"] and [_template(each) for each in task["Templates"]]
    task["Artifacts"] = task["Artifacts"] and [_artifact(each) for each in task["Artifacts"]]
    task["VolumeMounts"] = task["VolumeMounts"] and [merge(e, defaults.VOLUME_MOUNT) for e in task["VolumeMounts"]]
    if task["Vault"]:
        task["Vault"] = merge(task["Vault"], defaults.VAULT)
        task["Vault"]["Cluster"] = task["Vault"]["Cluster"] or "default"
    if task["Consul"]:
        task["Consul"]["Cluster"] = task["Consul"]["Cluster"] or "default"
    for secret in task["Secrets"] or ():
        secret |= {"Config": secret["Config"] or None, "Env": secret["Env"] or None}
    for service in task["Services"] or ():
        service_of(service, f"{job['Name']}-{group['Name']}-{task['Name']}")
    if plugin := task.get("CSIPluginConfig"):
        plugin["MountDir"] = plugin["MountDir"] or "/csi"
        plugin["StagePublishBaseDir"] = plugin["StagePublishBaseDir"] or "/local/csi"
        plugin["HealthTimeout"] = plugin["HealthTimeout"] or 30 * defaults.SECOND
    _weights(task)


def _template(template: Job) -> Job:
    whole = merge(template, defaults.TEMPLATE)
    if whole["ChangeSignal"] is None:
        whole["ChangeSignal"] = "SIGHUP" if whole["ChangeMode"] == "signal" else ""
    whole["ChangeSignal"] = whole["ChangeSignal"].upper()
    if whole["ChangeScript"]:
        whole["ChangeScript"] = merge(whole["ChangeScript"], defaults.CHANGE_SCRIPT)
    return whole


def _artifact(artifact: Job) -> Job:
    whole = merge(artifact, {"GetterMode": "any", "GetterInsecure": False, "GetterSource": ""})
    whole |= {"GetterOptions": whole["GetterOptions"] or None, "GetterHeaders": whole["GetterHeaders"] or None}
    if whole["RelativeDest"] is None:
        source = posixpath.basename(whole["GetterSource"].rstrip("/"))
        whole["RelativeDest"] = posixpath.join("local", source) if whole["GetterMode"] == "file" else "local/"
    return whole
