"""Sentences on what changed between two plans of a deploy, or between the jobs of two environments."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.deploy.plan import Job, scaled_groups, without_counts, without_server_fields
from bot.domain.jobdiff.fields import FieldPath, word
from bot.domain.jobdiff.redaction import Redactor

LARGEST = 12
"""Most sentences; further ones are counted."""

_FREE = frozenset({"Env", "Meta"})
_PLACE = frozenset({"Datacenters", "ID", "Name", "Namespace", "NodePool", "Region"})
"""Fields that say where a job runs, and so differ between environments anyway."""
_ONES = {
    "Affinities": "Affinity",
    "DynamicPorts": "Dynamic Port",
    "Identities": "Identity",
    "ReservedPorts": "Static Port",
}
_Leaf = tuple[tuple[str, ...], FieldPath]


def moved(
    old_live: Job | None,
    new_live: Job | None,
    old_rendered: Job,
    new_rendered: Job,
    redactor: Redactor,
    cause: str = "outside Nomatron",
) -> tuple[str, ...]:
    """Sentences on what changed between two plans; empty if the jobs are the same.

    First changes of the live job (``env LOG_LEVEL changed outside Nomatron: info → debug``; ``cause`` says who changed
    it), then changes of the job to register. Counts of groups with a ``scaling`` block and Nomad's own fields are
    ignored.
    """
    scaled = scaled_groups(new_rendered)
    said = [
        *_between(_bare(old_live, scaled), _bare(new_live, scaled), redactor, cause),
        *_between(_bare(old_rendered, scaled), _bare(new_rendered, scaled), redactor, "in the job to register"),
    ]
    left = len(said) - LARGEST
    return tuple(said) if left <= 0 else (*said[:LARGEST], f"and {left} more")


def differences(before: Job, now: Job, redactor: Redactor) -> tuple[str, ...]:
    """Sentences on how two environments' jobs differ, apart from where they run."""
    scaled = scaled_groups(now)
    said = list(_between(_placeless(before, scaled), _placeless(now, scaled), redactor, ""))
    left = len(said) - LARGEST
    return tuple(said) if left <= 0 else (*said[:LARGEST], f"and {left} more")


def _placeless(job: Job, scaled: frozenset[str]) -> Job:
    bare = without_counts(without_server_fields(job), scaled)
    return {key: value for key, value in bare.items() if key not in _PLACE}


def _bare(job: Job | None, scaled: frozenset[str]) -> Job | None:
    return None if job is None else without_counts(without_server_fields(job), scaled)


def _between(old: Job | None, new: Job | None, redactor: Redactor, where: str) -> Iterator[str]:
    if old is None or new is None:
        return
    before, now = dict(_leaves(old, redactor)), dict(_leaves(new, redactor))
    for leaf in [*now, *(leaf for leaf in before if leaf not in now)]:
        was, becomes = before.get(leaf, ""), now.get(leaf, "")
        if was != becomes:
            yield _sentence(leaf, was, becomes, redactor, where)


def _sentence(leaf: _Leaf, was: str, becomes: str, redactor: Redactor, where: str) -> str:
    path, place = leaf
    verb = "changed" if was and becomes else "added" if becomes else "removed"
    name = " ".join([*path, place.words])
    said = f"{name} {verb} {where}" if where else name if was and becomes else f"{name} {verb}"
    if not redactor.shows(place, was, becomes):
        return said if where or not (was and becomes) else f"{name} differs"
    old, new = redactor.pair(place, was, becomes)
    values = f"{old} → {new}" if was and becomes else old or new
    return f"{said}: {_short(values)}" if where or not (was and becomes) else f"{name} {_short(values)}"


def _short(text: str, limit: int = 200) -> str:
    said = " ".join(text.split())
    return said if len(said) <= limit else said[: limit - 1] + "…"


def _leaves(job: Job, redactor: Redactor) -> Iterator[tuple[_Leaf, str]]:
    """Each value of a job with its position; null, empty and false values mean nothing in Nomad's JSON."""
    yield from _Walk(redactor, "job").fields(_without(job, "TaskGroups"), ())
    for group in job.get("TaskGroups") or ():
        path = (f"group {group['Name']}",)
        yield from _Walk(redactor, "group").fields(_without(group, "Tasks"), path)
        for task in group.get("Tasks") or ():
            yield from _Walk(redactor, "task").fields(task, (*path, f"task {task['Name']}"))


def _without(part: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key != name}


@dataclass(frozen=True, slots=True)
class _Walk:
    """Walks through a job, a group or a task in the JSON of Nomad's API."""

    redactor: Redactor
    level: str

    def fields(
        self, part: Mapping[str, Any], path: tuple[str, ...], objects: tuple[str, ...] = ()
    ) -> Iterator[tuple[_Leaf, str]]:
        """The values of this part and of all objects in it."""
        for key, value in part.items():
            if key in _FREE and isinstance(value, dict):
                for name, each in value.items():
                    yield (path, FieldPath(self.level, objects, key, (name,))), _text(each)
            elif isinstance(value, dict):
                yield from self.fields(value, _named(path, key), (*objects, key))
            elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
                for number, each in enumerate(value, 1):
                    yield from self._one(each, path, (*objects, _singular(key)), number)
            elif value not in (None, "", [], False):
                yield (path, FieldPath(self.level, objects, key)), _text(value)

    def _one(
        self, part: Mapping[str, Any], path: tuple[str, ...], objects: tuple[str, ...], number: int
    ) -> Iterator[tuple[_Leaf, str]]:
        """The values of one object in a list, which is named by its label, or else by its number."""
        texts = {name: value for name, value in part.items() if isinstance(value, str)}
        called = self.redactor.label(self.level, objects, texts) or number
        yield from self.fields(part, (*path, f"{word(objects[-1])} {called}"), objects)


def _named(path: tuple[str, ...], key: str) -> tuple[str, ...]:
    return path if key == "Config" else (*path, word(key))


def _singular(key: str) -> str:
    """The Diff's name for one element of a list: ``Constraint`` for ``Constraints``."""
    return _ONES.get(key, key.removesuffix("s"))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
