"""What a plan does to allocations, in one line, and warnings for the people who approve it.

Nomad's counts mislead in some ways: docs/nomad.md, "What a plan leaves out".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.domain.deploy.plan import Job, kept_counts
from bot.domain.deploy.rollout import Start, start_of
from bot.domain.jobdiff.fields import word
from bot.domain.jobdiff.placement import unplaced
from bot.domain.multierror import flatten

LONGEST = 600
"""Most characters of the line; further groups are counted."""

_STARTS = {
    Start.SCHEDULE: "starts on its schedule",
    Start.DISPATCH: "starts when it is dispatched",
    Start.NOTHING: "its schedule is off, so nothing starts it",
}
_NOTHING = "no allocation changes"


def effect(answer: Mapping[str, Any], job: Job) -> str:
    """``web: 6 replaced one by one, auto-revert on``, from Nomad's answer to a plan and the job.

    A plan only counts the first wave: with a canary or ``max_parallel``, it counts the rest as ignored.
    """
    if (starts := start_of(job)) is not Start.REGISTER:
        return f"registered; {_STARTS[starts]}{_next_launch(answer) if starts is Start.SCHEDULE else ''}"
    updates = ((answer.get("Annotations") or {}).get("DesiredTGUpdates")) or {}
    if (answer.get("Diff") or {}).get("Type") == "None":
        # with ACLs on, Nomad counts these for the accessor that a register sets (docs/nomad.md, "Plans under ACLs")
        updates = {name: {**counts, "InPlaceUpdate": 0} for name, counts in updates.items()}
    specs = {group["Name"]: group for group in job.get("TaskGroups") or ()}
    said = [f"{name}: {does}" for name in sorted(updates) if (does := _group(updates[name], specs.get(name), job))]
    return _joined(said) or _NOTHING


def changed_names(diff: Mapping[str, Any]) -> frozenset[str]:
    """Names of the fields and objects that differ by a Diff; empty if none does, whatever its type.

    The type is ``Edited`` with nothing in it for a job with a ``scaling`` policy of nested blocks.
    """
    found = {part["Name"] for part in _parts(diff) if part["Type"] in {"Added", "Deleted"} and "Name" in part}
    fields = (field for part in _parts(diff) for field in part.get("Fields") or ())
    return frozenset(found | {field["Name"] for field in fields if field["Type"] != "None"})


def _parts(part: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield part
    for name in ("Objects", "TaskGroups", "Tasks"):
        for each in part.get(name) or ():
            yield from _parts(each)


def task_effects(diff: Mapping[str, Any]) -> dict[tuple[str, ...], str]:
    """Nomad's annotations of a Diff (``forces create/destroy update``), by the path of the task or the field."""
    found: dict[tuple[str, ...], str] = {}
    for group in diff.get("TaskGroups") or ():
        path = (f"group {group['Name']}",)
        for field in group.get("Fields") or ():
            found[*path, word(field["Name"])] = "; ".join(field.get("Annotations") or ())
        for task in group.get("Tasks") or ():
            found[*path, f"task {task['Name']}"] = "; ".join(task.get("Annotations") or ())
    return {each: said for each, said in found.items() if said}


def _joined(said: list[str]) -> str:
    line = "; ".join(said)
    if len(line) <= LONGEST:
        return line
    kept = [each for number, each in enumerate(said) if len("; ".join(said[: number + 1])) <= LONGEST]
    left = len(said) - len(kept)
    return "; ".join([*kept, f"and {left} more {'group' if left == 1 else 'groups'}"])


def _next_launch(answer: Mapping[str, Any]) -> str:
    launch = answer.get("NextPeriodicLaunch")
    return f", next at {launch}" if launch and not str(launch).startswith("0001-") else ""


