"""Brings two jobs into one form, so that a comparison finds what people changed and nothing that Nomad filled in."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Final

from bot.domain.deploy.plan import with_live_counts
from jobspec.job.canonical import canonicalize
from jobspec.job.implied import with_implied
from jobspec.job.stored import to_stored_form
from jobspec.job.unknown import keep_unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable

    from bot.domain.deploy.plan import Job

_ODD: Final = (AttributeError, KeyError, TypeError, ValueError)
"""What a job raises that has values of types which Nomad never writes."""

_FORMER: Final = {">= 1.7.0": ">= 1.8.0"}
"""Values of implied constraints in older versions of Nomad, and their values now."""

_ADDED_IDENTITY: Final = re.compile(r"(?:consul-service[_/]|consul_|vault_)")
_ADDED_PORT: Final = re.compile(r"connect-|svc_.*_ck_[0-9a-f]+$")


def comparable(job: Job, live: Job | None, ours: Job | None) -> tuple[Job | None, Job]:
    """The job that is replaced (None if there is none) and the job to register, in the same form.

    If a deploy made the live version, that is its frozen job, ``ours``, with the counts that run: both jobs come from
    Nomad's parser. Otherwise it is the live job, and the new one takes the form in which Nomad would store it.
    """
    try:
        return _comparable(job, live, ours)
    except _ODD:
        # nothing may be lost: what no Nomad writes is compared as it is
        return live, {"Stop": False, **job} if live is not None else job


def _comparable(job: Job, live: Job | None, ours: Job | None) -> tuple[Job | None, Job]:
    if live is None:
        return None, parsed_form(job)
    if ours is not None:
        before = parsed_form({**with_live_counts(ours, live), "Stop": bool(live.get("Stop"))})
        return before, parsed_form({**job, "Stop": False})
    before, after = stored_form(live), stored_form({**job, "Stop": False})
    if after.get("Region") in {"", "global"}:
        # a job without a region gets that of the cluster
        after["Region"] = before.get("Region")
    return without_additions(before, after), after


def parsed_form(job: Job) -> Job:
    """The job as Nomad's parser would make it today."""
    return keep_unknown(canonicalize(job), job, zero_is_unset=False)


def stored_form(job: Job) -> Job:
    """The job as Nomad would store it, without the constraints that it adds for what the job uses."""
    return _without_implied(keep_unknown(to_stored_form(job), job, zero_is_unset=True))


def versions(outside: Iterable[tuple[int, Job]]) -> list[tuple[int, Job]]:
    """Stored versions of a job in the form in which ``comparable`` has the live one."""
    try:
        return [(version, stored_form(job)) for version, job in outside]
    except _ODD:
        return list(outside)


def _without_implied(job: Job) -> Job:
    bare = copy.deepcopy(job)
    for part in _parts(bare):
        part["Constraints"] = None
    for part, other in zip(_parts(job), _parts(with_implied(bare)), strict=True):
        implied = other["Constraints"] or ()
        rules = part.get("Constraints") or ()
        part["Constraints"] = [each for each in rules if not any(_is_implied(each, rule) for rule in implied)] or None
    return job


def _is_implied(rule: Job, implied: Job) -> bool:
    return implied in (rule, {**rule, "RTarget": _FORMER.get(rule["RTarget"], rule["RTarget"])})


def _parts(job: Job) -> list[Job]:
    groups = job["TaskGroups"] or ()
    return [part for group in groups for part in (group, *(group["Tasks"] or ()))]


def without_additions(live: Job, new: Job) -> Job:
    """The live job without the identities, tasks and ports that Nomad made for Consul, Vault and Connect.

    One that the new job has too was written by its author, and stays.
    """
    result = copy.deepcopy(live)
    groups = _by_name(new["TaskGroups"])
    for group in result["TaskGroups"] or ():
        other = groups.get(group["Name"]) or {}
        tasks = _by_name(other.get("Tasks"))
        _keep(group, "Tasks", "Name", tasks, _is_connect)
        ports = [port for network in other.get("Networks") or () for port in network["DynamicPorts"] or ()]
        for network in group["Networks"] or ():
            _keep(network, "DynamicPorts", "Label", {each["Label"] for each in ports}, _is_added_port)
        _without_service_identities(group, other)
        for task in group["Tasks"] or ():
            same = tasks.get(task["Name"]) or {}
            _keep(task, "Identities", "Name", _by_name(same.get("Identities")), _is_added_identity)
            _without_service_identities(task, same)
    return result


def _is_connect(task: Job) -> bool:
    return str(task.get("Kind") or "").startswith("connect-") and str(task["Name"]).startswith("connect-")


def _is_added_port(port: Job) -> bool:
    return bool(_ADDED_PORT.match(port["Label"]))


def _is_added_identity(identity: Job) -> bool:
    return bool(_ADDED_IDENTITY.match(identity["Name"]))


def _without_service_identities(part: Job, other: Job) -> None:
    written = {each["Name"] for each in other.get("Services") or () if each["Identity"]}
    for service in part["Services"] or ():
        if service["Identity"] and service["Name"] not in written and _is_added_identity(service["Identity"]):
            service["Identity"] = None


def _keep(part: Job, name: str, key: str, written: Container[str], added: Callable[[Job], bool]) -> None:
    """Keep the elements that somebody wrote; a list without any is unset, as Nomad stores it."""
    part[name] = [each for each in part[name] or () if each[key] in written or not added(each)] or None


def _by_name(parts: Iterable[Job] | None) -> dict[str, Job]:
    return {each["Name"]: each for each in parts or ()}
