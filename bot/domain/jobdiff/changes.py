"""The change list: every difference between the live job and the one to register, redacted, the dangerous ones first.

It is ours, because Nomad's Diff leaves fields out (docs/nomad.md, "Diffs").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from bot.domain.deploy.plan import Change, Flag, Job
from bot.domain.jobdiff.flags import DANGER, flags, ordered
from bot.domain.jobdiff.images import split_image
from bot.domain.jobdiff.masks import changed_lines
from bot.domain.jobdiff.redaction import Redactor
from bot.domain.jobdiff.tree import ABSENT, Difference, Fold, compare, text

_PARENTS: Final = {
    # the object that Nomad fills in, and the one around it that it takes the values from
    ("group", "Migrate"): ("job", "Migrate"),
    ("group", "ReschedulePolicy"): ("job", "Reschedule"),
    ("group", "Update"): ("job", "Update"),
    ("task", "RestartPolicy"): ("group", "RestartPolicy"),
}
_NOISE: Final = frozenset({"", "0", "false", "0s"})
"""Values that Nomad fills in if a new object does not set a field."""

_IMAGE, _COUNT, _EDIT, _PART, _FILLED = range(5)
"""Ranks of changes without a flag, the first one first."""

_REASONS: Final = {
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
_VERBS: Final = {"Added": "added", "Deleted": "removed", "Edited": "changed"}
_OPPOSITE: Final = {"Added": "removed", "Deleted": "added", "Edited": "changed"}


def change_list(
    before: Job | None,
    after: Job,
    redactor: Redactor,
    *,
    outside: Sequence[tuple[int, Job]] = (),
    effects: Mapping[tuple[str, ...], str] | None = None,
    fold: Fold = lambda _, part: part,
) -> tuple[Change, ...]:
    """Every difference between two jobs of the same form; of a new job (``before`` is None), what it sets.

    ``outside`` are versions of the job, oldest first: our last one, then those registered outside Nomatron. A change
    of what they changed is flagged. ``effects`` are Nomad's annotations, by the path of a task or a group's count.
    ``fold`` leaves Nomad's defaults out of a part that came or went.
    """
    found = list(_without_consequences(compare(before, after, redactor, fold)))
    undone = _changed_outside(outside, redactor) if outside else {}
    ranked = [_ranked(each, redactor, undone, effects or {}) for each in found]
    return tuple(change for _, change in sorted(ranked, key=lambda each: each[0]))


def changes_of(before: Job, after: Job, redactor: Redactor) -> Iterator[Change]:
    """Every difference between two jobs, in the order of the jobs, without flags."""
    return (_change(each, redactor) for each in compare(before, after, redactor))


def requested(overrides: Mapping[str, str]) -> tuple[Change, ...]:
    """Lines on what the requester set: no field of the job tells that."""
    return tuple(
        Change(path=(f"setting {name}",), kind="Added", old="", new=value, flags=(Flag.OVERRIDE,))
        for name, value in sorted(overrides.items())
    )


def by_danger(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes with the flagged ones first, by danger; the order of the others stays."""
    return tuple(sorted(changes, key=_danger))


def reason(change: Change) -> str:
    """Why a change is flagged, in words: ``env removed (added outside Nomatron, version 2)``; empty if it is not."""
    noun = re.split(r"[\s\[]", change.path[-1] if change.path else "job")[0].replace("_", " ")
    said = [f"{noun} removed" if flag is Flag.REMOVED else _REASONS.get(flag, "") for flag in change.flags]
    said = [each for each in said if each]
    if Flag.UNDOES_OUTSIDE not in change.flags:
        return ", ".join(said)
    version = "" if change.outside is None else f", version {change.outside}"
    whole = ", ".join(said or [f"{noun} {_VERBS[change.kind]}"])
    return f"{whole} ({_OPPOSITE[change.kind]} outside Nomatron{version})"


def _danger(change: Change) -> int:
    return DANGER.index(change.flags[0]) if change.flags else len(DANGER)