def _group(counts: Mapping[str, int], spec: Mapping[str, Any] | None, job: Job) -> str:
    """What happens to one group; empty if nothing does."""
    update = (spec or {}).get("Update") or job.get("Update") or {}
    count = {name: int(value or 0) for name, value in counts.items()}
    system = job.get("Type") in {"system", "sysbatch"}
    later = _later(count, job, int((spec or {}).get("Count") or 0))
    parts = list(_new_version(count, update, later))
    # for a system job, Nomad counts a replaced allocation as placed too
    started = count.get("Place", 0) - (count.get("DestructiveUpdate", 0) if system else 0)
    parts += [
        f"{number} {word}"
        for number, word in (
            (started, "started"),
            (count.get("InPlaceUpdate", 0), "updated in place"),
            (count.get("Migrate", 0), "moved to other nodes"),
            (count.get("RescheduleNow", 0), "rescheduled"),
            (count.get("Stop", 0), "stopped"),
        )
        if number > 0
    ]
    return ", ".join(parts)


def _later(count: Mapping[str, int], job: Job, wanted: int) -> int:
    """How many more allocations are replaced after the first wave, which is all that the plan counts.

    After its promotion, a canary counts as one of the wanted allocations. Batch jobs have no waves: the allocations
    that Nomad ignores have finished.
    """
    if job.get("Type") in {"batch", "sysbatch"}:
        return 0
    canaries = count.get("Canary", 0)
    if canaries and job.get("Type") != "system":
        return max(0, wanted - canaries)
    return count.get("Ignore", 0)


def _new_version(count: Mapping[str, int], update: Mapping[str, Any], later: int) -> Iterator[str]:
    """How the allocations of the old version are replaced; nothing if none is."""
    canaries, destructive = count.get("Canary", 0), count.get("DestructiveUpdate", 0)
    if not canaries and not destructive:
        return
    if canaries:
        yield _with_canary(canaries, later, update)
    else:
        yield f"{destructive + later} replaced{_pace(destructive + later, update)}"
    if update.get("AutoRevert"):
        yield "auto-revert on"


def _with_canary(canaries: int, rest: int, update: Mapping[str, Any]) -> str:
    noun = "canary" if canaries == 1 else "canaries"
    if not rest:
        promotion = "promoted automatically" if update.get("AutoPromote") else "replaces the old after promotion"
        return f"{canaries} {noun} now, {promotion}"
    pace = _pace(rest, update)
    if update.get("AutoPromote"):
        return f"{canaries} {noun} first, then {rest} replaced{pace}"
    return f"{canaries} {noun} now, {rest} replaced{pace} after promotion"


def _pace(number: int, update: Mapping[str, Any]) -> str:
    """How many are replaced at a time; empty if there is only one."""
    at_a_time = int(update.get("MaxParallel") or 0)
    if number == 1:
        return ""
    if at_a_time == 1:
        return " one by one"
    return f" {at_a_time} at a time" if 0 < at_a_time < number else " at once"


def warnings(answer: Mapping[str, Any], job: Job, live: Job | None) -> tuple[str, ...]:
    """Sentences on failed placements, restarts that the Diff does not show, scaled counts, and Nomad's warnings."""
    return tuple(_warnings(answer, job, live))


def _warnings(answer: Mapping[str, Any], job: Job, live: Job | None) -> Iterator[str]:
    for group, metric in sorted((answer.get("FailedTGAllocs") or {}).items()):
        yield unplaced(group, metric, job)
    if preempted := (answer.get("Annotations") or {}).get("PreemptedAllocs"):
        noun = "allocation" if len(preempted) == 1 else "allocations"
        yield f"Nomad stops {len(preempted)} {noun} of other jobs to make room"
    if sentence := _meta(answer.get("Diff") or {}):
        yield sentence
    yield from kept_counts(job, live)
    yield from flatten(str(answer.get("Warnings") or ""))


def _meta(diff: Mapping[str, Any]) -> str:
    """A warning if ``meta`` changes: Nomad then replaces every allocation (docs/nomad.md, "Meta changes")."""
    if diff.get("Type") != "Edited":
        return ""
    parts = [diff, *(diff.get("TaskGroups") or ())]
    parts += [task for group in diff.get("TaskGroups") or () for task in group.get("Tasks") or ()]
    edited = [part for part in parts if part.get("Type") == "Edited"]
    fields = [field for part in edited for field in part.get("Fields") or ()]
    keys = sorted({field["Name"][5:-1] for field in fields if field["Name"].startswith("Meta[")})
    return f"meta changes ({', '.join(keys)}): this alone makes Nomad replace every allocation" if keys else ""
