"""Why a change is dangerous: the flags of a difference, from the closed list that the catalog's ``risk`` takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from bot.domain.deploy.plan import Flag
from bot.domain.jobdiff.images import is_mutable, registry_of, repository_of
from bot.domain.jobdiff.tree import ABSENT, HEADED, Difference, text

DANGER: Final = (
    Flag.COUNT_ZERO, Flag.REMOVED, Flag.RAW_EXEC, Flag.PRIVILEGED, Flag.UNDOES_OUTSIDE, Flag.NAMESPACE, Flag.REGION,
    Flag.TYPE, Flag.DRIVER, Flag.USER, Flag.CAPABILITIES, Flag.HOST_VOLUME, Flag.HOST_NETWORK, Flag.DEVICES,
    Flag.OLDER_VERSION, Flag.IMAGE_REGISTRY, Flag.IMAGE_REPOSITORY, Flag.LESS_COUNT, Flag.LESS_MEMORY, Flag.LESS_CPU,
    Flag.NODE_POOL, Flag.DATACENTER, Flag.AUTO_REVERT_OFF, Flag.CANARIES_OFF, Flag.HEALTH_LOOSENED,
    Flag.DEADLINE_LOOSENED, Flag.OVERRIDE, Flag.PRIORITY, Flag.MUTABLE_TAG,
)  # fmt: skip
"""All flags, the most dangerous first."""

_JOB: Final = {
    "Datacenters": Flag.DATACENTER, "Namespace": Flag.NAMESPACE, "NodePool": Flag.NODE_POOL,
    "Priority": Flag.PRIORITY, "Region": Flag.REGION, "Type": Flag.TYPE,
}  # fmt: skip
_HOST_MODES: Final = frozenset({"cgroupns", "ipc_mode", "pid_mode", "userns_mode", "uts_mode"})
_ORDERS: Final = {
    "HealthCheck": ("checks", "task_states", "manual"),
    "InitialStatus": ("critical", "", "warning", "passing"),
    "OnUpdate": ("require_healthy", "ignore_warnings", "ignore"),
}
"""Values from the strictest to the loosest."""

_LOOSER_IF_MORE: Final = frozenset({"FailuresBeforeCritical", "FailuresBeforeWarning", "Grace", "Interval", "Timeout"})
_LOOSER_IF_LESS: Final = frozenset({"MinHealthyTime", "SuccessBeforePassing"})
_LOOSER_IF_TRUE: Final = frozenset({"IgnoreWarnings", "TLSSkipVerify"})
_ROLLOUT: Final = frozenset({"Migrate", "Update"})
_HEALTH: Final = frozenset({"Check", "CheckRestart", "Service"}) | _ROLLOUT
_OWN_FOLDERS: Final = ("alloc/", "local/", "secrets/", "./", "../alloc/", "../local/", "../secrets/")


def flags(found: Difference) -> tuple[Flag, ...]:
    """The flags of a difference, the most dangerous first."""
    # a removed object is flagged as a whole; what a new one does not set is no change
    if found.inside and ((found.said and found.inside == "Deleted") or _is_unset(found)):
        return ()
    return ordered({*_removed(found), *_of_job(found), *_of_task(found), *_of_driver(found), *_of_health(found)})


def ordered(found: set[Flag]) -> tuple[Flag, ...]:
    """Flags, the most dangerous first."""
    return tuple(flag for flag in DANGER if flag in found)


def _is_unset(found: Difference) -> bool:
    return text(found.old if found.new is ABSENT else found.new) in {"", "false"}


def _removed(found: Difference) -> Iterator[Flag]:
    place = found.place
    mount = place.in_config and place.field in {"volumes", "mount", "mounts"}
    named = (found.of_object and place.field in {*HEADED, "Constraint"}) or (place.field == "Env" and place.keys)
    if found.new is ABSENT and (mount or named):
        yield Flag.REMOVED


def _of_job(found: Difference) -> Iterator[Flag]:
    place = found.place
    if place.level == "job" and not place.objects and place.field in _JOB and not found.inside:
        yield _JOB[place.field]
    if place.field == "Count" and place.owner in {"group", "Region"}:
        if found.new is not ABSENT and not _number(found.new):
            yield Flag.COUNT_ZERO
        if _is_less(found.old, found.new):
            yield Flag.LESS_COUNT


def _of_task(found: Difference) -> Iterator[Flag]:
    place = found.place
    if place.owner == "Resources":
        yield from _of_resources(found)
    if place.owner in {"task", "SidecarTask"} and place.field == "Driver":
        if not found.inside:
            yield Flag.DRIVER
        if found.new == "raw_exec":
            yield Flag.RAW_EXEC
    if place.owner in {"task", "SidecarTask"} and place.field == "User":
        yield Flag.USER
    if "Device" in {*place.objects, place.field}:
        yield Flag.DEVICES
    if "Volume" in {*place.objects, place.field} and any(owner.get("Type") == "host" for owner in found.owners):
        yield Flag.HOST_VOLUME
    if _is_host_network(found):
        yield Flag.HOST_NETWORK


def _of_resources(found: Difference) -> Iterator[Flag]:
    field, (before, now) = found.place.field, found.owners
    if field == "MemoryMB" and _is_less(found.old, found.new):
        yield Flag.LESS_MEMORY
    if field == "MemoryMaxMB" and _most(now) < _most(before):
        yield Flag.LESS_MEMORY
    # a task with reserved cores has no share of cpu
    cores = field == "CPU" and _number(now.get("Cores")) > 0
    if field in {"CPU", "Cores"} and _is_less(found.old, found.new) and not cores:
        yield Flag.LESS_CPU


def _most(resources: Any) -> float:
    """The most memory that a task may use: what it reserves if it has no maximum; -1 is no limit."""
    most = _number(resources.get("MemoryMaxMB"))
    return float("inf") if most < 0 else max(most, _number(resources.get("MemoryMB")))


def _is_host_network(found: Difference) -> bool:
    place, values = found.place, (found.old, found.new)
    if place.field == "HostNetwork":
        return any(value not in (ABSENT, "", "default") for value in values)
    mode = place.owner == "Network" and place.field == "Mode"
    return (mode or (place.in_config and place.field in {"net_mode", "network_mode"})) and "host" in values


def _of_driver(found: Difference) -> Iterator[Flag]:
    """Flags of a driver's configuration."""
    place, field, values = found.place, found.place.field, (found.old, found.new)
    if (place.in_config and field == "image") or (field == "Config" and place.keys == ("image",)):
        yield from _of_image(*values)
    if not place.in_config:
        return
    if field in {"privileged", "security_opt"} or (field in _HOST_MODES and "host" in values):
        yield Flag.PRIVILEGED
    if field in {"cap_add", "cap_drop"}:
        yield Flag.CAPABILITIES
    if field == "devices":
        yield Flag.DEVICES
    volume = field == "volumes" and any(_is_of_host(text(value)) for value in values)
    mount = field in {"mount", "mounts"} and all(owner.get("type") != "tmpfs" for owner in found.owners)
    if volume or mount:
        yield Flag.HOST_VOLUME


