"""The plan: the frozen job, what it would change, and the fingerprint that an approval names."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Job = dict[str, Any]
"""A Nomad job as its API's JSON."""

SERVER_FIELDS = frozenset(
    {
        "CreateIndex", "DispatchIdempotencyToken", "Dispatched", "JobModifyIndex", "ModifyIndex", "NomadTokenID",
        "ParentID", "Payload", "Stable", "Status", "StatusDescription", "Stop", "SubmitTime", "Version", "VersionTag",
        "VaultNamespace", "ConsulNamespace",
    }
)  # fmt: skip
"""What Nomad writes into a job, or must not be told (docs/nomad.md, "Fields of the server")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One changed field, safe to show: ``old`` and ``new`` are redacted unless the catalog shows them.

    ``path`` is where, outermost first (``("group web", "task app", "env LOG_LEVEL")``); ``kind`` is Nomad's word:
    ``Added``, ``Deleted`` or ``Edited``; ``effect`` is Nomad's annotation (``forces create/destroy update``) or empty.
    """

    path: tuple[str, ...]
    kind: str
    old: str
    new: str
    effect: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A numbered plan of a deploy.

    ``job`` is the frozen JSON that is registered byte for byte, ``base_index`` the JobModifyIndex that check-and-set
    enforces (0: the job must not exist), ``base_version`` the version it replaces (None for a new job), ``replaced``
    that live specification's text (empty for a new job), ``from_version`` what was deployed last. ``changes`` is the
    redacted difference, ``effect`` one line that says what it does to allocations, ``warnings`` what people should
    know (no capacity, Nomad's warnings, a count that is kept). ``moved`` are the sentences that say what changed
    against the plan before it, where its fingerprint moved; ``differs`` say what is not as in the environment before.
    ``unchanged``: nothing would change, and ``healthy`` then says whether what runs is well.
    """

    deploy_id: int
    number: int
    at: datetime
    job: str
    fingerprint: str
    base_index: int
    base_version: int | None
    from_version: str | None
    changes: tuple[Change, ...]
    effect: str
    replaced: str = ""
    warnings: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()
    unchanged: bool = False
    healthy: bool = False


@dataclass(frozen=True, slots=True)
class BaseChange:
    """The job on Nomad is no longer the one that a plan was made against; a version is None if there is no job."""

    planned_version: int | None
    live_version: int | None

    @property
    def sentence(self) -> str:
        """The change in words."""
        now = "gone" if self.live_version is None else f"at version {self.live_version}"
        before = "when there was none" if self.planned_version is None else f"against version {self.planned_version}"
        return f"The job on Nomad is {now} now; the plan was made {before}."


def frozen(job: Job) -> str:
    """The job's JSON text as it is stored, fingerprinted and registered: sorted keys, no spaces.

    Not the audit's canonical form: a job holds floats and 64-bit integers that have to stay as Nomad wrote them.
    """
    return json.dumps(job, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def without_server_fields(job: Job) -> Job:
    """The job's specification alone, as it may be submitted."""
    return {key: value for key, value in job.items() if key not in SERVER_FIELDS}


def scaled_groups(job: Job) -> frozenset[str]:
    """Names of the groups that have a ``scaling`` block: their live count belongs to the autoscaler."""
    return frozenset(group["Name"] for group in job.get("TaskGroups") or () if group.get("Scaling"))


def with_live_counts(job: Job, live: Job | None) -> Job:
    """The job with the live count of each group that has a ``scaling`` block (docs/nomad.md, "Scaled counts")."""
    counts = {group["Name"]: group.get("Count") for group in (live or {}).get("TaskGroups") or ()}
    result = copy.deepcopy(job)
    for group in result.get("TaskGroups") or ():
        if group.get("Scaling") and counts.get(group["Name"]) is not None:
            group["Count"] = counts[group["Name"]]
    return result


def without_counts(job: Job, groups: frozenset[str]) -> Job:
    """The job without the counts of those groups: what an autoscaler moves voids no approval."""
    result = copy.deepcopy(job)
    for group in result.get("TaskGroups") or ():
        if group["Name"] in groups:
            group.pop("Count", None)
    return result


def fingerprint(rendered: Job, live: Job | None, *, release: str, environment: str) -> str:
    """SHA-256, hexadecimal, of what an approval is bound to.

    The rendered job without the counts of scaled groups, the live specification that it replaces without server
    fields and those counts (not its index), the release's fingerprint and the environment.
    """
    scaled = scaled_groups(rendered)
    replaced = without_counts(without_server_fields(live), scaled) if live is not None else None
    parts = (frozen(without_counts(rendered, scaled)), frozen({"live": replaced}), release, environment)
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


def stamp(deploy: str, plan: Plan) -> str:
    """The first line of a submission's source: for people, and for the look after a lost answer."""
    return f"# nomatron {deploy} plan {plan.number} fingerprint {plan.fingerprint}"


def is_healthy(live: Job | None) -> bool:
    """Whether Nomad calls the job's present version good: stable, or under way where its kind is never marked so."""
    if live is None or live.get("Stop"):
        return False
    if live.get("Type") in {None, "service", "system"}:
        return bool(live.get("Stable"))
    return live.get("Status") != "pending"


def same_kind(rendered: Job, live: Mapping[str, Any] | None) -> list[str]:
    """A changed type, periodic or parameterized: register refuses it, though plan does not.

    See docs/nomad.md, "What a plan leaves out".
    """
    if live is None or live.get("Stop"):
        return []
    problems = []
    old, new = live.get("Type") or "service", rendered.get("Type") or "service"
    if old != new:
        problems.append(f"the job runs as type {old}; it cannot become {new}: use another job id or purge the old job")
    return problems + [
        f"a job cannot change between having a {key} block and not: use another job id"
        for key in ("Periodic", "ParameterizedJob")
        if bool(live.get(key)) != bool(rendered.get(key))
    ]
