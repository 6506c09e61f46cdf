"""What Nomad adds to a registered job because of something else in it, and how to tell it from what people wrote.

Nomad's admission hooks add constraints, identities for Consul and Vault, and Connect's tasks and ports (docs/nomad.md,
"What a register adds"). The addition follows from its cause, which is compared, so it is no change of its own.
"""

from __future__ import annotations

import copy
import re
from functools import partial
from typing import TYPE_CHECKING, Final

from jobspec.job.defaults import GATEWAY_CONNECT_TIMEOUT
from jobspec.job.implied import with_implied

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator

    from bot.domain.deploy.plan import Job

_FORMER: Final = {">= 1.7.0": ">= 1.8.0"}
"""Values of implied constraints in older versions of Nomad, and their values now."""

_SERVICE_IDENTITY: Final = ("consul-service_", "consul-service/")
_CONSUL: Final = ["consul.io"]
_CONNECT_PORT: Final = re.compile(r"connect-(?:(?:proxy|ingress|terminating)-(?P<service>.+)|mesh-(?P<mesh>.+)-lan)")
_PORT: Final = re.compile(r"connect-|svc_.*_ck_[0-9a-f]+$")
_BINDING: Final = ("EnvoyGatewayBindAddresses", "EnvoyGatewayBindTaggedAddresses", "EnvoyGatewayNoDefaultBind")


def without_implied(job: Job) -> Job:
    """The job in stored form, changed in place, without the constraints that it implies."""
    bare = copy.deepcopy(job)
    for part in _parts(bare):
        part["Constraints"] = None
    for part, other in zip(_parts(job), _parts(with_implied(bare)), strict=True):
        implied = other["Constraints"] or ()
        rules = part.get("Constraints") or ()
        part["Constraints"] = [each for each in rules if not any(_is_implied(each, rule) for rule in implied)] or None
    return job


def _is_implied(rule: Job, implied: Job) -> bool:
    return implied in (rule, {**rule, "RTarget": _FORMER.get(rule["RTarget"], rule["RTarget"])})


def _parts(job: Job) -> list[Job]:
    groups = job["TaskGroups"] or ()
    return [part for group in groups for part in (group, *(group["Tasks"] or ()))]


def without_additions(live: Job, new: Job) -> Job:
    """The live job, both in stored form, without the identities, tasks and ports that Nomad made.

    One that the new job has too was written by its author, and stays.
    """
    result = copy.deepcopy(live)
    groups = _by_name(new["TaskGroups"])
    for group in result["TaskGroups"] or ():
        other = groups.get(group["Name"]) or {}
        _services(group, other, {port["Label"] for port in _ports(other)})
        tasks = _by_name(other.get("Tasks"))
        connected = _connected(group)
        _keep(group, "Tasks", "Name", tasks, partial(_is_connect, connected=connected))
        for task in group["Tasks"] or ():
            _task(task, tasks.get(task["Name"]) or {}, group)
    return result


def _connected(part: Job) -> frozenset[str]:
    """Names of the services for which Nomad makes a proxy or gateway: only those explain such a task or port."""
    return frozenset(service["Name"] for service in part["Services"] or () if service["Connect"])


def _task(task: Job, other: Job, group: Job) -> None:
    causes = [("vault_", task["Vault"]), ("consul_", task["Consul"] or group["Consul"] or task["Templates"])]
    kinds = tuple(kind for kind, cause in causes if cause)
    written = _by_name(other.get("Identities"))
    _keep(task, "Identities", "Name", written, lambda identity: str(identity["Name"]).startswith(kinds))
    # a task behind a Connect-native service is marked as one
    if str(task["Kind"]).startswith("connect-native:") and not other.get("Kind"):
        task["Kind"] = ""
    _services(task, other, ())


def _services(part: Job, other: Job, written: Container[str]) -> None:
    """Take what was added out of the services of a group or task, and of a group's networks; ``written`` are ports."""
    services = _by_name(other.get("Services"))
    added, connected = set(_generated_ports(part["Services"] or (), services, written)), _connected(part)
    for service in part["Services"] or ():
        same = services.get(service["Name"]) or {}
        _service_identity(service, same)
        if service["Connect"]:
            _connect(service, same, added)
    for network in part.get("Networks") or ():
        ports = network["DynamicPorts"] or ()
        left = [
            each for each in ports if each["Label"] in written or not _is_added_port(each["Label"], added, connected)
        ]
        network["DynamicPorts"] = left or None


