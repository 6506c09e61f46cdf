"""The port for Nomad: what the operations need from a cluster."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence
    from datetime import timedelta

    from bot.domain.catalog.environment import Cluster, Value
    from bot.domain.deploy.dispatch import Answer, Sighting
    from bot.domain.deploy.matrix import Listed
    from bot.domain.deploy.plan import Change, Job, Plan
    from bot.domain.deploy.rollout import Observation, Rollout, TaskFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the database knows about a plan and Nomad does not.

    ``ours`` is the frozen job of the live version if a deploy made that version: it is then compared with the new job
    instead of what Nomad stores. ``outside`` are job versions as Nomad stores them, oldest first: our last one, then
    those that were registered outside Nomatron, the live one last; empty if the live one is ours. ``overrides`` are
    the settings of the request, ``versions`` the one that is requested and the one that it replaces.
    """

    ours: Job | None = None
    outside: Sequence[tuple[int, Job]] = ()
    overrides: Mapping[str, str] = field(default_factory=dict)
    versions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NomadPlan:
    """Our list of changes (redacted), Nomad's effect in one line, and the warnings, in words.

    ``base_index`` is the job's JobModifyIndex when Nomad planned; ``unchanged`` is True if the jobs are equal and Nomad
    says so too. If only one of both says so, a warning says which.
    """

    base_index: int
    unchanged: bool
    changes: tuple[Change, ...]
    effect: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Registered:
    """The answer to a register: its kind, Nomad's text, and for a 200 the index and the evaluation."""

    answer: Answer
    text: str = ""
    job_modify_index: int = 0
    evaluation: str = ""


@dataclass(frozen=True, slots=True)
class JobEvent:
    """The event stream says that something about this job changed; a hint, never evidence."""

    namespace: str
    job: str


class Nomad(Protocol):
    """One cluster. Reads raise ``NomadUnavailable`` or ``NomadForbidden``; None or empty means that there is none.

    No text that comes from here has a secret in it: neither what looks like one, nor a value of the job that the
    plan hides. ``show`` names values that are shown nevertheless, as the service's entry in the catalog does.
    """

    async def parse(self, jobspec: str, variables: Mapping[str, Value], namespace: str) -> Job:
        """The job that Nomad parses from a template; ``NomadRefused``, with the wrong lines, if it cannot."""

    async def reach(self) -> None:
        """Return if the cluster answers, else raise."""

    async def job(self, namespace: str, job_id: str) -> Job | None:
        """The current job, with the server's fields; None if there is no such job."""

    async def listed(self, namespace: str, ids: Collection[str]) -> tuple[Listed, ...]:
        """Those of these jobs that there are in the namespace, from Nomad's list of jobs, in no order."""

    async def versions(self, namespace: str, job_id: str) -> tuple[Job, ...]:
        """The versions of the job that Nomad still has, newest first; empty if there is no such job."""

    async def plan(
        self, namespace: str, job: Job, live: Job | None, show: frozenset[str], *, known: Known | None = None
    ) -> NomadPlan:
        """What registering ``job`` would change; ``NomadRefused`` if Nomad refuses the job.

        ``live`` is the current job. ``known`` is what we know besides.
        """

    def moved(
        self, before: Plan, live: Job | None, job: Job, show: frozenset[str], *, cause: str = "outside Nomatron"
    ) -> tuple[str, ...]:
        """What changed in the live job and in the job to register since the plan before, in words; redacted likewise.

        ``cause`` says who changed the live job, as the end of a sentence.
        """

    def is_registered_as(self, job: Job, live: Job) -> bool:
        """Whether ``live`` is what Nomad stores of a frozen job, but for an autoscaler's counts and a stop."""

    def differences(self, before: str, job: Job, show: frozenset[str]) -> tuple[str, ...]:
        """How ``job`` differs from ``before``, another environment's frozen job, in words; redacted as in ``plan``."""

    async def register(
        self,
        namespace: str,
        job: str,
        *,
        base_index: int,
        source: str,
        variables: str,
        show: frozenset[str] = frozenset(),
    ) -> Registered:
        """Register the frozen JSON with check-and-set and a submission. Never raises; UNKNOWN if it may have landed."""

    async def look(
        self, namespace: str, job_id: str, *, base_index: int, base_version: int | None, stamp: str
    ) -> Sighting:
        """Whether a register with this base and stamp landed, from Nomad's state (docs/engine.md). Never raises."""

    async def observe(
        self, namespace: str, job_id: str, rollout: Rollout, show: frozenset[str] = frozenset()
    ) -> Observation:
        """The current state of the job version of that rollout."""

    async def log_tail(
        self, namespace: str, job_id: str, failure: TaskFailure, lines: int, show: frozenset[str] = frozenset()
    ) -> str:
        """The last lines of the failed task's log, as far as secrets in it can be told; empty if there is none.

        Never raises: a log that cannot be read is no log.
        """

    def job_events(self, namespaces: Collection[str]) -> AsyncIterator[JobEvent]:
        """The jobs in these namespaces that changed, from the event stream, without end; reconnects by itself."""

    def listening(self) -> int:
        """Another number each time that ``job_events`` begins to be read anew; 0 while it is not."""

    def quiet(self, namespace: str, job_id: str) -> timedelta:
        """For how long ``job_events`` has been read without a break, and has told nothing of this job."""


class Nomads(Protocol):
    """All clusters."""

    def of(self, cluster: Cluster) -> Nomad:
        """The gateway of a cluster; the same object as long as its definition does not change. Never raises.

        If the catalog names a token that is not set, every call of the gateway raises ``NomadForbidden``.
        """

    def keep(self, clusters: Collection[Cluster]) -> None:
        """Close the clusters that are not among these and that nobody has used for a while."""
