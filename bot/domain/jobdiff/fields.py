"""The path of a field in Nomad's Diff, and its name in a jobspec (docs/nomad.md, "Diffs")."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WORDS = {
    "EmbeddedTmpl": "data", "DestPath": "destination", "RelativeDest": "destination", "SourcePath": "source",
    "GetterSource": "source", "GetterMode": "mode", "GetterInsecure": "insecure", "LTarget": "attribute",
    "RTarget": "value", "Operand": "operator", "RestartPolicy": "restart", "ReschedulePolicy": "reschedule",
    "LogConfig": "logs", "PortLabel": "port", "MemoryMB": "memory MB", "MemoryMaxMB": "memory_max MB",
    "SizeMB": "size MB", "DiskMB": "disk MB", "CPU": "cpu", "NUMA": "numa", "TTL": "ttl", "IOPS": "iops",
    "ConsulConnect": "connect", "ConsulProxy": "proxy", "ConsulUpstreams": "upstreams", "GRPCUseTLS": "grpc_use_tls",
    "TLSSkipVerify": "tls_skip_verify", "ParameterizedJob": "parameterized",
}  # fmt: skip
"""Names that the jobspec does not write as Nomad's name in snake case."""

LABELS = ("Name", "Label", "DestPath", "RelativeDest", "Destination", "DestinationName", "Attribute", "LTarget")
"""Fields whose value tells objects of one kind apart, if it may be shown."""


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A field: its ``level`` (job, group or task), the objects around it, its name and the keys in its brackets.

    ``Env[A]`` of a task is ``FieldPath("task", (), "Env", ("A",))``, ``Image`` of its driver's configuration
    ``FieldPath("task", ("Config",), "image", ())``.
    """

    level: str
    objects: tuple[str, ...]
    field: str
    keys: tuple[str, ...] = ()

    @property
    def owner(self) -> str:
        """The innermost object, or the level if there is none."""
        return self.objects[-1] if self.objects else self.level

    @property
    def words(self) -> str:
        """The field for people: ``env LOG_LEVEL``, ``max_parallel``, ``labels team``."""
        name = self.field if self.in_config else word(self.field)
        return " ".join([name, *(key for key in self.keys if not key.isdigit())])

    @property
    def full(self) -> str:
        """The field with all of its keys, those of lists too: ``args[0]``, ``labels[1] team``."""
        name = self.field if self.in_config else word(self.field)
        return name + "".join(f"[{key}]" if key.isdigit() else f" {key}" for key in self.keys)

    @property
    def in_config(self) -> bool:
        """Whether it is a field of a task driver's own configuration."""
        return self.level == "task" and self.objects == ("Config",)


def field_path(level: str, objects: tuple[str, ...], name: str) -> FieldPath:
    """The path of a Diff's field by its name, such as ``Env[A]``, ``labels[0][team]`` or ``Count``."""
    field, bracket, inside = name.partition("[")
    if not bracket:
        return FieldPath(level, objects, field)
    inside = inside.removesuffix("]")
    # a key of env or meta may contain brackets; only a driver's configuration nests
    keys = tuple(inside.split("][")) if objects == ("Config",) else (inside,)
    return FieldPath(level, objects, field, keys)


def word(name: str) -> str:
    """Nomad's name of a field or object as the jobspec writes it: ``MaxParallel`` is ``max_parallel``."""
    return _WORDS.get(name) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).casefold()
