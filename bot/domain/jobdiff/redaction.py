"""Redaction of plan values: only values that are known to be harmless are shown, a mark replaces all others.

Default deny: a field that is in no table here is hidden. The mark is an HMAC-SHA256 under the installation's own
secret, so people can see that a value changed, or changed back, but nobody can test guesses against the mark.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from bot.domain.durations import from_nanoseconds
from bot.domain.jobdiff.fields import LABELS, FieldPath, word

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

_BARE_COMMAND = re.compile(r"[\w./${}@+-]{1,200}")
_BARE_URL = re.compile(r"[a-z0-9+.:]*//[^@?#\s]*|[\w./:${}+-]+")
_SECRET_SHAPES = (
    re.compile(r"://[^/\s:@]*:[^/\s@]+@"),
    re.compile(r"-----BEGIN "),
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}"),
    re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{12,}|\b(?:ghp|gho|ghs|github_pat|glpat|hvs|hvb|sk|xox[abprs])[-_.][\w-]{8,}"),
    re.compile(r"(?i)(?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|credential)s?\s*[=:]\s*\S"),
    re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"),
)
_LONG_WORD = re.compile(r"[A-Za-z0-9+/=_-]{32,}")
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")


@dataclass(frozen=True, slots=True)
class Redactor:
    """Decides by a field's path and value. ``key`` is the installation's secret, ``show`` a service's ``show`` list.

    ``show`` names a key of ``env`` or ``meta``, or a field as the jobspec or Nomad's API calls it.
    """

    key: bytes
    show: frozenset[str] = frozenset()

    def pair(self, place: FieldPath, old: str, new: str) -> tuple[str, str]:
        """Both values as people may see them: both shown or both as marks. A missing value stays empty."""
        if self.shows(place, old, new):
            return show_value(place, old), show_value(place, new)
        return self.mark(place, old), self.mark(place, new)

    def shows(self, place: FieldPath, *values: str) -> bool:
        """Whether these values of the field may be seen."""
        if self.is_listed(place):
            return True
        if any(looks_secret(value) for value in values):
            return False
        return _is_harmless(place, values) or (
            not place.keys and all(value in {"", "true", "false"} for value in values)
        )

    def label(self, level: str, objects: tuple[str, ...], values: Mapping[str, str]) -> str:
        """The value that tells an object apart from others of its kind; empty if no such value may be shown."""
        for name in LABELS:
            value = values.get(name)
            if value and self.shows(FieldPath(level, objects, name), value):
                return value
        return ""

    def is_listed(self, place: FieldPath) -> bool:
        """Whether the service's ``show`` list names the field."""
        names = set(place.keys[:1]) if place.field in {"Env", "Meta"} else {place.field, word(place.field)}
        return bool(names & self.show)

    def mark(self, place: FieldPath, value: str) -> str:
        """``(hmac 3f9a1b2c…)``; empty for no value. The same value in the same field gets the same mark."""
        if not value:
            return ""
        where = "\x00".join([place.level, *place.objects, place.field, *place.keys, value])
        digest = hmac.new(self.key, where.encode(), hashlib.sha256).hexdigest()
        return f"(hmac {digest[:8]}…)"


def is_mark(value: str) -> bool:
    """Whether a change's value is hidden."""
    return value.startswith("(hmac ") and value.endswith("…)")


def _is_harmless(place: FieldPath, values: tuple[str, ...]) -> bool:
    if place.in_config:
        if place.field == "command":
            return all(not value or _BARE_COMMAND.fullmatch(value) for value in values)
        return place.field in SHOWN_CONFIG
    # a free-form map may call one of its parts "Network": every object around the field has to be known
    if place.keys or any(name not in SHOWN for name in place.objects):
        return False
    if place.field == "GetterSource" and not all(not value or _BARE_URL.fullmatch(value) for value in values):
        return False
    allowed = SHOWN.get(place.owner, frozenset())
    return "*" in allowed or place.field in allowed


def looks_secret(value: str) -> bool:
    """Whether a value looks like a credential, in any field: keys, tokens, passwords in addresses."""
    rest = _DIGEST.sub("", value)
    if any(shape.search(rest) for shape in _SECRET_SHAPES):
        return True
    return any(_is_random(found) for found in _LONG_WORD.findall(rest))


def _is_random(found: str) -> bool:
    """Whether letters and digits alternate as often as in a random key; paths and names consist of words."""
    changes = sum(1 for one, two in pairwise(found) if one.isdigit() != two.isdigit())
    return changes >= len(found) // 5


def show_value(place: FieldPath, value: str) -> str:
    """A value that may be shown, with Nomad's nanoseconds as a duration with a unit."""
    if place.field in _DURATIONS and value.lstrip("-").isdigit():
        return from_nanoseconds(int(value))
    return value
