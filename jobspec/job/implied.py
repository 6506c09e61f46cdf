"""Constraints that Nomad adds to a job for features that some clients lack: Consul, Vault, signals, bridge networks."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobspec.job.fields import Job

_BRIDGE: Final = ("bridge", "firewall", "host-local", "loopback", "portmap")


def with_implied(job: Job) -> Job:
    """A copy of a job in stored form, with Nomad's implied constraints."""
    whole = copy.deepcopy(job)
    # Nomad adds the secrets of one group to all of them
    tasks = [task for group in whole["TaskGroups"] or () for task in group["Tasks"] or ()]
    providers = sorted({str(secret["Provider"]) for task in tasks for secret in task["Secrets"] or ()})
    for group in whole["TaskGroups"] or ():
        for rule, by_attribute in _of_group(group):
            _add(group, rule, by_attribute=by_attribute)
        if any(service["Provider"] == "consul" for service in _services(group)):
            for part in (group, *(group["Tasks"] or ())):
                for service in part["Services"] or ():
                    if service["Provider"] == "consul":
                        _add(part, _require_fingerprint("consul", service["Cluster"], ">= 1.8.0"), by_attribute=True)
        # after those of services: the order shows in a diff
        for rule, by_attribute in _of_networks(group):
            _add(group, rule, by_attribute=by_attribute)
        for rule, by_attribute in _of_versions(group, providers):
            _add(group, rule, by_attribute=by_attribute)
    return whole


def _rule(attribute: str, operand: str, value: str) -> Job:
    return {"LTarget": "${attr." + attribute + "}", "RTarget": value, "Operand": operand}


def _require_fingerprint(what: str, cluster: str, version: str) -> Job:
    default = cluster in {"", "default"}
    return _rule(f"{what}.version" if default else f"{what}.{cluster}.version", "semver", version)


def _services(group: Job) -> Iterator[Job]:
    yield from group["Services"] or ()
    for task in group["Tasks"] or ():
        yield from task["Services"] or ()


def _of_group(group: Job) -> Iterator[tuple[Job, bool]]:
    """The implied constraints, each with whether any constraint on the same attribute replaces it."""
    for task in sorted(group["Tasks"] or (), key=lambda each: str(each["Name"])):
        if task["Vault"]:
            least = ">= 0.6.1" if task["Vault"]["Cluster"] in {"", "default"} else ">= 1.11.0"
            yield _require_fingerprint("vault", task["Vault"]["Cluster"], least), True
    if any(task["Resources"]["NUMA"] for task in group["Tasks"] or ()):
        yield _rule("nomad.version", "semver", ">= 1.6.3-dev"), False
        yield _rule("kernel.name", "=", "linux"), False
    if signals := sorted(set(_signals(group))):
        yield _rule("os.signals", "set_contains", ",".join(signals)), False
    native = [service for service in _services(group) if service["Provider"] == "nomad"]
    if native:
        yield _rule("nomad.service_discovery", "=", "true"), False
    if any(service["Checks"] for service in native):
        yield _rule("nomad.version", "semver", ">= 1.4.0"), False


def _of_networks(group: Job) -> Iterator[tuple[Job, bool]]:
    if any(network["Mode"] == "bridge" for network in group["Networks"] or ()):
        for plugin in _BRIDGE:
            yield _rule(f"plugins.cni.version.{plugin}", "semver", ">= 0.4.0"), True
    sidecars = [(service["Connect"] or {}).get("SidecarService") or {} for service in group["Services"] or ()]
    if any((sidecar.get("Proxy") or {}).get("TransparentProxy") for sidecar in sidecars):
        yield _rule("plugins.cni.version.consul-cni", "semver", ">= 1.4.2"), True
        yield _rule("nomad.version", "semver", ">= 1.8.0-dev"), True


def _of_versions(group: Job, providers: list[str]) -> Iterator[tuple[Job, bool]]:
    """Constraints for plugins and Nomad clients that a group's secrets, schedules and identities need."""
    for provider in providers:
        yield _rule(f"plugins.secrets.{provider}.version", "is_set", ""), True
    tasks = group["Tasks"] or ()
    if any(task["Schedule"] for task in tasks):
        yield _rule("nomad.version", "semver", ">= 1.8.0-dev"), True
    if any(part["Identities"] for part in tasks) or any(service["Identity"] for service in _services(group)):
        yield _rule("nomad.version", "semver", ">= 1.7.0-a"), False


def _signals(group: Job) -> Iterator[str]:
    for task in group["Tasks"] or ():
        if task["KillSignal"]:
            yield task["KillSignal"]
        # a signal of an identity is not asked of the client: seen on Nomad 2.0
        for part in (task["Vault"], *(task["Templates"] or ())):
            if part and part["ChangeMode"] == "signal" and part["ChangeSignal"]:
                yield part["ChangeSignal"]


def _add(part: Job, rule: Job, *, by_attribute: bool) -> None:
    rules = part["Constraints"] or []
    if not any(each == rule or (by_attribute and each["LTarget"] == rule["LTarget"]) for each in rules):
        part["Constraints"] = [*rules, rule]
