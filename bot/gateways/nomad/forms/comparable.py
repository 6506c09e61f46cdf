"""Brings two jobs into one form, so that a comparison finds what people changed and nothing that Nomad filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.deploy.plan import with_live_counts, without_server_fields
from bot.domain.jobdiff.changes import changes_of
from bot.domain.jobdiff.redaction import Redactor
from bot.gateways.nomad.forms.additions import without_additions, without_implied
from jobspec.job.canonical import canonicalize
from jobspec.job.stored import to_stored_form
from jobspec.job.unknown import keep_unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bot.domain.deploy.plan import Job

_ODD: Final = (AttributeError, KeyError, TypeError, ValueError)
"""What a job raises that has values of types which Nomad never writes."""

_IGNORED: Final = frozenset({"MaxClientDisconnect", "PreventRescheduleOnLost", "StopAfterClientDisconnect"})
"""Fields of a group that an older Nomad stores and a newer one ignores, like the policies of a Vault block."""

_OF_SERVER: Final = ("CreateIndex", "ID", "ModifyIndex", "Namespace", "Target")
"""Fields of a scaling policy that Nomad sets."""


def comparable(
    job: Job, live: Job | None, ours: Job | None, by_nomad: frozenset[str] = frozenset()
) -> tuple[Job | None, Job]:
    """The job that is replaced (None if there is none) and the job to register, in the same form.

    If a deploy made the live version, that is its frozen job, ``ours``, with the counts that run: both jobs come from
    Nomad's parser. Otherwise it is the live job, and the new one takes the form in which Nomad would store it.
    ``by_nomad`` are the names of fields that changed by Nomad's own plan.
    """
    try:
        return _comparable(job, live, ours, by_nomad)
    except _ODD:
        # nothing may be lost: what no Nomad writes is compared as it is
        return live, {"Stop": False, **job} if live is not None else job


def is_registered_as(job: Job, live: Job) -> bool:
    """Implements ``bot.ports.nomad.Nomad.is_registered_as``."""
    ours = with_live_counts(without_server_fields(job), live)
    before, after = comparable(ours, {**live, "Stop": False}, None)
    return before is not None and next(changes_of(before, after, Redactor()), None) is None


def _comparable(job: Job, live: Job | None, ours: Job | None, by_nomad: frozenset[str]) -> tuple[Job | None, Job]:
    if live is None:
        return None, parsed_form(job)
    if ours is not None:
        before = parsed_form({**with_live_counts(ours, live), "Stop": bool(live.get("Stop"))})
        return before, parsed_form({**job, "Stop": False})
    before, after = stored_form(live), stored_form({**job, "Stop": False})
    if after.get("Region") in {"", "global"}:
        # a job without a region gets that of the cluster
        after["Region"] = before.get("Region")
    _drop_ignored(before, after, by_nomad)
    return without_additions(before, after), after


def _drop_ignored(live: Job, job: Job, by_nomad: frozenset[str]) -> None:
    """Give the new job the live values of fields that this Nomad ignores, in which its own plan sees no change."""
    for one, two in _pairs(live["TaskGroups"], job["TaskGroups"]):
        for name in _IGNORED - by_nomad:
            two[name] = one.get(name)
        for task, other in _pairs(one["Tasks"], two["Tasks"]):
            if task["Vault"] and other["Vault"] and "Policies" not in by_nomad:
                other["Vault"]["Policies"] = task["Vault"].get("Policies")


def _pairs(old: list[Job] | None, new: list[Job] | None) -> Iterator[tuple[Job, Job]]:
    names = {each["Name"]: each for each in old or ()}
    return ((names[each["Name"]], each) for each in new or () if each["Name"] in names)


def parsed_form(job: Job) -> Job:
    """The job as Nomad's parser would make it today."""
    return keep_unknown(canonicalize(job), job, zero_is_unset=False)


def stored_form(job: Job) -> Job:
    """The job as Nomad would store it, without the constraints that it adds for what the job uses."""
    stored = without_implied(keep_unknown(to_stored_form(job), job, zero_is_unset=True))
    for group in stored["TaskGroups"] or ():
        policies = [policy for task in group["Tasks"] or () for policy in task["ScalingPolicies"] or ()]
        for policy in [group["Scaling"] or {}, *policies]:
            for name in _OF_SERVER:
                policy.pop(name, None)
    return stored


def versions(outside: Iterable[tuple[int, Job]]) -> list[tuple[int, Job]]:
    """Stored versions of a job in the form in which ``comparable`` has the live one."""
    try:
        return [(version, stored_form(job)) for version, job in outside]
    except _ODD:
        return list(outside)
