"""Validates tasks, networks and services, with Nomad's error texts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from jobspec.job.defaults import SECOND
from sandbox.nomad.admission.multierror import duration, multierror, within
from sandbox.nomad.admission.policies import rules

if TYPE_CHECKING:
    from jobspec.job.fields import Job

_NAME: Final = re.compile(r"(?=.{1,63}\Z)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\Z")
_NO_SCRIPT: Final = "must specify change script configuration value when change mode is script"
_CHECKS: Final = {"consul": ("grpc", "tcp", "http", "script"), "nomad": ("tcp", "http")}


def task(block: Job, group: Job, job_type: str) -> list[str]:
    """Problems of a task."""
    found = _task_itself(block)
    found += _kill_timeout(block, group, job_type)
    found += ["ShutdownDelay must be a positive value"] if block["ShutdownDelay"] < 0 else []
    found += [multierror(each) for each in (_resources(block["Resources"]), _logs(block, group)) if each]
    found += rules(block, "task", job_type)
    for place, rule in enumerate(block["Constraints"] or (), 1):
        if rule["Operand"] in {"distinct_hosts", "distinct_property"}:
            found.append(f"Constraint {place} has disallowed Operand at task level: {rule['Operand']}")
    found += _templates(block)
    if block["Lifecycle"]:
        found += [f"Lifecycle validation failed: {each}" for each in _hook(block["Lifecycle"]["Hook"])]
    for place, mount in enumerate(block["VolumeMounts"] or ()):
        if mount["Volume"] not in (group["Volumes"] or {}):
            found.append(f"Volume Mount ({place}) references undefined volume {mount['Volume']}")
    return found


def _task_itself(block: Job) -> list[str]:
    name = block["Name"]
    checks = (
        (not name, "Missing task name"),
        (name == "alloc", 'Task cannot be named "alloc"'),
        ("/" in name or "\\" in name, "Task name cannot include slashes"),
        (not block["Driver"], "Missing task driver"),
    )
    return [text for wrong, text in checks if wrong]


def _kill_timeout(block: Job, group: Job, job_type: str) -> list[str]:
    timeout, progress = block["KillTimeout"], (group["Update"] or {}).get("ProgressDeadline", 0)
    if timeout < 0:
        return ["KillTimeout must be a positive value"]
    if job_type == "service" and 0 < progress < timeout:
        # the spelling is Nomad's
        words = f"({duration(timeout)}) longer than the group's ProgressDeadline ({duration(progress)})"
        return [f"KillTimout {words}"]
    return []


def _resources(block: Job) -> list[str]:
    cpu, cores, memory, most = (block[key] for key in ("CPU", "Cores", "MemoryMB", "MemoryMaxMB"))
    least = [f"minimum CPU value is 1; got {cpu}"] if cores == 0 and cpu < 1 else []
    least += [f"minimum MemoryMB value is 10; got {memory}"] if memory < 10 else []
    secrets = block["SecretsMB"]
    checks = (
        (cores > 0 and cpu > 0, "Task can only ask for 'cpu' or 'cores' resource, not both."),
        (cores < 0, f"cores value ({cores}) cannot be negative"),
        (bool(least), multierror(least)),
        (most not in {0, -1} and most < memory,
         f"MemoryMaxMB value ({most}) should be larger than MemoryMB value ({memory})"),
        (secrets > memory, f"SecretsMB value ({secrets}) cannot be larger than MemoryMB value ({memory})"),
        (secrets < 0, f"SecretsMB value ({secrets}) cannot be negative"),
    )  # fmt: skip
    return [text for wrong, text in checks if wrong]


def _logs(block: Job, group: Job) -> list[str]:
    logs, disk = block["LogConfig"], group["EphemeralDisk"]["SizeMB"]
    use = logs["MaxFiles"] * logs["MaxFileSizeMB"]
    checks = (
        (logs["MaxFiles"] < 1, f"minimum number of files is 1; got {logs['MaxFiles']}"),
        (logs["MaxFileSizeMB"] < 1, f"minimum file size is 1MB; got {logs['MaxFileSizeMB']}"),
        (disk <= use, f"log storage ({use} MB) must be less than requested disk capacity ({disk} MB)"),
    )
    return [text for wrong, text in checks if wrong]


def _templates(block: Job) -> list[str]:
    found: list[str] = []
    places: dict[str, int] = {}
    for place, template in enumerate(block["Templates"] or (), 1):
        found += within(f"Template {place} validation failed", _template(template))
        if template["DestPath"] in places:
            found.append(f"Template {place} has same destination as {places[template['DestPath']]}")
        places.setdefault(template["DestPath"], place)
    return found


def _template(template: Job) -> list[str]:
    mode, signal = template["ChangeMode"], template["ChangeSignal"]
    checks = (
        (not template["SourcePath"] and not template["EmbeddedTmpl"],
         "Must specify a source path or have an embedded template"),
        (not template["DestPath"], "Must specify a destination for the template"),
        (mode == "signal" and not signal, "Must specify signal value when change mode is signal"),
        (mode == "signal" and template["Envvars"], "cannot use signals with env var templates"),
        (mode == "script" and not template["ChangeScript"], _NO_SCRIPT),
        (mode not in {"noop", "restart", "signal", "script"}, "Invalid change mode given: " + f'"{mode}"'),
        (template["Splay"] < 0, "Must specify positive splay value"),
    )  # fmt: skip
    return [text for wrong, text in checks if wrong]


def _hook(hook: str) -> list[str]:
    if not hook:
        return ["no lifecycle hook provided"]
    return [] if hook in {"prestart", "poststart", "poststop"} else [f"invalid hook: {hook}"]


def networks(group: Job) -> list[str]:
    """Problems of the ports of a group and its tasks."""
    found: list[str] = []
    labels: dict[str, str] = {}
    taken: dict[tuple[str, int], str] = {}
    for network in group["Networks"] or ():
        for port in _ports(network):
            found += _label(port, labels, "taskgroup network")
            found += _static(port, taken, f"taskgroup network:{port['Label']}", collide=not port["IgnoreCollision"])
            if port["To"] < -1:
                found.append(f'Port "{port["Label"]}" cannot be mapped to negative value {port["To"]}')
            elif port["To"] > 65535:
                words = f"({port['To']}) greater than 65535"
                found.append(f'Port "{port["Label"]}" cannot be mapped to a port {words}')
    for each in group["Tasks"] or ():
        for network in each["Resources"]["Networks"] or ():
            for port in _ports(network):
                found += _label(port, dict(labels), each["Name"])
                found += _static(port, taken, f"{each['Name']}:{port['Label']}", collide=True)
    return within("Task group network validation failed", found)


def _ports(network: Job) -> list[Job]:
    return [*(network["ReservedPorts"] or ()), *(network["DynamicPorts"] or ())]


def _label(port: Job, labels: dict[str, str], where: str) -> list[str]:
    if port["Label"] in labels:
        return [f"Port label {port['Label']} already in use by {labels[port['Label']]}"]
    labels[port["Label"]] = where
    return []


def _static(port: Job, taken: dict[tuple[str, int], str], where: str, *, collide: bool) -> list[str]:
    key = port["HostNetwork"] or "default", port["Value"]
    if not port["Value"]:
        return []
    if key in taken:
        return [f"Static port {port['Value']} already reserved by {taken[key]}"] if collide else []
    if port["Value"] > 65535:
        return [f"Port {port['Label']} ({port['Value']}) cannot be greater than 65535"]
    taken[key] = where
    return []


def services(group: Job) -> list[str]:
    """Problems of the services of a group; the services of its tasks count for unique names and providers."""
    found: list[str] = []
    names = {each["Name"] for each in group["Tasks"] or ()}
    own = [(each["Name"], service) for each in group["Tasks"] or () for service in each["Services"] or ()]
    own += [("group", service) for service in group["Services"] or ()]
    for place, service in enumerate(group["Services"] or ()):
        wrong = _service(service)
        found += within(f"Service[{place}] {service['Name']} validation failed", wrong)
        for check in () if wrong else service["Checks"] or ():
            if check["TaskName"] and check["TaskName"] not in names:
                found.append(f"Check {check['Name']} invalid: refers to non-existent task {check['TaskName']}")
    found += _twice(own)
    if len({service["Provider"] for _owner, service in own}) > 1:
        found.append("Multiple service providers used: task group services must use the same provider")
    return within("Task group service validation failed", found)


def _twice(own: list[tuple[str, Any]]) -> list[str]:
    seen: set[tuple[str, str, str]] = set()
    again: list[str] = []
    for owner, service in own:
        key = owner, service["Name"], service["PortLabel"]
        words = f"{owner}->{service['Name']}" + (f":{service['PortLabel']}" if service["PortLabel"] else "")
        again += [words] if key in seen and words not in again else []
        seen.add(key)
    return [f"Services are not unique: {', '.join(again)}"] if again else []


def _service(service: Job) -> list[str]:
    found: list[str] = []
    # a name with a variable for the client counts as valid
    plain = re.sub(r"\$\{[^}]*\}", "ENV-VAR", service["Name"])
    if not _NAME.match(plain):
        words = (
            "Service name must be valid per RFC 1123 and can contain only alphanumeric characters or dashes and must "
        )
        found.append(f'{words}be no longer than 63 characters: "{service["Name"]}"')
    if service["Provider"] not in _CHECKS:
        found.append(f'Service provider must be "consul", or "nomad"; not "{service["Provider"]}"')
        return found
    for check in service["Checks"] or ():
        port = service["PortLabel"] or check["PortLabel"]
        if not port and check["Type"] in {"grpc", "http", "tcp"}:
            words = f'check requires a port but neither check nor service "{service["Name"]}" have a port'
            found.append(f"Check {check['Name']} invalid: {words}")
        elif wrong := _check(check, service["Provider"]):
            found.append(f"Check {check['Name']} invalid: {wrong}")
    return found


def _check(check: Job, provider: str) -> str | None:
    """The first problem of a check, because Nomad reports only one."""
    kind, interval, timeout = check["Type"].lower(), check["Interval"], check["Timeout"]
    if kind not in _CHECKS[provider]:
        return f'invalid check type ("{kind}"), must be one of {", ".join(_CHECKS[provider])}'
    checks = (
        (kind == "http" and not check["Path"], "http type must have http path"),
        (kind == "http" and "://" in check["Path"], "http type must have relative http path"),
        (kind == "script" and not check["Command"], "script type must have a valid script path"),
        (interval == 0, "missing required value interval. Interval cannot be less than 1s"),
        (interval < SECOND, f"interval ({duration(interval)}) cannot be lower than 1s"),
        (timeout == 0, "missing required value timeout. Timeout cannot be less than 1s"),
        (timeout < SECOND, f"timeout ({duration(timeout)}) is lower than required minimum timeout 1s"),
        (provider == "nomad" and check["Expose"], "expose may only be set for Consul service checks"),
    )
    return next((text for wrong, text in checks if wrong), None)
