"""What the verbs need from a Nomad cluster: the contract of its gateway, errors included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping

    from bot.domain.catalog.environment import Cluster, Value
    from bot.domain.deploy.dispatch import Answer, Sighting
    from bot.domain.deploy.plan import Change, Job, Plan
    from bot.domain.deploy.rollout import Observation, Rollout


@dataclass(frozen=True, slots=True)
class NomadPlan:
    """Nomad's answer to a plan, digested: redacted changes, the effect in one line, warnings in words.

    ``base_index`` is Nomad's JobModifyIndex at that moment; ``unchanged`` is its ``Diff.Type`` being None.
    """

    base_index: int
    unchanged: bool
    changes: tuple[Change, ...]
    effect: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Registered:
    """An attempt's answer: its class, Nomad's words, and what a 200 carried."""

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
    """One cluster. Reads raise ``NomadUnavailable`` or ``NomadForbidden``; a missing thing is None or empty."""

    async def parse(self, jobspec: str, variables: Mapping[str, Value], namespace: str) -> Job:
        """The job that Nomad's own parser makes of a template; ``NomadRefused`` with the lines at fault."""

    async def reach(self) -> None:
        """Whether the cluster answers at all; raises where it does not."""

    async def job(self, namespace: str, job_id: str) -> Job | None:
        """The job as it is now, with Nomad's own fields."""

    async def plan(self, namespace: str, job: Job, live: Job | None, show: frozenset[str]) -> NomadPlan:
        """What registering ``job`` would change; ``NomadRefused`` where Nomad refuses it. Redacted but for ``show``."""

    def moved(self, before: Plan, live: Job | None, job: Job, show: frozenset[str]) -> tuple[str, ...]:
        """Sentences that say what moved between the plan before and what would be planned now; redacted likewise."""

    def differences(self, before: str, job: Job, show: frozenset[str]) -> tuple[str, ...]:
        """What ``job`` says otherwise than another environment's frozen one, in words; redacted likewise."""

    async def register(self, namespace: str, job: str, *, base_index: int, source: str, variables: str) -> Registered:
        """Register the frozen JSON with check-and-set and a submission; never raises: what is not known is UNKNOWN."""

    async def look(
        self, namespace: str, job_id: str, *, base_index: int, base_version: int | None, stamp: str
    ) -> Sighting:
        """Whether a register with this base and stamp landed, by Nomad's own state (``docs/engine.md``); no raise."""

    async def observe(self, namespace: str, job_id: str, rollout: Rollout) -> Observation:
        """What Nomad says now about the job version of that rollout."""

    def moves(self, namespaces: Collection[str]) -> AsyncIterator[JobEvent]:
        """The cluster's event stream, one connection; reconnects by itself and yields nothing while it is away."""


class Nomads(Protocol):
    """The clusters."""

    def of(self, cluster: Cluster) -> Nomad:
        """The gateway of a cluster; the same one as long as nothing of its definition changes. Never raises.

        Where the token that the catalog names is not set, each of its calls raises ``NomadForbidden`` and says so.
        """

    def keep(self, clusters: Collection[Cluster]) -> None:
        """Let go of clusters that are none of these and that nobody has used for a while."""
