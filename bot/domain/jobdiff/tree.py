"""Compares two jobs over every field, as trees. Fields that nobody knows are compared like all others.

Unset is null, an empty list, an empty map or no field at all; in maps whose keys are the author's (``env``, a driver's
configuration), a key that is there is set, whatever its value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from bot.domain.deploy.plan import SERVER_FIELDS, Job
from bot.domain.jobdiff.fields import FieldPath, word
from bot.domain.jobdiff.match import pair

Part = Mapping[str, Any]
Fold = Callable[[str, Job], Job]
"""Leaves Nomad's defaults out of a part that came or went; the first argument is the name of its field."""

LEFT_OUT: Final = SERVER_FIELDS - {"ConsulNamespace", "Stop", "VaultNamespace"}
"""Fields of the job itself that say what happened to it, not what it is."""

FREE: Final = frozenset(
    {"CanaryMeta", "Config", "Env", "GetterHeaders", "GetterOptions", "Header", "Meta", "Policy", "TaggedAddresses"}
)
"""Maps whose keys are the author's."""

_LABELLED: Final = {"Volumes": "Volume", "EnvoyGatewayBindAddresses": "BindAddress"}
"""Maps of objects by their labels."""

_ONES: Final = {
    "Affinities": "Affinity", "Connect": "ConsulConnect", "DynamicPorts": "Dynamic Port", "Identities": "Identity",
    "Proxy": "ConsulProxy", "ReservedPorts": "Static Port", "ScalingPolicies": "ScalingPolicy",
    "Upstreams": "ConsulUpstreams",
}  # fmt: skip
"""What Nomad's Diff calls an object, if that is not the field's name in the singular; redaction knows those names."""

HEADED: Final = frozenset(
    {"TaskGroup", "Task", "Service", "Check", "Template", "Volume", "VolumeMount", "Vault", "Identity"}
)
"""Objects that are said to come or go; of others, only the fields are."""

_LISTS: Final = frozenset({"Audience", "MetaOptional", "MetaRequired"})

_LEVELS: Final = {"TaskGroups": "group", "Tasks": "task"}


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()
"""The value of a field that is not there, or unset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A field, or an object that came or went, that is not the same in two jobs.

    ``place`` is its position for redaction and ``path`` the position in words. ``old`` and ``new`` are the values,
    ``ABSENT`` if there is none. ``of_object``: it stands for an object as a whole, whose JSON the values are.
    ``inside`` is ``Added`` or ``Deleted`` if the field is part of an object that came or went, and ``said`` tells
    whether a difference of its own says that. ``owners`` are the two objects that have the field.
    """

    place: FieldPath
    path: tuple[str, ...]
    old: Any
    new: Any
    owners: tuple[Part, Part] = ({}, {})
    of_object: bool = False
    inside: str = ""
    said: bool = False

    @property
    def kind(self) -> str:
        """``Added``, ``Deleted`` or ``Edited``."""
        return "Added" if self.old is ABSENT else "Deleted" if self.new is ABSENT else "Edited"


class Labels(Protocol):
    """Names an object by a value that may be shown; empty if it has none."""

    def label(self, level: str, objects: tuple[str, ...], values: Mapping[str, str]) -> str:
        """The value that tells an object apart from others of its kind."""


def compare(before: Job | None, after: Job, labels: Labels, fold: Fold = lambda _, part: part) -> list[Difference]:
    """Every difference between two jobs, in the order of the new job; of a new job, everything that it sets."""
    old, new = ({key: value for key, value in (job or {}).items() if key not in LEFT_OUT} for job in (before, after))
    walk = _Walk(labels, fold)
    if before is None:
        return list(walk.fields(_At("job", inside="Added"), {}, fold("Job", new)))
    return list(walk.fields(_At("job"), old, new))


def text(value: Any) -> str:
    """A value as text; empty if there is none."""
    if value is ABSENT or value is None:
        return ""
    if isinstance(value, list) and not any(isinstance(each, dict | list) for each in value):
        return ", ".join(map(text, value))
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class _At:
    """A position: level, words and objects around; ``inside`` and ``said`` as in ``Difference``."""

    level: str
    path: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    inside: str = ""
    said: bool = False


def _unset(value: Any) -> bool:
    return value is ABSENT or value is None or (isinstance(value, list | dict) and not value)


