"""A job that has every block and every field of the jobspec reference, made from the tables of the jobspec library."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from jobspec.job.fields import BLOCKS, Field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Path = tuple[Any, ...]
"""Keys and indexes from the job to a value."""

SERVERS = frozenset(
    {"CreateIndex", "DispatchIdempotencyToken", "Dispatched", "JobModifyIndex", "ModifyIndex", "NomadTokenID",
     "ParentID", "Payload", "Stable", "Status", "StatusDescription", "SubmitTime", "Version", "VersionTag"}
)  # fmt: skip
"""Fields of a job that are no part of what somebody wrote."""

_FITTING: dict[str, Any] = {"Type": "service", "Provider": "nomad", "Kind": "", "Namespace": "apps", "Region": "eu"}
_FITTING_IN: dict[tuple[str, str], Any] = {
    ("ScalingPolicy", "Type"): "horizontal",
    ("ServiceCheck", "Type"): "http",
    ("TaskCSIPluginConfig", "Type"): "node",
    ("VolumeRequest", "Type"): "host",
    ("WorkloadIdentity", "Name"): "own",
}


def every_block() -> dict[str, Any]:
    """The job, in the form of Nomad's parser."""
    job = _block("Job", ())
    return {key: value for key, value in job.items() if key not in SERVERS}


def _block(name: str, around: Path) -> dict[str, Any]:
    return {field.name: _value(name, field, (*around, name)) for field in BLOCKS[name] if around.count(name) < 1}


def _value(block: str, field: Field, around: Path) -> Any:
    if field.block:
        inner = _block(field.block, around)
        return {"one": inner, "many": [inner], "labelled": {field.name.casefold(): inner}}[field.kind]
    text = _FITTING_IN.get((block, field.name), _FITTING.get(field.name, f"{block}-{field.name}".casefold()))
    return {
        "bool": False,
        "duration": 7_000_000_000,
        "int": 7,
        "ints": [7, 8],
        "strings": [f"{text}-1", f"{text}-2"],
        "map": {text: "x"},
        "map_block": {text: "x"},
        "lists_block": {text: ["x"]},
        "free_block": {"image": "registry.example/app:v1", "args": ["-c", "true"], "mount": [{"type": "bind"}]},
        "bytes": "",
    }.get(field.kind, text)


Mutation = tuple[str, Path, dict[str, Any]]
"""What was done (``change``, ``remove`` or ``add``), to which value, and the job after it."""


def mutations(job: dict[str, Any]) -> Iterator[Mutation]:
    """Jobs of which each differs from this one in one place: every leaf changed or removed, every part grown."""
    for path, value in _values(job, ()):
        if isinstance(value, dict):
            yield "add", (*path, "unheard_of"), _with(job, path, lambda part: part | {"unheard_of": "new"})
        elif isinstance(value, list):
            yield "add", (*path, len(value)), _with(job, path, _longer)
        else:
            yield "change", path, _with(job, path, _other)
        if path and value not in (None, "", False, 0, [], {}):
            yield "remove", path, _without(job, path)


def _values(part: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    yield path, part
    inner = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, value in inner:
        yield from _values(value, (*path, key))


def _other(value: Any) -> Any:
    """Another value of the same kind."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 3
        case str():
            return f"{value}x"
        case None:
            return "new"
        case list():
            return [*value, "new"]
    return {key: _other(each) if isinstance(each, str) else each for key, each in value.items()} or {"new": "new"}


def _longer(part: list[Any]) -> list[Any]:
    return [*part, _other(copy.deepcopy(part[0]) if part else "new")]


def _with(job: dict[str, Any], path: Path, change: Callable[[Any], Any]) -> dict[str, Any]:
    """The job with one part changed; shares the rest with the given one, so that thousands are cheap."""
    if not path:
        result: dict[str, Any] = change(job)
        return result
    return _put(job, path, change)


def _put(part: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    whole = part.copy()
    whole[path[0]] = change(part[path[0]]) if len(path) == 1 else _put(part[path[0]], path[1:], change)
    return whole


def _without(job: dict[str, Any], path: Path) -> dict[str, Any]:
    def drop(part: Any) -> Any:
        return (
            {key: value for key, value in part.items() if key != path[-1]}
            if isinstance(part, dict)
            else [value for place, value in enumerate(part) if place != path[-1]]
        )

    return _with(job, path[:-1], drop)