def _without_consequences(found: list[Difference]) -> Iterator[Difference]:
    """Without the values that Nomad copies into groups and tasks from a block around them, if that changed likewise."""
    causes = {_key(each, each.path) for each in found if each.place.objects}
    for each in found:
        cause = _PARENTS.get((each.place.level, each.place.owner)) if len(each.place.objects) == 1 else None
        if cause is None or _key(each, _path_of(cause, each.path), cause[1]) not in causes:
            yield each


def _path_of(cause: tuple[str, str], path: tuple[str, ...]) -> tuple[str, ...]:
    """The path of the same field in the block around it: ``update max_parallel`` of the job for that of a group."""
    level = {"job": 0, "group": 1}[cause[0]]
    return (*path[:level], *path[-2:])


def _key(found: Difference, path: tuple[str, ...], owner: str = "") -> tuple[object, ...]:
    scope = path[:-2]
    return (scope, owner or found.place.owner, found.place.field, text(found.old), text(found.new))


_Undone = dict[tuple[object, ...], tuple[int, str]]


def _changed_outside(versions: Sequence[tuple[int, Job]], redactor: Redactor) -> _Undone:
    """What was changed outside, with the version that did it last and the value that it left."""
    found: _Undone = {}
    for (_, old), (version, new) in pairwise(versions):
        for each in compare(old, new, redactor):
            found[(each.path, each.place)] = (version, _left(each.new))
    return found


def _left(value: object) -> str:
    return repr(ABSENT) if value is ABSENT else text(value)


def _ranked(
    found: Difference, redactor: Redactor, undone: _Undone, effects: Mapping[tuple[str, ...], str]
) -> tuple[tuple[int, int], Change]:
    change = _change(found, redactor)
    set_flags = set(flags(found))
    outside = undone.get((found.path, found.place))
    if outside is not None and outside[1] == _left(found.old):
        change = replace(change, outside=outside[0])
        set_flags.add(Flag.UNDOES_OUTSIDE)
    effect = effects.get(found.path) or effects.get(found.path[:2], "")
    change = replace(change, flags=ordered(set_flags), effect=effect)
    return (_danger(change), _rank(found, change)), change


def _rank(found: Difference, change: Change) -> int:
    place = found.place
    if found.of_object and place.field in {"Task", "TaskGroup"}:
        return _IMAGE
    if place.in_config and place.field == "image":
        return _IMAGE
    if place.level == "group" and place.field == "Count" and not place.objects:
        return _COUNT
    if not found.inside:
        return _EDIT
    return _FILLED if not change.hidden and change.new in _NOISE and change.old in _NOISE else _PART


def _change(found: Difference, redactor: Redactor) -> Change:
    """The change with the values that may be shown."""
    if found.of_object and not isinstance(found.old, str) and not isinstance(found.new, str):
        return Change(path=found.path, kind=found.kind, old="", new="")
    old, new = text(found.old), text(found.new)
    template = found.place.field == "EmbeddedTmpl"
    listed = redactor.is_listed(found.place) or (template and "templates" in redactor.show)
    change = Change(path=found.path, kind=found.kind, old="", new="", hidden=not listed)
    if "\n" in old.strip() or "\n" in new.strip():
        # a text of several lines is nothing that is known to be harmless
        return replace(change, diff=changed_lines(old, new, hidden=not listed, script=not template))
    if not listed and not redactor.shows(found.place, old, new):
        return change
    old, new = redactor.pair(found.place, old, new)
    change = replace(change, old=old, new=new, hidden=False)
    return _image(change) if found.place.in_config and found.place.field == "image" else change


def _image(change: Change) -> Change:
    """``image REPOSITORY``, old tag and new tag if only the tag changed; otherwise ``image`` and both references."""
    (old_name, old_tag), (new_name, new_tag) = split_image(change.old), split_image(change.new)
    if old_name == new_name and old_tag and new_tag:
        return replace(change, path=(*change.path[:-1], f"image {old_name}"), old=old_tag, new=new_tag)
    return change
