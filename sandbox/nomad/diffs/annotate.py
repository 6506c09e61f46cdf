"""Adds the scheduler's annotations to a diff: the effect of each changed group and task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from jobspec.job.fields import Job

_UPDATES: Final = {
    "Ignore": "ignore", "Place": "create", "Migrate": "migrate", "Stop": "destroy", "Canary": "canary",
    "InPlaceUpdate": "in-place update", "DestructiveUpdate": "create/destroy update",
}  # fmt: skip
_IN_PLACE: Final = {"Service", "Constraint", "Affinity", "Spread"}


def annotate(diff: Job, desired: dict[str, dict[str, int]] | None = None) -> Job:
    """Adds `Updates` to each group of the diff, and annotations to its count and tasks; changes and returns the diff.

    `desired` is the plan's `DesiredTGUpdates`, by group.
    """
    for group in diff["TaskGroups"] or ():
        if desired is not None and group["Name"] in desired:
            counts = desired[group["Name"]]
            group["Updates"] = {word: counts[key] for key, word in _UPDATES.items() if counts.get(key)}
        for field in group["Fields"] or ():
            if field["Name"] == "Count":
                field["Annotations"] = _count(int(field["Old"] or 0), int(field["New"] or 0))
        for task in group["Tasks"] or ():
            if task["Type"] != "None":
                task["Annotations"] = [_task(task, group["Type"])]
    return diff


def _count(old: int, new: int) -> list[str] | None:
    if old == new:
        return None
    return ["forces create" if old < new else "forces destroy"]


def _task(task: dict[str, Any], group_type: str) -> str:
    whole_group = group_type in {"Added", "Deleted"}
    if whole_group and task["Type"] == "Added":
        return "forces create"
    if whole_group and task["Type"] == "Deleted":
        return "forces destroy"
    fields = any(field["Name"] != "KillTimeout" for field in task["Fields"] or ())
    destructive = fields or any(not _in_place(each) for each in task["Objects"] or ())
    return "forces create/destroy update" if destructive else "forces in-place update"


def _in_place(change: dict[str, Any]) -> bool:
    """Whether a running task can apply the change; it cannot switch log collection on or off."""
    if change["Name"] == "LogConfig":
        # a diff in context lists unchanged fields too, and Nomad looks at names alone
        return all(field["Name"] != "Disabled" for field in change["Fields"] or ())
    return change["Name"] in _IN_PLACE
