"""Leaves Nomad's defaults out of a job or a part of one, so that what an author wrote is left."""

from __future__ import annotations

from typing import Any, Final

from jobspec.job import defaults
from jobspec.job.fields import BLOCKS, Job

_BLOCK_OF: Final = {field.name: field.block for fields in BLOCKS.values() for field in fields if field.block}

_ALWAYS: Final = {"Count", "Resources"}
"""Fields that are kept with their defaults, because everybody who reads a job looks for them."""

_DEFAULTS: Final[dict[str, tuple[defaults.Defaults, ...]]] = {
    "ChangeScript": (defaults.CHANGE_SCRIPT,),
    "CheckRestart": (defaults.CHECK_RESTART,),
    "DisconnectStrategy": (defaults.DISCONNECT,),
    "EphemeralDisk": (defaults.EPHEMERAL_DISK,),
    "Job": (defaults.JOB,),
    "LogConfig": (defaults.LOGS,),
    "MigrateStrategy": (defaults.MIGRATE,),
    "NetworkResource": ({"MBits": 0},),
    "PeriodicConfig": (defaults.PERIODIC | {"TimeZone": "UTC"},),
    "Port": ({"HostNetwork": "default"},),
    "ReschedulePolicy": (*defaults.RESCHEDULE.values(), defaults.NO_RESCHEDULE),
    "RestartPolicy": (defaults.RESTART["service"], defaults.RESTART["batch"]),
    "ScalingPolicy": ({"Enabled": True, "Type": "horizontal"},),
    "Service": ({"AddressMode": "auto", "OnUpdate": "require_healthy", "Provider": "consul", "Cluster": "default"},),
    "ServiceCheck": ({"OnUpdate": "require_healthy"},),
    "Task": ({"KillTimeout": 5 * defaults.SECOND},),
    "TaskArtifact": ({"GetterMode": "any"},),
    "Template": (defaults.TEMPLATE,),
    "UpdateStrategy": (defaults.UPDATE,),
    "Vault": (defaults.VAULT | {"Cluster": "default"},),
    "VolumeMount": (defaults.VOLUME_MOUNT,),
    "WorkloadIdentity": (defaults.IDENTITY,),
}
"""The defaults of a block; several if they depend on the job's type."""

_FILLED: Final = frozenset({"Disconnect", "EphemeralDisk", "Identity", "LogConfig", "Migrate", "ReschedulePolicy",
                            "RestartPolicy", "Update"})  # fmt: skip
"""Blocks that Nomad adds to a job; another block without any setting was written by the author."""


def without_defaults(name: str, part: Job) -> Job:
    """A part of a job (`name` is the name of its field, or `Job`) without unset fields and defaults."""
    block = "Job" if name == "Job" else _BLOCK_OF.get(name)
    if block is None:
        return part
    return _bare(block, part)


def _bare(block: str, part: Job) -> Job:
    fields = {field.name: field for field in BLOCKS[block]}
    filled = _closest(block, part)
    found: Job = {}
    for key, value in part.items():
        field = fields.get(key)
        inner = field.block if field else None
        if key in _ALWAYS:
            found[key] = {name: each for name, each in value.items() if each} if isinstance(value, dict) else value
        elif field is None or inner is None:
            if not _is_default(value, filled.get(key)):
                found[key] = value
        elif value:
            bare = _nested(inner, value)
            if bare or key not in _FILLED:
                found[key] = bare
    return found


def _is_default(value: Any, default: Any) -> bool:
    """Whether a field has its default, or the value of an unset field if it has no default."""
    if value is None or value in ("", [], {}):
        return True
    if default is None or default in ("", [], {}):
        return value is False or value == 0
    return bool(value == default)


def _closest(block: str, part: Job) -> defaults.Defaults:
    """The defaults that most fields of the part have: they depend on the job's type, which the part does not know."""
    found = _DEFAULTS.get(block, ({},))
    return max(found, key=lambda each: sum(part.get(key) == value for key, value in each.items()))


def _nested(block: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_bare(block, each) if isinstance(each, dict) else each for each in value]
    if not isinstance(value, dict):
        return value
    if set(value) <= {field.name for field in BLOCKS[block]}:
        return _bare(block, value)
    return {label: _bare(block, each) if isinstance(each, dict) else each for label, each in value.items()}
