"""The input and output of the reconcilers: the situation of one task group, and the verdict on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.nomad.records import Json
    from sandbox.nomad.scheduler.reschedule import Timing

COUNTERS = (
    "Canary",
    "DestructiveUpdate",
    "Disconnect",
    "Ignore",
    "InPlaceUpdate",
    "Migrate",
    "Place",
    "Preemptions",
    "Reconnect",
    "RescheduleLater",
    "RescheduleNow",
    "Stop",
)
NOT_NEEDED = "alloc not needed due to job update"
RESCHEDULED = "alloc was rescheduled because it failed"
BEING_UPDATED = "alloc is being updated due to job update"


@dataclass(frozen=True)
class Placement:
    """An allocation to create."""

    group: Json
    name: str
    previous: Json | None = None
    canary: bool = False
    rescheduled: bool = False
    node_id: str = ""


@dataclass
class Verdict:
    """The scheduler's decision about one group: what to place, replace, stop and leave.

    ``missed`` counts the placements that found no node. ``ruled_out`` is the AllocMetric of a system job's group that
    the constraints keep off every node.
    """

    place: list[Placement] = field(default_factory=list)
    replace: list[Json] = field(default_factory=list)
    in_place: list[Json] = field(default_factory=list)
    stop: list[tuple[Json, str]] = field(default_factory=list)
    later: list[tuple[Json, int]] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTERS, 0))
    deployment_state: Json | None = None
    ruled_out: Json | None = None
    wants_deployment: bool = False
    missed: int = 0
    complete: bool = False


@dataclass(frozen=True)
class Situation:
    """Everything that the decision about one group depends on."""

    job: Json
    group: Json
    allocations: list[Json]
    deployment: Json | None
    past_deployments: dict[str, Json]
    evaluation_id: str
    timing: Timing

    @property
    def waves(self) -> Json | None:
        """The update block if the group is updated in waves; None for batch jobs and for `max_parallel = 0`."""
        update = self.group["Update"]
        # a batch job may have an update block, but the scheduler ignores it
        rolls = self.job["Type"] in {"service", "system"}
        return update if rolls and update and update["MaxParallel"] else None

    @property
    def state(self) -> Json | None:
        """The group's part of the job's current deployment."""
        groups: dict[str, Json] = (self.deployment or {}).get("TaskGroups", {})
        return groups.get(self.group["Name"])

    @property
    def held(self) -> bool:
        """Whether the deployment is paused or has failed, and so places nothing new."""
        return self.deployment is not None and self.deployment["Status"] in {"paused", "failed"}


def fresh_state(update: Json | None) -> Json:
    """The group's part of a new deployment."""
    update = update or {}
    return {
        "AutoPromote": bool(update.get("AutoPromote")),
        "AutoRevert": bool(update.get("AutoRevert")),
        "DesiredCanaries": 0,
        "DesiredTotal": 0,
        "HealthyAllocs": 0,
        "PlacedAllocs": 0,
        "PlacedCanaries": None,
        "ProgressDeadline": int(update.get("ProgressDeadline") or 0),
        "Promoted": False,
        "RequireProgressBy": None,
        "UnhealthyAllocs": 0,
    }


def name_of(job: Json, group: Json, number: int) -> str:
    """The name of a group's allocation with that number."""
    return f"{job['ID']}.{group['Name']}[{number}]"


def number_of(allocation: Json) -> int:
    """The number in an allocation's name."""
    return int(allocation["Name"].rpartition("[")[2].removesuffix("]"))
