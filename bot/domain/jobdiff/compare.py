"""Sentences on what changed between two plans of a deploy, or between the jobs of two environments."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.deploy.plan import Change, Job, scaled_groups, without_counts, without_server_fields
from bot.domain.jobdiff.changes import changes_of
from bot.domain.jobdiff.redaction import Redactor

LARGEST = 12
"""Most sentences; further ones are counted."""

_PLACE = frozenset({"Datacenters", "ID", "Name", "Namespace", "NodePool", "Region"})
"""Fields that say where a job runs, and so differ between environments anyway."""

_VERBS = {"Added": "added", "Deleted": "removed", "Edited": "changed"}


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
    return _at_most(
        [
            *_between(_bare(old_live, scaled), _bare(new_live, scaled), redactor, cause),
            *_between(_bare(old_rendered, scaled), _bare(new_rendered, scaled), redactor, "in the job to register"),
        ]
    )


def differences(before: Job, now: Job, redactor: Redactor) -> tuple[str, ...]:
    """Sentences on how two environments' jobs differ, apart from where they run."""
    scaled = scaled_groups(now)
    return _at_most(list(_between(_placeless(before, scaled), _placeless(now, scaled), redactor, "")))


def _at_most(said: list[str]) -> tuple[str, ...]:
    left = len(said) - LARGEST
    return tuple(said) if left <= 0 else (*said[:LARGEST], f"and {left} more")


def _placeless(job: Job, scaled: frozenset[str]) -> Job:
    return {key: value for key, value in (_bare(job, scaled) or {}).items() if key not in _PLACE}


def _bare(job: Job | None, scaled: frozenset[str]) -> Job | None:
    return None if job is None else without_counts(without_server_fields(job), scaled)


def _between(old: Job | None, new: Job | None, redactor: Redactor, where: str) -> Iterator[str]:
    if old is not None and new is not None:
        for change in changes_of(old, new, redactor):
            yield _sentence(change, where)


def _sentence(change: Change, where: str) -> str:
    """``env LOG_LEVEL changed outside Nomatron: info → debug``; without ``where``, ``env LOG_LEVEL debug → warn``."""
    name, edited = " ".join(change.path), change.kind == "Edited"
    values = f"{change.old or '(none)'} → {change.new or '(none)'}" if edited else change.new or change.old
    if change.diff or not (change.old or change.new):
        values = ""
    said = f"{name} {_VERBS[change.kind]} {where}" if where else name if edited else f"{name} {_VERBS[change.kind]}"
    if not values:
        return said if where or not edited else f"{name} differs"
    return f"{said}: {_short(values)}" if where or not edited else f"{name} {_short(values)}"


def _short(text: str, limit: int = 200) -> str:
    said = " ".join(text.split())
    return said if len(said) <= limit else said[: limit - 1] + "…"
