"""Redaction of plan values: only values that are known to be harmless are shown, ``(hidden)`` replaces all others.

Default deny: a field that is in no table here is hidden. Of an address, only its secret parts are hidden: user and
password, query, a webhook's path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.durations import from_nanoseconds
from bot.domain.jobdiff.fields import LABELS, FieldPath, word
from bot.domain.masking import HIDDEN, looks_secret, scrub

__all__ = ["HIDDEN", "SHOWN", "SHOWN_CONFIG", "Redactor", "is_mark", "looks_secret", "show_value"]

_ALL = frozenset({"*"})
_BLOCK = frozenset({"AddressMode", "Cluster", "EnableTagOverride", "Kind", "Name", "Namespace", "OnUpdate", "Partition",
                    "PortLabel", "Provider", "TaskName", "Type"})  # fmt: skip

SHOWN: dict[str, frozenset[str]] = {
    "job": frozenset({"AllAtOnce", "Datacenters", "Dispatched", "ID", "Name", "Namespace", "NodePool", "Priority",
                      "Region", "Stop", "Type"}),
    "group": frozenset({"Count", "MaxClientDisconnect", "Name", "PreventRescheduleOnLost", "ShutdownDelay",
                        "StopAfterClientDisconnect", "MaxRunDuration"}),
    "task": frozenset({"Driver", "Kind", "KillSignal", "KillTimeout", "Leader", "Name", "ShutdownDelay", "User"}),
    "Affinity": _ALL, "Audience": _ALL, "Constraint": _ALL, "DNS": _ALL, "Datacenters": _ALL, "Device": _ALL,
    "Disconnect": _ALL, "Dynamic Port": _ALL, "EphemeralDisk": _ALL, "Lifecycle": _ALL, "LogConfig": _ALL,
    "MetaOptional": _ALL, "MetaRequired": _ALL, "Migrate": _ALL, "NUMA": _ALL, "Network": _ALL, "Periodic": _ALL,
    "ReschedulePolicy": _ALL, "Resources": _ALL, "RestartPolicy": _ALL, "Scaling": frozenset({"Enabled", "Max", "Min"}),
    "Spread": _ALL, "SpreadTarget": _ALL, "Static Port": _ALL, "Update": _ALL, "Volume": _BLOCK | {
        "AccessMode", "AttachmentMode", "PerAlloc", "ReadOnly", "Source", "Sticky"},
    "VolumeMount": frozenset({"Destination", "PropagationMode", "ReadOnly", "Volume"}),
    "Consul": _BLOCK, "Service": _BLOCK,
    "Check": _BLOCK | {"Expose", "FailuresBeforeCritical", "FailuresBeforeWarning", "GRPCService", "GRPCUseTLS",
                       "InitialStatus", "Interval", "Method", "Path", "Protocol", "SuccessBeforePassing",
                       "TLSSkipVerify", "Timeout"},
    "CheckRestart": _ALL, "ConsulConnect": frozenset({"Native"}),
    "SidecarService": frozenset({"DisableDefaultTCPCheck", "Port"}),
    "ConsulProxy": frozenset({"LocalServicePort"}),
    "ConsulUpstreams": frozenset({"DestinationName", "Datacenter", "LocalBindPort"}),
    "ParameterizedJob": frozenset({"Payload"}), "DispatchPayload": frozenset({"File"}),
    "Identity": frozenset({"ChangeMode", "ChangeSignal", "Env", "File", "Filepath", "Name", "TTL"}),
    "Template": frozenset({"ChangeMode", "ChangeSignal", "DestPath", "Envvars", "ErrMissingKey", "Gid", "LeftDelim",
                           "Once", "Perms", "RightDelim", "SourcePath", "Splay", "Uid", "VaultGrace"}),
    "Artifact": frozenset({"Chown", "GetterInsecure", "GetterMode", "GetterSource", "RelativeDest"}),
}  # fmt: skip
"""Shown fields, by the object or level that they are in; ``*`` means all of its fields."""

SHOWN_CONFIG = frozenset(
    {"cap_add", "cap_drop", "cgroupns", "cpu_hard_limit", "dns_servers", "force_pull", "hostname", "image", "init",
     "interactive", "ipc_mode", "isolation", "memory_hard_limit", "network_mode", "pid_mode", "pids_limit", "ports",
     "privileged", "readonly_rootfs", "runtime", "shm_size", "tty", "userns_mode", "uts_mode", "volumes"}
)  # fmt: skip
"""Shown fields of a task driver's configuration; ``command`` only if it is a bare path."""

