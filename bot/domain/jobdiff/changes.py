"""Nomad's Diff as a list of changes: each changed field exactly once (docs/nomad.md, "Diffs")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.domain.deploy.plan import Change, Flag
from bot.domain.jobdiff.fields import FieldPath, field_path, word
from bot.domain.jobdiff.redaction import Redactor

_REASONS = {
    Flag.LESS_MEMORY: "memory lowered", Flag.LESS_CPU: "cpu lowered", Flag.LESS_COUNT: "count lowered",
    Flag.COUNT_ZERO: "count 0", Flag.OLDER_VERSION: "older version than the one that runs",
    Flag.IMAGE_REGISTRY: "another image registry", Flag.IMAGE_REPOSITORY: "another image repository",
    Flag.MUTABLE_TAG: "the image tag can move", Flag.DRIVER: "another driver",
    Flag.RAW_EXEC: "runs without isolation", Flag.USER: "another user", Flag.PRIVILEGED: "privileges changed",
    Flag.CAPABILITIES: "capabilities changed", Flag.DEVICES: "devices changed",
    Flag.HOST_VOLUME: "host volume changed", Flag.HOST_NETWORK: "host network changed",
    Flag.NODE_POOL: "another node pool", Flag.DATACENTER: "other datacenters",
    Flag.NAMESPACE: "another namespace", Flag.REGION: "another region", Flag.TYPE: "another job type",
    Flag.PRIORITY: "another priority", Flag.AUTO_REVERT_OFF: "auto-revert off",
    Flag.CANARIES_OFF: "fewer or unwatched canaries", Flag.HEALTH_LOOSENED: "health checks loosened",
    Flag.DEADLINE_LOOSENED: "deadline loosened", Flag.OVERRIDE: "set by the requester",
}  # fmt: skip
_NOISE = frozenset({"", "0", "false", "0s"})
"""Values that Nomad fills in if a new object does not set a field."""


def changes(diff: dict[str, Any], redactor: Redactor) -> tuple[Change, ...]:
    """The changed fields of a job's Diff, redacted, the most important ones first.

    An added or deleted group, task or object without any field of its own is a change too, with no values.
    """
    found = [*_level(diff, _Where("job"), redactor)]
    for group in diff.get("TaskGroups") or ():
        inside = _Where("group", (f"group {group['Name']}",))
        found += _level(group, inside, redactor)
        for task in group.get("Tasks") or ():
            path = (*inside.path, f"task {task['Name']}")
            found += _level(task, _Where("task", path, effect=_effect(task)), redactor)
    return tuple(change for _, change in sorted(found, key=lambda each: each[0]))


def reason(change: Change) -> str:
    """Why a change is flagged, in words; empty if it is not."""
    return ", ".join(_REASONS[flag] for flag in change.flags if flag in _REASONS)


@dataclass(frozen=True, slots=True)
class _Where:
    """A position in the Diff: its level (job, group or task), the path in words, and the objects around it."""

    level: str
    path: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    effect: str = ""


_Ranked = tuple[int, Change]


def _level(part: dict[str, Any], where: _Where, redactor: Redactor) -> list[_Ranked]:
    """The changes of a job, group, task or object, and of the objects in it."""
    found = [
        _field(field, where, redactor, whole=part["Type"] != "Edited")
        for field in part.get("Fields") or ()
        if field["Type"] != "None"
    ]
    for each in part.get("Objects") or ():
        found += _level(each, _inside(each, where, redactor), redactor)
    if not found and part["Type"] in {"Added", "Deleted"} and where.path:
        found.append((3, Change(path=where.path, kind=part["Type"], old="", new="", effect=where.effect)))
    return found


def _inside(part: dict[str, Any], where: _Where, redactor: Redactor) -> _Where:
    """The position of an object's fields; for a driver's configuration that of the task, as ``config`` adds nothing."""
    name = part["Name"]
    objects = (*where.objects, name)
    if name == "Config" and not where.objects:
        return _Where(where.level, where.path, objects, where.effect)
    values = {field["Name"]: field["New"] or field["Old"] for field in part.get("Fields") or ()}
    said = f"{word(name)} {redactor.label(where.level, objects, values)}".rstrip()
    return _Where(where.level, (*where.path, said), objects, where.effect)


def _field(field: dict[str, Any], where: _Where, redactor: Redactor, *, whole: bool) -> _Ranked:
    at = field_path(where.level, where.objects, field["Name"])
    old, new = redactor.pair(at, field["Old"], field["New"])
    words = at.words
    if at.in_config and at.field == "image":
        words, old, new = _image(old, new)
    # a list is an object whose fields bear its name: `datacenters: dc1`, not `datacenters datacenters`
    path = where.path if where.path[-1:] == (words,) else (*where.path, words)
    effect = "; ".join(field.get("Annotations") or ()) or where.effect
    change = Change(path=path, kind=field["Type"], old=old, new=new, effect=effect)
    return _rank(at, change, whole=whole), change


def _effect(task: dict[str, Any]) -> str:
    return "; ".join(task.get("Annotations") or ())


def _rank(at: FieldPath, change: Change, *, whole: bool) -> int:
    """The rank in the list, lowest first: images, counts, edits, additions and deletions, defaults of new objects."""
    if at.in_config and at.field == "image":
        return 0
    if at.level == "group" and at.field == "Count":
        return 1
    if not whole:
        return 2
    return 4 if change.new in _NOISE and change.old in _NOISE else 3


def _image(old: str, new: str) -> tuple[str, str, str]:
    """``image REPOSITORY``, old tag and new tag if only the tag changed; otherwise ``image`` and both references."""
    (old_repo, old_tag), (new_repo, new_tag) = split_image(old), split_image(new)
    if old_repo == new_repo and old_tag and new_tag:
        return f"image {old_repo}", old_tag, new_tag
    return "image", old, new


def split_image(reference: str) -> tuple[str, str]:
    """Repository and tag (or ``sha256:...``); the tag is empty if there is none."""
    name, at, digest = reference.partition("@")
    if at:
        return name, digest
    repository, colon, tag = reference.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (reference, "")
