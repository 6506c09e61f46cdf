"""Services and environments: what Nomad has, what succeeded last and what waits there, as ``status`` shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from graphlib import TopologicalSorter
from typing import Final

from bot.domain.catalog.catalog import Catalog
from bot.domain.decision import Reason
from bot.domain.deploy.deploy import Deploy
from bot.domain.deploy.plan import Base, JobState
from bot.domain.deploy.rollout import GroupHealth, RolloutKind, Start
from bot.domain.deploy.sentences import maker, replaced
from bot.domain.locks import Lock

Place = tuple[str, str]
"""A service and an environment."""

_STARTED_ONCE: Final = frozenset({"batch", "sysbatch"})
"""The job types whose allocations end by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A job as Nomad's list of jobs has it (docs/nomad.md, "Lists of jobs").

    ``running``, ``starting``, ``unplaced`` (Nomad has found no node for them yet) and ``unreachable`` (their node lost
    its connection) count allocations over all groups. The list says neither the version's number nor the counts that
    the job wants. ``start`` is SCHEDULE for every periodic job: the list does not say whether its schedule is off.
    """

    job: str
    index: int
    type: str
    status: str
    stopped: bool
    start: Start
    created: int
    submitted_at: datetime | None = None
    running: int = 0
    starting: int = 0
    unplaced: int = 0
    unreachable: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A job version that a deploy made, as we recorded it; ``groups`` are those of its rollout, at its last look."""

    service: str
    environment: str
    deploy_id: int
    version: str
    revision: int
    kind: RolloutKind
    job_version: int
    job_modify_index: int
    groups: tuple[GroupHealth, ...]


class Health(StrEnum):
    """How a job does, as far as Nomad's list tells. The values are public (docs/interfaces.md)."""

    RUNNING = "running"
    STARTING = "starting"
    SHORT = "short"
    """Fewer allocations run than the job wants."""
    DEAD = "dead"
    """Nothing of it runs, though nobody stopped it."""
    ENDED = "ended"
    """A batch job, of which nothing runs any more."""
    LATER = "later"
    """A periodic or parameterized job: it starts nothing by itself."""
    STOPPED = "stopped"
    ABSENT = "absent"
    UNKNOWN = "unknown"
    """The cluster did not answer."""


class Origin(StrEnum):
    """Where the version that Nomad has comes from. The values are public (docs/interfaces.md)."""

    DEPLOY = "deploy"
    OUTSIDE = "outside"
    UNDER_WAY = "under-way"
    """A deploy that has not ended may have made it."""
    UNKNOWN = "unknown"
    """No deploy recorded it, and nobody looked whether more than an autoscaler's counts changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What Nomad has in a place now.

    ``wanted`` is how many allocations it should run, if we know. ``origin`` is None if there is no job, or if it is
    stopped, or if nobody knows. ``base`` says more of a version that a deploy made, or that was registered outside
    Nomatron. ``since`` is when Nomad was given the version.
    """

    health: Health
    running: int = 0
    starting: int = 0
    unplaced: int = 0
    unreachable: int = 0
    wanted: int | None = None
    origin: Origin | None = None
    base: Base | None = None
    since: datetime | None = None

    @property
    def words(self) -> str:
        """``4 of 6 running, 2 starting``: Nomad's counts, or why there are none."""
        if self.health in _WITHOUT_COUNTS:
            return _WITHOUT_COUNTS[self.health]
        running = f"{self.running} running" if self.wanted is None else f"{self.running} of {self.wanted} running"
        more = ((self.starting, "starting"), (self.unplaced, "not placed"), (self.unreachable, "out of reach"))
        return ", ".join([running, *(f"{count} {what}" for count, what in more if count)])


