"""The rollout: what Nomad does after a register, as records of what was observed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class RolloutKind(StrEnum):
    """Our own deploy, or a revert that Nomad made by itself."""

    DEPLOY = "deploy"
    REVERT = "revert"
    LATE = "late"
    """Our own, found in Nomad after the deploy had ended as if it had never been registered."""


class RolloutStatus(StrEnum):
    """The state of a rollout."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SUPERSEDED = "superseded"


class RolloutWait(StrEnum):
    """What Nomad's deployment waits for before it continues."""

    RESUME = "resume"
    """Somebody paused it in Nomad."""
    PROMOTION = "promotion"
    """A person has to promote its canaries; Nomad sets no deadline for that (docs/nomad.md)."""
    AUTO_PROMOTION = "auto-promotion"
    """Nomad promotes the canaries once they are healthy."""

    @property
    def needs_a_person(self) -> bool:
        """Whether it only continues if somebody acts."""
        return self is not RolloutWait.AUTO_PROMOTION


class OurVersion(StrEnum):
    """What became of the job version that we registered, in Nomad's state now."""

    KEPT = "kept"
    DROPPED = "dropped"
    """The job went on to newer versions, and Nomad no longer keeps ours."""
    REMADE = "remade"
    """Somebody purged the job and registered it anew: whatever has our version's number is another's."""
    UNDONE = "undone"
    """Nomad has an older state, or another version in the place of ours, as after a restore from a snapshot."""


class Start(StrEnum):
    """What starts the allocations of a job."""

    REGISTER = "register"
    SCHEDULE = "schedule"
    DISPATCH = "dispatch"
    NOTHING = "nothing"
    """Its schedule is off, and then Nomad does not even let people start it by hand."""


def start_of(job: Mapping[str, Any]) -> Start:
    """What starts this job's allocations (docs/nomad.md, "Jobs that start later")."""
    if job.get("ParameterizedJob"):
        return Start.DISPATCH
    periodic = job.get("Periodic")
    if not periodic:
        return Start.REGISTER
    return Start.NOTHING if periodic.get("Enabled") is False else Start.SCHEDULE


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupHealth:
    """One task group of a rollout, in Nomad's counters."""

    name: str
    desired: int
    placed: int = 0
    healthy: int = 0
    unhealthy: int = 0
    canaries: int = 0
    promoted: bool = False


UNHEALTHY = "Alloc Unhealthy"
"""Nomad's event of a task whose allocation was not healthy in time; it says less than an event of a failed task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFailure:
    """The first failed task event of an allocation: Nomad's own words and the exit code, if there is one.

    ``task`` is empty if Nomad only says that the allocation as a whole was unhealthy.
    """

    allocation: str
    group: str
    task: str
    event: str
    message: str
    exit_code: int | None = None

    @property
    def names_a_cause(self) -> bool:
        """Whether a task failed, and not only the allocation's health check."""
        return self.event != UNHEALTHY


