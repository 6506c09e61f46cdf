"""The plan: the job that will be registered, what it would change, and the fingerprint that people approve."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import itemgetter
from typing import Any

from bot.domain.catalog.release import release_name

Job = dict[str, Any]
"""A Nomad job as its API's JSON."""

SERVER_FIELDS = frozenset(
    {
        "CreateIndex", "DispatchIdempotencyToken", "Dispatched", "JobModifyIndex", "ModifyIndex", "NomadTokenID",
        "ParentID", "Payload", "Stable", "Status", "StatusDescription", "Stop", "SubmitTime", "Version", "VersionTag",
        "VaultNamespace", "ConsulNamespace",
    }
)  # fmt: skip
"""Fields that Nomad itself writes, and that a register must not send (docs/nomad.md, "Fields of the server")."""


FORMAT = 2
"""The newest format of a fingerprint; the first one had no number, and did not say whether the job runs."""


class Flag(StrEnum):
    """Why a change is dangerous. The words are those of ``risk`` in the catalog, and a closed list."""

    REMOVED = "removed"
    LESS_MEMORY = "less-memory"
    LESS_CPU = "less-cpu"
    LESS_COUNT = "less-count"
    COUNT_ZERO = "count-zero"
    OLDER_VERSION = "older-version"
    IMAGE_REGISTRY = "image-registry-change"
    IMAGE_REPOSITORY = "image-repository-change"
    MUTABLE_TAG = "mutable-tag"
    DRIVER = "driver-change"
    RAW_EXEC = "raw-exec"
    USER = "user-change"
    PRIVILEGED = "privileged"
    CAPABILITIES = "capabilities"
    DEVICES = "devices"
    HOST_VOLUME = "host-volume"
    HOST_NETWORK = "host-network"
    NODE_POOL = "node-pool-change"
    DATACENTER = "datacenter-change"
    NAMESPACE = "namespace-change"
    REGION = "region-change"
    TYPE = "type-change"
    PRIORITY = "priority-change"
    AUTO_REVERT_OFF = "auto-revert-off"
    CANARIES_OFF = "canaries-off"
    HEALTH_LOOSENED = "health-loosened"
    DEADLINE_LOOSENED = "deadline-loosened"
    OVERRIDE = "override"
    UNDOES_OUTSIDE = "undoes-outside-change"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One changed field, safe to show: ``old`` and ``new`` are redacted unless the catalog shows them.

    ``path`` is its place in the job, outermost first (``("group web", "task app", "env LOG_LEVEL")``); ``kind`` is
    ``Added``, ``Deleted`` or ``Edited``; ``effect`` is Nomad's annotation (``forces create/destroy update``) or empty;
    ``flags`` say why it is dangerous; ``hidden``: it changed, and nobody may see the values (``old`` and ``new`` are
    empty); ``outside`` is the job version, registered outside Nomatron, whose change this one undoes. ``diff`` has the
    changed lines of a text of several lines, each with its sign, instead of ``old`` and ``new``; if the text is hidden,
    its keys are readable and its values masked.
    """

    path: tuple[str, ...]
    kind: str
    old: str
    new: str
    effect: str = ""
    flags: tuple[Flag, ...] = ()
    hidden: bool = False
    outside: int | None = None
    diff: tuple[str, ...] = ()


class JobState(StrEnum):
    """What the live job does when a plan is made. It is part of the fingerprint: nobody starts a stopped job unseen."""

    ABSENT = "absent"
    RUNNING = "running"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What a plan replaces: the live job, its version, and who made that version.

    ``deploy`` is the id of the deploy that made the version, or whose job a revert restored (``reverted``), ``version``
    and ``revision`` are those of its release; the first two are None for a version that was registered outside
    Nomatron, of which ``token`` has the first eight characters of the accessor (empty if Nomad has none) and ``at`` the
    time. ``first``: no deploy of this service has ever run there, though the job does.
    """

    state: JobState
    job_version: int | None = None
    deploy: int | None = None
    version: str | None = None
    revision: int = 1
    reverted: bool = False
    first: bool = False
    token: str = ""
    at: datetime | None = None

    @property
    def release_name(self) -> str | None:
        """``v1.4.2 r2``; None for a version that no deploy made."""
        return None if self.version is None else release_name(self.version, self.revision)

    @property
    def is_ours(self) -> bool:
        """Whether a deploy made the version."""
        return self.deploy is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """The first thing that was seen to end the run of a job version in its environment.

    ``at`` is when that was, as far as Nomad says it, else when it was seen; ``base`` is what Nomad had instead then.
    """

    at: datetime
    base: Base


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A numbered plan of a deploy.

    ``job`` is the JSON that is registered byte for byte, ``base_index`` the JobModifyIndex that check-and-set
    enforces (0: the job must not exist), ``base_version`` the job version that it replaces (None for a new job),
    ``replaced`` the JSON of that version (empty for a new job), ``base`` what that version is (None on plans that
    are older than the field), and ``from_version`` the release's version there, if it is ours. ``changes`` is the
    redacted difference, ``effect`` one line on what happens to allocations, ``warnings`` what people should know
    (no capacity, Nomad's warnings, a count that stays). ``moved`` are sentences on what changed since the plan
    before it, empty if the fingerprint is the same. ``differs`` are sentences on how the job differs from the one
    in the environment ``compared_with``, which comes before. ``unchanged``: nothing would change; ``healthy`` then
    says whether the running job is healthy. ``job`` and ``replaced`` are empty once they are no longer kept.
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
    compared_with: str = ""
    unchanged: bool = False
    healthy: bool = False
    base: Base | None = None

    @property
    def is_kept(self) -> bool:
        """Whether its job is still stored: that of an old deploy is not, unless something may need it."""
        return bool(self.job)

    @property
    def from_release(self) -> str | None:
        """The version that it replaces, with its revision; None if a deploy of ours did not make it."""
        revision = self.base.revision if self.base else 1
        return None if self.from_version is None else release_name(self.from_version, revision)


@dataclass(frozen=True, slots=True)
class BaseChange:
    """The job in Nomad changed after it was planned against; a version is None if there is no job.

    ``stopped``: somebody stopped it since. ``deploy`` is the id of the deploy that made the live version and
    ``version`` its release's version; None if another one made it, or if nobody knows yet.
    """

    planned_version: int | None
    live_version: int | None
    stopped: bool = False
    deploy: int | None = None
    version: str | None = None

    @property
    def sentence(self) -> str:
        """The change in words: our own deploy by its number, anything else with both job versions."""
        if self.stopped:
            return "The job was stopped in Nomad."
        if self.deploy is not None:
            return f"D-{self.deploy} ({self.version}) was deployed meanwhile."
        now = "no longer exists" if self.live_version is None else f"is now at version {self.live_version}"
        before = "without a job" if self.planned_version is None else f"for version {self.planned_version}"
        return f"The job in Nomad {now}; the plan was made {before}."


def job_text(job: Job) -> str:
    """The job as JSON text, as it is stored, fingerprinted and registered: sorted keys, no spaces.

    Not the audit log's canonical form: a job has floats and 64-bit integers that must stay as Nomad wrote them.
    """
    return json.dumps(job, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def without_server_fields(job: Job) -> Job:
    """The job's specification, without the fields that a register must not send."""
    return {key: value for key, value in job.items() if key not in SERVER_FIELDS}


def scaled_groups(job: Job) -> frozenset[str]:
    """Names of the groups that have a ``scaling`` block: their live count belongs to the autoscaler."""
    return frozenset(group["Name"] for group in job.get("TaskGroups") or () if group.get("Scaling"))


def with_live_counts(job: Job, live: Job | None) -> Job:
    """The job with the live count of each group that has a ``scaling`` block (docs/nomad.md, "Scaled counts").

    A count beyond the new bounds becomes the nearest bound, because Nomad would refuse the job.
    """
    counts = _counts(live)
    result = copy.deepcopy(job)
    for group in result.get("TaskGroups") or ():
        if group.get("Scaling") and counts.get(group["Name"]) is not None:
            group["Count"] = _within(counts[group["Name"]], group["Scaling"])
    return result


def kept_counts(job: Job, live: Job | None) -> Iterator[str]:
    """A sentence on the count of each running group with a ``scaling`` block; ``job`` is ``with_live_counts``."""
    running = _counts(live)
    for group in sorted(job.get("TaskGroups") or (), key=itemgetter("Name")):
        name, count = group["Name"], group.get("Count")
        if not group.get("Scaling") or name not in running:
            continue
        before = running[name]
        if before is None or count is None or count == before:
            yield f"{name} keeps its count of {before}: it has a scaling block"
        else:
            yield f"{name}: count {before} → {count}: the new {'minimum' if count > before else 'maximum'}"


def only_counts_moved(old: Plan, new: Plan) -> bool:
    """Whether the live job differs from the one that the old plan replaces in nothing but counts of scaled groups."""
    # the fingerprint covers the rest of the live job, but not whether its version moved without any difference
    return old.fingerprint == new.fingerprint and old.base_index != new.base_index and old.replaced != new.replaced


def _counts(job: Job | None) -> dict[str, Any]:
    return {group["Name"]: group.get("Count") for group in (job or {}).get("TaskGroups") or ()}


def _within(count: int, scaling: Mapping[str, Any]) -> int:
    least, most = scaling.get("Min"), scaling.get("Max")
    # bounds the wrong way round are for Nomad to refuse, with its own words
    raised = count if least is None else max(count, least)
    return raised if most is None else min(raised, most)


def without_counts(job: Job, groups: frozenset[str]) -> Job:
    """The job without the counts of those groups, so that an autoscaler's change voids no approval."""
    result = copy.deepcopy(job)
    for group in result.get("TaskGroups") or ():
        if group["Name"] in groups:
            group.pop("Count", None)
    return result


def state_of(live: Job | None) -> JobState:
    """Whether the live job runs, is stopped or is absent (None)."""
    if live is None:
        return JobState.ABSENT
    return JobState.STOPPED if live.get("Stop") else JobState.RUNNING


def fingerprint(
    rendered: Job, live: Job | None, *, release: str, environment: str, cluster: str = "", number: int = FORMAT
) -> str:
    """The SHA-256, in hexadecimal, of everything that an approval stands for, after the format's number and a colon.

    That is whether the live job runs, the rendered job and the live specification that it replaces, both without the
    counts of scaled groups, the release's fingerprint, the environment and its cluster's address. Server fields and
    indexes are not part of it. In format 1 there is neither the number nor whether the job runs nor the address.
    """
    scaled = scaled_groups(rendered)
    replaced = without_counts(without_server_fields(live), scaled) if live is not None else None
    parts = (job_text(without_counts(rendered, scaled)), job_text({"live": replaced}), release, environment)
    if number == 1:
        return _digest(parts)
    return f"{number}:{_digest((state_of(live).value, cluster, *parts))}"


def _digest(parts: tuple[str, ...]) -> str:
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


def next_fingerprint(
    before: str | None, rendered: Job, live: Job | None, *, release: str, environment: str, cluster: str = ""
) -> str:
    """The fingerprint of a new plan: the one before if it still holds in its own format, so that an upgrade voids none.

    ``before`` is the fingerprint of the plan before, None for a first plan.
    """
    number, colon, _ = (before or "").partition(":")
    format_before = int(number) if colon and number.isdecimal() else 1
    if before and format_before <= FORMAT:
        same = fingerprint(
            rendered, live, release=release, environment=environment, cluster=cluster, number=format_before
        )
        if same == before:
            return before
    return fingerprint(rendered, live, release=release, environment=environment, cluster=cluster)


def stamp(deploy: str, plan: Plan) -> str:
    """The first line of a submission's source, by which our own version is found after a lost answer."""
    return f"# nomatron {deploy} plan {plan.number} fingerprint {plan.fingerprint}"


def same_kind(rendered: Job, live: Mapping[str, Any] | None) -> list[str]:
    """Sentences on changes of the job's type, ``periodic`` or ``parameterized``, empty if there are none.

    A register refuses them, but a plan does not (docs/nomad.md, "What a plan leaves out").
    """
    if live is None or live.get("Stop"):
        return []
    problems = []
    old, new = live.get("Type") or "service", rendered.get("Type") or "service"
    if old != new:
        problems.append(f"the job has type {old} and cannot become {new}: use another job id, or purge the old job")
    return problems + [
        f"a job cannot gain or lose its {key} block: use another job id"
        for key in ("Periodic", "ParameterizedJob")
        if bool(live.get(key)) != bool(rendered.get(key))
    ]
