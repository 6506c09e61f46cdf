"""The diff of two jobs."""

from __future__ import annotations

from bot.sandbox.nomad.jobspec.fields import Job


def diff(old: Job | None, new: Job | None, *, contextual: bool = True) -> Job:
    """Nomad's diff of two jobs in stored form (`stored.stored`), not annotated; `old` None is a new job."""
    kind = "Added" if old is None else "None" if old == new else "Edited"
    return {"Type": kind, "ID": (new or old or {})["ID"], "Fields": None, "Objects": None, "TaskGroups": None}