@dataclass(frozen=True, slots=True, kw_only=True)
class NomadDeployment:
    """Nomad's deployment object, reduced to what we use.

    ``description`` is Nomad's StatusDescription without what the other fields say: ``waits_for``, ``rolls_back_to``
    (the job version that Nomad's own revert restores, if it does one), ``job_stopped`` (why it was cancelled).
    """

    id: str
    status: str
    description: str
    job_version: int
    job_spec_modify_index: int
    groups: tuple[GroupHealth, ...]
    create_index: int = 0
    require_progress_by: datetime | None = None
    waits_for: RolloutWait | None = None
    rolls_back_to: int | None = None
    job_stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationState:
    """One allocation: Nomad's ClientStatus and DesiredStatus, and its health if a deployment checks it.

    ``replaced``: Nomad has started, or will start, another one in its place.
    """

    id: str
    group: str
    job_version: int
    client_status: str
    desired_status: str
    healthy: bool | None = None
    failure: TaskFailure | None = None
    replaced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplaced:
    """Allocations of a group that Nomad could not place: how many, and ``why`` as a sentence without the group.

    ``waits``: Nomad places them as soon as there is room; otherwise it has given up, as for a system job that no node
    may run.
    """

    group: str
    count: int
    why: str
    waits: bool = True

    def __str__(self) -> str:
        return f"{self.group}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What Nomad says at one moment about a job version that we registered.

    ``exists``, ``stopped`` and ``current_version`` are of the job now, everything else of our version: ``ours`` says
    whether Nomad still keeps it, ``index`` is its JobModifyIndex (0 if it is not kept), ``stable`` whether it is marked
    so, ``starts`` what starts it. ``wanted`` is the count of each group; a system job has none, its groups that each
    fitting node runs are in ``every_node``. ``deployment`` has our JobModifyIndex, None if Nomad made none or has
    deleted it; ``deployment_expected`` whether this type of job gets one. ``allocations`` are of our version in this
    life of the job. ``evaluated`` is false while Nomad has still to evaluate the job; ``unplaced`` is what its newest
    evaluation could not place. ``reverted_to`` is the (version, JobModifyIndex) of the job version that Nomad's own
    revert made, if it did; ``progress_deadline`` the longest that Nomad gives a group of ours to make progress.
    """

    exists: bool
    stopped: bool = False
    ours: OurVersion = OurVersion.KEPT
    index: int = 0
    job_type: str = "service"
    current_version: int = 0
    stable: bool = False
    starts: Start = Start.REGISTER
    wanted: Mapping[str, int] = field(default_factory=dict)
    every_node: frozenset[str] = frozenset()
    deployment: NomadDeployment | None = None
    deployment_expected: bool = True
    evaluated: bool = True
    allocations: tuple[AllocationState, ...] = ()
    unplaced: tuple[Unplaced, ...] = ()
    reverted_to: tuple[int, int] | None = None
    progress_deadline: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """A rollout, of our deploy or of Nomad's revert, with its newest counters.

    ``job_version`` is None if we landed but the version is unknown. ``detail`` is the reason of an end in Nomad's
    words, ``failure`` the first failed task, and ``task_failed`` whether that task is why it ended. ``reverted_to`` is
    the job version that Nomad's own revert restores, ``reverted_as`` the new version that it makes. For a running one,
    ``waits_for`` and ``unplaced`` (sentences on what Nomad has no room for) say why it waits, ``evaluated`` is false
    until Nomad has evaluated it, ``stuck`` is true if nothing has changed for longer than Nomad's progress deadline and
    ours.
    """

    deploy_id: int
    number: int
    kind: RolloutKind
    status: RolloutStatus
    started_at: datetime
    changed_at: datetime
    job_version: int | None
    job_modify_index: int | None
    evaluation: str = ""
    nomad_deployment: str = ""
    groups: tuple[GroupHealth, ...] = ()
    detail: str = ""
    failure: TaskFailure | None = None
    reverted_to: int | None = None
    ended_at: datetime | None = None
    reverted_as: int | None = None
    waits_for: RolloutWait | None = None
    unplaced: tuple[str, ...] = ()
    evaluated: bool = True
    stuck: bool = False
    task_failed: bool = False

    @classmethod
    def begun(
        cls,
        deploy_id: int,
        kind: RolloutKind,
        now: datetime,
        *,
        version: int | None,
        index: int | None,
        number: int = 1,
        evaluation: str = "",
    ) -> Rollout:
        """The rollout of a job version that begins to be followed now; 1 is the number of a deploy's own."""
        return cls(
            deploy_id=deploy_id,
            number=number,
            kind=kind,
            status=RolloutStatus.RUNNING,
            started_at=now,
            changed_at=now,
            job_version=version,
            job_modify_index=index,
            evaluation=evaluation,
        )

    @property
    def healthy(self) -> int:
        """Healthy allocations over all groups."""
        return sum(group.healthy for group in self.groups)

    @property
    def wanted(self) -> int:
        """Wanted allocations over all groups."""
        return sum(group.desired for group in self.groups)
