"""Whether a running allocation suits a job's new specification as it is, in place, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.nomad.diffs import is_destructive
from sandbox.nomad.records import group_named
from sandbox.nomad.status import ended_on_client

if TYPE_CHECKING:
    from sandbox.nomad.records import Json

IGNORE, IN_PLACE, DESTRUCTIVE = "ignore", "in place", "destructive"


def update_kind(allocation: Json, job: Json) -> str:
    """What the new specification does to the allocation."""
    ran = allocation["Job"]
    if ran["JobModifyIndex"] == job["JobModifyIndex"] and ran["CreateIndex"] == job["CreateIndex"]:
        return IGNORE
    old, new = group_named(ran, allocation["TaskGroup"]), group_named(job, allocation["TaskGroup"])
    if old is None or new is None or is_destructive(old, new, ran, job):
        return DESTRUCTIVE
    # nothing runs that could take the change up
    return IGNORE if ended_on_client(allocation) else IN_PLACE
