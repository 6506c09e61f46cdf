"""Whether a new specification leaves a running allocation, changes it in place or replaces it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.nomad.diffs import is_destructive
from sandbox.nomad.records import find_group
from sandbox.nomad.status import ended_on_client

if TYPE_CHECKING:
    from sandbox.nomad.records import Json

IGNORE, IN_PLACE, DESTRUCTIVE = "ignore", "in place", "destructive"


def update_kind(allocation: Json, job: Json) -> str:
    """How the new specification affects the allocation: ignore, in-place or destructive."""
    ran = allocation["Job"]
    if ran["JobModifyIndex"] == job["JobModifyIndex"] and ran["CreateIndex"] == job["CreateIndex"]:
        return IGNORE
    old, new = find_group(ran, allocation["TaskGroup"]), find_group(job, allocation["TaskGroup"])
    if old is None or new is None or is_destructive(old, new, ran, job):
        return DESTRUCTIVE
    # nothing runs that could apply the change
    return IGNORE if ended_on_client(allocation) else IN_PLACE
