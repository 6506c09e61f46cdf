"""The values that a plan hides, which no text about its job may show either."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from bot.domain.deploy.plan import Job, job_text
from bot.domain.jobdiff.fields import FieldPath
from bot.domain.jobdiff.redaction import Redactor
from bot.domain.masking import maskable, scrub

Clean = Callable[[str], str]
"""Masks the secrets in a text of Nomad's."""

_MAPS = frozenset({"Env", "Meta"})
_LEVELS = {"TaskGroups": "group", "Tasks": "task"}
_DIFF_NAMES = {
    "Affinities": "Affinity", "Connect": "ConsulConnect", "DynamicPorts": "Dynamic Port", "Identities": "Identity",
    "Proxy": "ConsulProxy", "ReservedPorts": "Static Port", "Upstreams": "ConsulUpstreams", "Volumes": "Volume",
}  # fmt: skip
"""What ``Redactor`` calls the objects that the job's JSON names otherwise."""

_Leaf = tuple[FieldPath, str]


def cleaner(jobs: Iterable[Job | None], redactor: Redactor) -> Clean:
    """What masks secrets in a text about these jobs; their hidden values are looked up once there is a text."""

    @cache
    def hidden() -> frozenset[str]:
        return _remembered(tuple(job_text(job) for job in jobs if job is not None), redactor)

    return lambda text: scrub(text, hidden()) if text else ""


@lru_cache(maxsize=16)
def _remembered(jobs: tuple[str, ...], redactor: Redactor) -> frozenset[str]:
    # a rollout is observed every few seconds, and a template may have thousands of lines
    return hidden_values(map(json.loads, jobs), redactor)


def hidden_values(jobs: Iterable[Job], redactor: Redactor) -> frozenset[str]:
    """The values that ``redactor`` hides of these jobs, as far as they can be told apart in a text.

    A value that one of the jobs also shows is not among them, nor are short values, numbers and durations.
    """
    hidden: set[str] = set()
    shown: set[str] = set()
    # versions of one job are alike: each value once
    for place, value in {leaf for job in jobs for leaf in _leaves(job, "job", ())}:
        shown |= {place.field, *place.keys}
        if not redactor.shows(place, value):
            hidden.add(value)
        elif (said := redactor.said(place, value)) == value:
            shown.add(value)
        else:
            # a password alone, as a server's own error may repeat it
            shown.add(said)
            hidden |= {part for part in re.split(r"[\s/:@?&=#]+", value) if part not in said}
    return maskable(hidden, shown)


def _leaves(part: Mapping[str, Any], level: str, objects: tuple[str, ...]) -> Iterator[_Leaf]:
    """Every text in a job, a group, a task or an object in it, with its place."""
    for key, value in part.items():
        if key in _LEVELS and isinstance(value, list):
            for each in value:
                yield from _leaves(each, _LEVELS[key], ())
        elif (level, objects, key) == ("task", (), "Config") or (key in _MAPS and isinstance(value, dict)):
            is_config = key == "Config"
            for name, each in (value or {}).items():
                # a driver's configuration nests; env and meta have one key each
                place = FieldPath(level, ("Config",), name) if is_config else FieldPath(level, objects, key, (name,))
                yield from _texts(place, each)
        else:
            yield from _inside(value, level, objects, key)


def _inside(value: Any, level: str, objects: tuple[str, ...], key: str) -> Iterator[_Leaf]:
    if isinstance(value, dict):
        name = _DIFF_NAMES.get(key, key)
        for each in value.values() if key == "Volumes" else [value]:
            yield from _leaves(each, level, (*objects, name))
    elif isinstance(value, list):
        for each in value:
            if isinstance(each, dict):
                yield from _leaves(each, level, (*objects, _DIFF_NAMES.get(key, key.removesuffix("s"))))
            else:
                yield from _inside(each, level, objects, key)
    elif isinstance(value, str) and value:
        yield FieldPath(level, objects, key), value


def _texts(place: FieldPath, value: Any) -> Iterator[_Leaf]:
    """The texts in a map's value, however deep it nests; ``mounts[0][source]`` has the keys ``0`` and ``source``."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(_deeper(place, key), each)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _texts(_deeper(place, str(number)), each)
    elif isinstance(value, str) and value:
        yield place, value


def _deeper(place: FieldPath, key: str) -> FieldPath:
    return FieldPath(place.level, place.objects, place.field, (*place.keys, key))