def _same(old: Any, new: Any) -> bool:
    """Equality of JSON values, in which ``true`` is not 1."""
    if old is new:
        return True
    if old != new:
        return False
    if isinstance(old, dict | list) and json.dumps(old) == json.dumps(new):
        # the fast way, for what is large and in the same order
        return True
    if isinstance(old, dict) and isinstance(new, dict):
        return all(_same(old[key], new[key]) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        return all(map(_same, old, new))
    return isinstance(old, bool) == isinstance(new, bool)


def _is_objects(*values: Any) -> bool:
    """Whether the values are lists of objects, some of them unset."""
    given = [value for value in values if not _unset(value)]
    return all(isinstance(value, list) and all(isinstance(each, dict) for each in value) for value in given)


def _splits(kind: type, *values: Any) -> bool:
    """Whether to compare the parts of two values; not if only an empty one came or went, because it has none."""
    there = [value for value in values if value is not ABSENT]
    return all(isinstance(value, kind) for value in there) and (len(there) == len(values) or any(there))


def _is_maps(*values: Any) -> bool:
    return all(_unset(value) or isinstance(value, dict) for value in values)


@dataclass(frozen=True, slots=True)
class _Walk:
    labels: Labels
    fold: Fold

    def fields(self, at: _At, old: Part, new: Part) -> Iterator[Difference]:
        """The differences between two objects."""
        for key in [*new, *(key for key in old if key not in new)]:
            one, two = old.get(key, ABSENT), new.get(key, ABSENT)
            if (_unset(one) and _unset(two)) or _same(one, two):
                continue
            yield from self._field(at, key, one, two, (old, new))

    def _field(self, at: _At, key: str, one: Any, two: Any, owners: tuple[Part, Part]) -> Iterator[Difference]:
        one, two = (ABSENT if _unset(value) else value for value in (one, two))
        maps = _is_maps(one, two)
        if key in FREE and maps:
            yield from self._free(at, key, one, two, owners)
        elif key in _LABELLED and maps and all(_is_maps(*(value or {}).values()) for value in _dicts(one, two)):
            before, now = _dicts(one, two)
            for label in [*now, *(label for label in before if label not in now)]:
                inside = self._into(at, key, _LABELLED[key], label)
                yield from self._object(inside, key, before.get(label, ABSENT), now.get(label, ABSENT))
        elif maps:
            name = _ONES.get(key, key)
            yield from self._object(self._into(at, key, name, ""), key, one, two)
        elif _is_objects(one, two):
            yield from self._list(at, key, _lists(one, two))
        else:
            yield self._leaf(at, key, one, two, owners)

    def _free(self, at: _At, key: str, one: Any, two: Any, owners: tuple[Part, Part]) -> Iterator[Difference]:
        """The differences of a map whose keys are the author's, each named by its key."""
        before, now = _dicts(one, two)
        config = at.level == "task" and not at.objects and key == "Config"
        inner = _At(at.level, at.path, ("Config",), at.inside, at.said) if config else at
        owners = (before, now) if config else owners
        for name in [*now, *(name for name in before if name not in now)]:
            field, keys = (name, ()) if config else (key, (name,))
            yield from self._nested(inner, field, keys, (before.get(name, ABSENT), now.get(name, ABSENT)), owners)

    def _nested(
        self, at: _At, field: str, keys: tuple[str, ...], values: tuple[Any, Any], owners: tuple[Part, Part]
    ) -> Iterator[Difference]:
        """The differences of a value in such a map: every part of it counts, an empty one too."""
        one, two = values
        if _same(one, two):
            return
        if _splits(dict, one, two):
            before, now = _dicts(*values)
            for key in [*now, *(key for key in before if key not in now)]:
                inner = (before.get(key, ABSENT), now.get(key, ABSENT))
                yield from self._nested(at, field, (*keys, key), inner, (before, now))
        elif _splits(list, one, two):
            for place, inner in _aligned(*_lists(*values)):
                yield from self._nested(at, field, (*keys, str(place)), inner, owners)
        else:
            yield self._leaf(at, field, one, two, owners, keys)

    def _list(self, at: _At, key: str, lists: tuple[Sequence[Part], Sequence[Part]]) -> Iterator[Difference]:
        """The differences of a list of objects, and one more if the same objects are in another order."""
        one = _ONES.get(key, key.removesuffix("s"))
        pairs, reordered = pair(key, *lists)
        labels = [self._label(at, one, new if new is not None else old) for old, new in pairs]
        for number, ((old, new), label) in enumerate(zip(pairs, labels, strict=True), 1):
            called = label if label and labels.count(label) == 1 else f"{label} {number}".strip()
            inside = self._into(at, key, one, called)
            values = (ABSENT if old is None else old, ABSENT if new is None else new)
            if one == "Constraint":
                yield from self._rule(at, *values)
            else:
                yield from self._object(inside, key, *values)
        if reordered:
            place = FieldPath(at.level, (*at.objects, one), key)
            yield Difference(place=place, path=(*at.path, f"order of {word(key)}"), old=[], new=[])

    def _label(self, at: _At, one: str, part: Part) -> str:
        if one in {"TaskGroup", "Task"}:
            return str(part.get("Name") or "")
        texts = {name: value for name, value in part.items() if isinstance(value, str)}
        return self.labels.label(at.level, (*at.objects, one), texts)

    def _into(self, at: _At, key: str, one: str, label: str) -> _At:
        """The position inside an object."""
        if key in _LEVELS:
            level = _LEVELS[key]
            return _At(level, (*at.path, f"{level} {label}"), (), at.inside, at.said)
        return _At(at.level, (*at.path, f"{word(one)} {label}".rstrip()), (*at.objects, one), at.inside, at.said)

    def _object(self, at: _At, key: str, old: Any, new: Any) -> Iterator[Difference]:
        """The differences of an object; if it came or went, one for it as a whole unless its fields say enough."""
        if ABSENT not in (old, new):
            yield from self.fields(at, old, new)
            return
        came = "Deleted" if new is ABSENT else "Added"
        named = {"Name"} if not at.objects else set()
        name = at.objects[-1] if at.objects else "Task" if at.level == "task" else "TaskGroup"
        before, now = ({} if part is ABSENT else _without(self.fold(key, part), named) for part in (old, new))
        headed = name in HEADED and not at.inside
        inner = _At(at.level, at.path, at.objects, came, at.said or headed)
        found = list(self.fields(inner, before, now))
        if headed or not found:
            place = FieldPath(at.level, at.objects[:-1], name)
            owners = tuple({} if part is ABSENT else part for part in (old, new))
            yield Difference(
                place=place, path=at.path, old=old, new=new, owners=(owners[0], owners[1]), of_object=True,
                inside=at.inside, said=at.said,
            )  # fmt: skip
        yield from found

    def _rule(self, at: _At, old: Any, new: Any) -> Iterator[Difference]:
        """A constraint that came or went, in one line; it is edited only in fields that nobody knows."""
        values = [part if part is ABSENT else rule(part) for part in (old, new)]
        if values[0] != values[1]:
            place = FieldPath(at.level, (*at.objects, "Constraint"), "Constraint")
            yield Difference(
                place=place, path=(*at.path, "constraint"), old=values[0], new=values[1], of_object=True,
                inside=at.inside, said=at.said,
            )  # fmt: skip

    def _leaf(
        self, at: _At, field: str, one: Any, two: Any, owners: tuple[Part, Part], keys: tuple[str, ...] = ()
    ) -> Difference:
        # Nomad's Diff makes an object of a list, and that is how redaction knows these
        objects = (*at.objects, field) if field in _LISTS else at.objects
        place = FieldPath(at.level, objects, field, keys)
        return Difference(
            place=place, path=(*at.path, place.full), old=one, new=two, owners=owners, inside=at.inside, said=at.said
        )


def rule(part: Part) -> str:
    """A constraint as people read it."""
    rest = {
        key: value for key, value in part.items() if key not in {"LTarget", "Operand", "RTarget"} and value is not None
    }
    said = " ".join(text(part.get(key)) for key in ("LTarget", "Operand", "RTarget")).strip()
    return f"{said} {text(rest)}" if rest else said


def _without(part: Part, names: set[str]) -> Part:
    return {key: value for key, value in part.items() if key not in names}


def _dicts(one: Any, two: Any) -> tuple[Part, Part]:
    return (one if isinstance(one, dict) else {}, two if isinstance(two, dict) else {})


def _lists(one: Any, two: Any) -> tuple[list[Any], list[Any]]:
    return (one if isinstance(one, list) else [], two if isinstance(two, list) else [])


def _aligned(old: list[Any], new: list[Any]) -> Iterator[tuple[int, tuple[Any, Any]]]:
    """The elements of two lists by position, counted from both ends: one that is put in moves no other."""
    least = min(len(old), len(new))
    start = next((at for at in range(least) if not _same(old[at], new[at])), least)
    most = least - start
    end = next((at for at in range(most) if not _same(old[-1 - at], new[-1 - at])), most)
    before, now = old[start : len(old) - end], new[start : len(new) - end]
    for at in range(max(len(before), len(now))):
        yield start + at, (before[at] if at < len(before) else ABSENT, now[at] if at < len(now) else ABSENT)