_WITHOUT_COUNTS: Final = {
    Health.DEAD: "nothing of it runs",
    Health.ENDED: "has ended",
    Health.LATER: "starts later",
    Health.STOPPED: "stopped in Nomad",
    Health.ABSENT: "not in Nomad",
    Health.UNKNOWN: "unknown",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A service in an environment: ``running`` is the deploy that succeeded there last, ``open`` the open deploys.

    ``live`` is what Nomad has there; None if Nomad was not asked. ``closed`` are the reasons why no deploy starts there
    now.
    """

    service: str
    environment: str
    running: Deploy | None
    open: tuple[Deploy, ...]
    live: Live | None = None
    closed: tuple[Reason, ...] = ()

    @property
    def deploy_id(self) -> int | None:
        """The deploy whose job runs there, if a deploy of ours made it; as far as we know if Nomad did not answer."""
        if self.live is not None and self.live.base is not None:
            return self.live.base.deploy
        return self.running.id if self.running else None

    @property
    def promotes_to(self) -> tuple[str, ...]:
        """The environments that its release can be promoted to, as its deploy's message offers them."""
        return self.running.offers if self.running else ()

    @property
    def trouble(self) -> str:
        """What is not as the last success left it, in words; empty if everything is."""
        live = self.live
        if live is None or live.health is Health.UNKNOWN:
            return ""
        if live.health is Health.ABSENT:
            return "The job is not in Nomad any more." if self.running else ""
        if live.health is Health.STOPPED:
            return "The job was stopped in Nomad."
        if live.health is Health.DEAD:
            return "Nothing of the job runs."
        return _whose(self, live)


def _whose(cell: Cell, live: Live) -> str:
    """Which version Nomad has, if it is not the one that succeeded last."""
    base = live.base
    if live.origin is Origin.OUTSIDE and base is not None:
        if cell.running is None or base.reverted:
            return f"Nomad has {replaced(base)}."
        by = f", registered by token {base.token}" if base.token else ""
        return f"Changed outside Nomatron: job version {base.job_version}{by}."
    expected = [each.id for each in (cell.running, *cell.open) if each is not None]
    if live.origin is Origin.DEPLOY and base is not None and base.deploy not in expected:
        return f"Nomad has {base.release_name} ({maker(base)}), not what succeeded last."
    if live.origin is Origin.UNKNOWN:
        return "Nomad has another version than Nomatron recorded; perhaps only its counts were scaled."
    return ""


@dataclass(frozen=True, slots=True)
class Silent:
    """A cluster that did not say what it runs: the environments of which nobody knows, and why, in a sentence."""

    cluster: str
    environments: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Difference:
    """How a service's job in an environment differs from its job in the one that comes before, in words."""

    before: str
    after: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """One row for each service, with one cell for each environment (None if it is not deployed there).

    ``environments`` are in the order of ``pipeline``. ``more`` is how many rows were left out. ``locks`` are those that
    close something of what was asked for, oldest first, and ``closed`` the same as reasons. ``silent`` are the clusters
    that did not answer, ``differences`` those between the neighbours of a single service.
    """

    environments: tuple[str, ...]
    rows: tuple[tuple[Cell | None, ...], ...]
    more: int = 0
    locks: tuple[Lock, ...] = ()
    closed: tuple[Reason, ...] = ()
    silent: tuple[Silent, ...] = ()
    differences: tuple[Difference, ...] = ()


def pipeline(catalog: Catalog) -> tuple[str, ...]:
    """The environments in the order of ``after``, and in the catalog's order where that says nothing."""
    places = {name: place for place, name in enumerate(catalog.environments)}
    before = {name: [after.environment for after in each.after] for name, each in catalog.environments.items()}
    sorter = TopologicalSorter(before)
    sorter.prepare()
    found: list[str] = []
    waiting: list[str] = []
    while sorter.is_active():
        waiting = sorted([*waiting, *sorter.get_ready()], key=lambda name: places[name])
        found.append(waiting.pop(0))
        sorter.done(found[-1])
    return tuple(found)


def neighbours(catalog: Catalog, service: str) -> tuple[tuple[str, str], ...]:
    """The pairs of environments of a service of which the second comes right after the first."""
    return tuple(
        (after.environment, name)
        for name in pipeline(catalog)
        for after in catalog.environments[name].after
        if catalog.placement(service, name) and catalog.placement(service, after.environment)
    )


def recorded_in(listed: Listed, recorded: Sequence[Recorded]) -> Recorded | None:
    """The version of ours that the list shows; None if it shows another one, or one that Nomad's own revert made.

    By JobModifyIndex alone: it never comes twice in the life of a cluster's state, and a version's number does.
    """
    # whose job a revert restored is a question for the versions that Nomad keeps
    own = (each for each in recorded if each.kind is not RolloutKind.REVERT)
    return next((each for each in own if each.job_modify_index == listed.index), None)


def live_of(
    listed: Listed | None, found: Recorded | None, *, base: Base | None = None, under_way: bool = False
) -> Live:
    """What Nomad has in a place, from its list; ``listed`` is None if the list does not have the job.

    ``found`` is ``recorded_in`` the place; if there is none, ``base`` is where Nomad's older versions lead to (None if
    nobody read them), and ``under_way`` is whether a deploy there may be registering a version right now.
    """
    if listed is None:
        return Live(health=Health.ABSENT)
    wanted = _wanted(listed, found)
    health = _health(listed, wanted)
    stopped = health is Health.STOPPED
    return Live(
        health=health,
        running=listed.running,
        starting=listed.starting,
        unplaced=listed.unplaced,
        unreachable=listed.unreachable,
        wanted=wanted,
        origin=None if stopped else _origin(found, base, under_way=under_way),
        base=None if stopped else _base(found) if found else base,
        since=listed.submitted_at,
    )


def _origin(found: Recorded | None, base: Base | None, *, under_way: bool) -> Origin:
    if found is not None or (base is not None and base.is_ours):
        return Origin.DEPLOY
    if under_way:
        return Origin.UNDER_WAY
    return Origin.UNKNOWN if base is None else Origin.OUTSIDE


def _base(found: Recorded) -> Base:
    return Base(
        state=JobState.RUNNING,
        job_version=found.job_version,
        deploy=found.deploy_id,
        version=found.version,
        revision=found.revision,
    )


def _wanted(listed: Listed, found: Recorded | None) -> int | None:
    """How many allocations the job should run: what its rollout wanted, for its counts move with the index."""
    # the groups of a system job follow the nodes, without a new version
    if found is None or not found.groups or listed.type != "service":
        return None
    return sum(group.desired for group in found.groups)


def _health(listed: Listed, wanted: int | None) -> Health:
    if listed.stopped:
        return Health.STOPPED
    if listed.start is not Start.REGISTER:
        return Health.LATER
    if listed.status == "dead":
        # a service whose counts are all 0 is dead, and is meant to be
        idle = Health.RUNNING if wanted == 0 else Health.DEAD
        return Health.ENDED if listed.type in _STARTED_ONCE else idle
    missing = wanted is not None and listed.running + listed.starting < wanted
    if listed.unplaced or listed.unreachable or missing:
        return Health.SHORT
    return Health.STARTING if listed.starting or listed.status == "pending" else Health.RUNNING