_DURATIONS = frozenset(
    {"Delay", "HealthyDeadline", "Interval", "KillTimeout", "LostAfter", "MaxClientDisconnect", "MaxDelay",
     "MaxRunDuration", "MinHealthyTime", "ProgressDeadline", "ShutdownDelay", "Splay", "Stagger",
     "StopAfterClientDisconnect", "StopOnClientAfter", "TTL", "Timeout", "VaultGrace", "Grace"}
)  # fmt: skip

_SHOWN_MOUNT = frozenset({"type", "source", "target", "readonly", "propagation"})
"""Shown fields of a mount in a driver's configuration; its options may have a password in them."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_COMMIT = re.compile(r"(?<=\w):[0-9a-f]{7,64}$")
_BARE_COMMAND = re.compile(r"[\w./${}@+-]{1,200}")


@dataclass(frozen=True, slots=True)
class Redactor:
    """Decides by a field's path and value.

    ``show`` is a service's ``show`` list: keys of ``env`` or ``meta``, or fields as the jobspec or Nomad's API calls
    them. ``plain`` has the versions that a plan is about: the message has them anyway.
    """

    show: frozenset[str] = frozenset()
    plain: frozenset[str] = frozenset()

    def pair(self, place: FieldPath, old: str, new: str) -> tuple[str, str]:
        """Both values as people may see them: both shown, maybe in part, or both hidden. A missing value stays empty.

        Different values never look the same unless both are hidden.
        """
        if not self.shows(place, old, new):
            return old and HIDDEN, new and HIDDEN
        before, after = self.said(place, old), self.said(place, new)
        return (before, f"{after} (its hidden part changed)") if before == after and old != new else (before, after)

    def shows(self, place: FieldPath, *values: str) -> bool:
        """Whether these values of the field may be seen, apart from secret parts of addresses."""
        if self.is_listed(place):
            return True
        if not place.keys and all(value in {"", "true", "false"} for value in values):
            return True
        if any(values) and all(not value or value in self.plain for value in values):
            return True
        if not _is_harmless(place, values):
            return False
        said = [self.said(place, value) for value in values]
        return not any(each == HIDDEN or looks_secret(_untagged(place, each)) for each in said)

    def said(self, place: FieldPath, value: str) -> str:
        """A value that may be shown, with the secret parts of an address masked and durations with a unit."""
        if self.is_listed(place):
            return show_value(place, value)
        if not ("/" in value or _UUID.fullmatch(value) or (place.in_config and place.field == "image")):
            return show_value(place, value)
        untagged = _untagged(place, value)
        return scrub(untagged) + value[len(untagged) :]

    def label(self, level: str, objects: tuple[str, ...], values: Mapping[str, str]) -> str:
        """The value that tells an object apart from others of its kind; empty if no such value may be shown."""
        for name in LABELS:
            value = values.get(name)
            place = FieldPath(level, objects, name)
            if value and self.shows(place, value):
                return self.said(place, value)
        return ""

    def is_listed(self, place: FieldPath) -> bool:
        """Whether the service's ``show`` list names the field."""
        names = set(place.keys[:1]) if place.field in {"Env", "Meta"} else {place.field, word(place.field)}
        # `data` says little in a catalog: `templates` shows what is in a template block
        names |= {"templates"} if place.field == "EmbeddedTmpl" else set()
        return bool(names & self.show)


def is_mark(value: str) -> bool:
    """Whether a change's value is hidden; plans of earlier releases have a keyed mark there."""
    return value == HIDDEN or (value.startswith("(hmac ") and value.endswith("…)"))


def _untagged(place: FieldPath, value: str) -> str:
    """An image without the git commit that is its tag, as that looks random; other values as they are."""
    return _COMMIT.sub("", value) if place.in_config and place.field == "image" else value


def _is_harmless(place: FieldPath, values: tuple[str, ...]) -> bool:
    if place.in_config:
        if place.field == "command":
            return all(not value or _BARE_COMMAND.fullmatch(value) for value in values)
        if place.field in {"mount", "mounts"}:
            return place.keys[-1:] != () and place.keys[-1] in _SHOWN_MOUNT
        return place.field in SHOWN_CONFIG
    if place.level == "task" and place.objects == ("Config", "mount"):
        return place.field in _SHOWN_MOUNT
    # a free-form map may call one of its parts "Network": every object around the field has to be known
    if place.keys or any(name not in SHOWN for name in place.objects):
        return False
    allowed = SHOWN.get(place.owner, frozenset())
    return "*" in allowed or place.field in allowed


def show_value(place: FieldPath, value: str) -> str:
    """A value that may be shown, with Nomad's nanoseconds as a duration with a unit."""
    if place.field in _DURATIONS and value.lstrip("-").isdigit():
        return from_nanoseconds(int(value))
    return value
