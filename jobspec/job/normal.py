"""The last steps of Nomad's parser: small defaults, and the settings that all tasks of a job share."""

from __future__ import annotations

import copy
from typing import Final

from jobspec.job.defaults import SECOND, merge
from jobspec.job.fields import Job, unset

_TEMPLATE: Final = {"ChangeMode": "restart", "Perms": "0644", "Splay": 5 * SECOND, "ErrMissingKey": False}
_SCRIPT: Final = {"Args": [], "Timeout": 5 * SECOND, "FailOnError": False, "RunOnFirstRender": False}


def normalize(job: Job, label: str) -> Job:
    """Complete the decoded job; `label` is the label of its block."""
    vault, secrets, tasks = (job.pop(name) for name in ("_Vault", "_Secrets", "_Tasks"))
    job["Name"] = label if job["Name"] is None else job["Name"]
    job["ID"] = label if job["ID"] is None else job["ID"]
    periodic = job["Periodic"]
    if periodic and (periodic["Spec"] is not None or periodic["Specs"] is not None):
        periodic["SpecType"] = "cron"
    # tasks outside of groups come first, each in its own group
    alone = [unset("TaskGroup") | {"Name": task["Name"], "Tasks": [task]} for task in tasks]
    job["TaskGroups"] = [*alone, *(job["TaskGroups"] or ())] or None
    for group in job["TaskGroups"] or ():
        for network in group["Networks"] or ():
            _ports(network)
        for task in group["Tasks"] or ():
            task["Vault"] = task["Vault"] or copy.deepcopy(vault)
            task["Secrets"] = [*(task["Secrets"] or ()), *copy.deepcopy(secrets)] or None
            _task(task)
    return job


def _ports(network: Job) -> None:
    """Split a network's ports: a port with a number is a reserved port."""
    ports = network["DynamicPorts"]
    if ports:
        network["DynamicPorts"] = [port for port in ports if port["Value"] <= 0] or None
        network["ReservedPorts"] = [port for port in ports if port["Value"] > 0] or None


def _task(task: Job) -> None:
    for network in (task["Resources"] or {}).get("Networks") or ():
        _ports(network)
    for template in task["Templates"] or ():
        template.update(merge(template, _TEMPLATE))
        if script := template["ChangeScript"]:
            template["ChangeScript"] = merge(script, _SCRIPT)
    if task["Vault"]:
        task["Vault"] = merge(task["Vault"], {"Env": True, "DisableFile": False, "ChangeMode": "restart"})
    _identity(task)


def _identity(task: Job) -> None:
    """Make the first identity without a name, or with the name `default`, the task's own identity."""
    identities = task["Identities"]
    own = next((each for each in identities or () if each["Name"] in {"", "default"}), None)
    if own is not None:
        task["Identity"] = own
        task["Identities"] = [each for each in identities if each is not own]