def _generated_ports(services: Iterable[Job], others: dict[str, Job], written: Container[str]) -> Iterator[str]:
    for service in services:
        for check in service["Checks"] or ():
            if check["Expose"] and check["PortLabel"] not in written and _PORT.match(check["PortLabel"]):
                yield check["PortLabel"]
        sidecar = (service["Connect"] or {}).get("SidecarService") or {}
        if sidecar.get("Port") and sidecar["Port"] not in written and service["Name"] in others:
            yield sidecar["Port"]


def _service_identity(service: Job, same: Job) -> None:
    """Nomad adds an identity to a service in Consul, or names the one that its author wrote."""
    identity, own = service["Identity"], same.get("Identity")
    if not identity or not str(identity["Name"]).startswith(_SERVICE_IDENTITY):
        return
    if own:
        identity |= {"Name": own["Name"], "ServiceName": own["ServiceName"]}
    elif identity["Audience"] == _CONSUL:
        # another audience may be the server's setting or the author's: it is shown rather than guessed
        service["Identity"] = None


def _connect(service: Job, same: Job, added: Container[str]) -> None:
    """Undo what Nomad fills into a service's proxy or gateway."""
    connect, own = service["Connect"], same.get("Connect") or {}
    paths = {check["Path"] for check in service["Checks"] or () if check["Expose"]}
    for check in service["Checks"] or ():
        if check["PortLabel"] in added:
            check["PortLabel"] = ""
    proxy = (connect["SidecarService"] or {}).get("Proxy")
    if proxy and paths:
        _exposed(connect["SidecarService"], (own.get("SidecarService") or {}).get("Proxy"), paths)
    if connect["Native"] and not same.get("TaskName"):
        # the only task of a group is behind its native service
        service["TaskName"] = ""
    gateway, written = connect["Gateway"], own.get("Gateway")
    if gateway and written and gateway["Proxy"]:
        _gateway(gateway, written)
        if not same["PortLabel"] and _PORT.match(service["PortLabel"]):
            service["PortLabel"] = ""


def _exposed(sidecar: Job, own: Job | None, paths: Container[str]) -> None:
    """Take the paths that Nomad exposes for checks out of a sidecar's proxy."""
    proxy = sidecar["Proxy"]
    written = ((own or {}).get("Expose") or {}).get("Paths") or ()
    found = (proxy["Expose"] or {}).get("Paths") or ()
    left = [each for each in found if each in written or each["Path"] not in paths]
    proxy["Expose"] = {"Paths": left} if left or (own or {}).get("Expose") else None
    if own is None and not any(proxy.values()):
        sidecar["Proxy"] = None


def _gateway(gateway: Job, written: Job) -> None:
    own = written["Proxy"] or {}
    proxy = gateway["Proxy"]
    if not any(own.get(key) for key in _BINDING):
        proxy |= {key: own.get(key) for key in _BINDING}
    if not own and {key: value for key, value in proxy.items() if value} == {"ConnectTimeout": GATEWAY_CONNECT_TIMEOUT}:
        gateway["Proxy"] = None


def _ports(group: Job) -> list[Job]:
    networks = group.get("Networks") or ()
    kinds = ("DynamicPorts", "ReservedPorts")
    return [port for network in networks for kind in kinds for port in network[kind] or ()]


def _is_connect(task: Job, connected: Container[str]) -> bool:
    kind, _, service = str(task["Kind"]).partition(":")
    return kind.startswith("connect-") and service in connected and task["Name"] == f"{kind}-{service}"


def _is_added_port(label: str, added: Container[str], connected: Container[str]) -> bool:
    found = _CONNECT_PORT.fullmatch(label)
    return label in added or (found is not None and (found["service"] or found["mesh"]) in connected)


def _keep(part: Job, name: str, key: str, written: Container[str], added: Callable[[Job], bool]) -> None:
    """Keep the elements that somebody wrote; a list without any is unset, as Nomad stores it."""
    part[name] = [each for each in part[name] or () if each[key] in written or not added(each)] or None


def _by_name(parts: Iterable[Job] | None) -> dict[str, Job]:
    return {each["Name"]: each for each in parts or ()}