def _is_of_host(volume: str) -> bool:
    """Whether a driver's ``SOURCE:DESTINATION`` has a source outside of the allocation's own folders."""
    source, colon, _ = volume.partition(":")
    return bool(colon) and not f"{source}/".startswith(_OWN_FOLDERS) and not source.startswith("${NOMAD_")


def _of_image(old: Any, new: Any) -> Iterator[Flag]:
    if new is ABSENT:
        return
    if is_mutable(text(new)):
        yield Flag.MUTABLE_TAG
    if old is not ABSENT and registry_of(text(old)) != registry_of(text(new)):
        yield Flag.IMAGE_REGISTRY
    if old is not ABSENT and repository_of(text(old)) != repository_of(text(new)):
        yield Flag.IMAGE_REPOSITORY


def _of_health(found: Difference) -> Iterator[Flag]:
    """Flags of updates, checks and deadlines."""
    place, field, old, new = found.place, found.place.field, found.old, found.new
    if place.owner not in _HEALTH or found.inside == "Added":
        return
    if place.owner in _ROLLOUT:
        if field == "AutoRevert" and old is True:
            yield Flag.AUTO_REVERT_OFF
        # a canary that nobody has to promote is none that anybody looks at
        if (field == "Canary" and _is_less(old, new)) or (field == "AutoPromote" and new is True):
            yield Flag.CANARIES_OFF
        if field in {"HealthyDeadline", "ProgressDeadline"} and _is_later(old, new):
            yield Flag.DEADLINE_LOOSENED
    if _is_looser(found):
        yield Flag.HEALTH_LOOSENED


def _is_looser(found: Difference) -> bool:
    owner, field, old, new = found.place.owner, found.place.field, found.old, found.new
    if field in _ORDERS:
        order = _ORDERS[field]
        return old in order and new in order and order.index(new) > order.index(old)
    if owner == "Check" and field == "Type":
        # a connection that opens says less than an answer
        return bool(new == "tcp")
    if owner == "CheckRestart" and field == "Limit":
        return _is_later(old, new)
    if field in _LOOSER_IF_MORE:
        return _is_less(new, old)
    return (field in _LOOSER_IF_TRUE and new is True) or (field in _LOOSER_IF_LESS and _is_less(old, new))


def _is_later(old: Any, new: Any) -> bool:
    """Whether a limit is higher, or gone: 0 is none."""
    return _number(old) > 0 and (not _number(new) or _number(new) > _number(old))


def _is_less(old: Any, new: Any) -> bool:
    return _number(new) < _number(old)


def _number(value: Any) -> float:
    """The number; 0 for what is none."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0
