"""The rollout: what Nomad does after a register, as records of what was observed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class RolloutKind(StrEnum):
    """Our own deploy, or a revert that Nomad made by itself."""

    DEPLOY = "deploy"
    REVERT = "revert"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFailure:
    """The first failed task event of an allocation: Nomad's own words and the exit code, if there is one."""

    allocation: str
    group: str
    task: str
    event: str
    message: str
    exit_code: int | None = None


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
class Observation:
    """What Nomad says at one moment about a job version that we registered.

    ``exists``/``stopped``/``current_version``/``current_index`` are of the job now (index is its JobModifyIndex);
    ``stable`` whether our version is marked so; ``deployment`` is *ours* (JobSpecModifyIndex = our JobModifyIndex),
    None if Nomad made none or has deleted it; ``deployment_expected`` whether this type of job gets one;
    ``evaluated`` whether our evaluation is complete; ``unplaced`` sentences on what could not be placed and why;
    ``reverted_to`` the (version, JobModifyIndex) of the job version that Nomad's own revert made, if it did;
    ``progress_deadline`` the longest that Nomad gives a group of ours to make progress.
    """

    exists: bool
    stopped: bool = False
    job_type: str = "service"
    current_version: int = 0
    current_index: int = 0
    stable: bool = False
    launches: bool = True
    wanted: Mapping[str, int] = field(default_factory=dict)
    deployment: NomadDeployment | None = None
    deployment_expected: bool = True
    evaluated: bool = True
    allocations: tuple[AllocationState, ...] = ()
    unplaced: tuple[str, ...] = ()
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

    @property
    def healthy(self) -> int:
        """Healthy allocations over all groups."""
        return sum(group.healthy for group in self.groups)

    @property
    def wanted(self) -> int:
        """Wanted allocations over all groups."""
        return sum(group.desired for group in self.groups)
