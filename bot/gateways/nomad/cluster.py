"""Implements the ports ``Nomad`` (one cluster) and ``Nomads`` (all clusters)."""

from __future__ import annotations

import contextlib
import json
import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bot.domain.jobdiff.compare import differences, moved
from bot.domain.jobdiff.hidden import cleaner
from bot.domain.jobdiff.redaction import Redactor
from bot.domain.masking import scrub
from bot.errors import NomadError, NomadUnavailable, SettingsInvalid
from bot.gateways.nomad import look, parse, plan, register, stream
from bot.gateways.nomad.client import Client, Timeouts
from bot.gateways.nomad.examine import NomadExaminer
from bot.gateways.nomad.forms.comparable import is_registered_as
from bot.gateways.nomad.rollouts import logs
from bot.gateways.nomad.rollouts.observer import Observer
from bot.gateways.nomad.stream import Patience
from bot.ports.nomad import JobEvent

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Mapping
    from datetime import timedelta

    from bot.domain.catalog.environment import Cluster, Value
    from bot.domain.deploy.dispatch import Sighting
    from bot.domain.deploy.plan import Job, Plan
    from bot.domain.deploy.rollout import Observation, Rollout, TaskFailure
    from bot.ports.nomad import Known, NomadPlan, Registered

log = logging.getLogger(__name__)

UNUSED = 60.0
"""Seconds without a call after which a cluster that left the catalog is closed; every step takes less."""


class PythonNomad:
    """One cluster through python-nomad; implements ``bot.ports.nomad.Nomad``."""

    def __init__(self, client: Client, patience: Patience) -> None:
        self._client = client
        self._patience = patience
        self._quiet = stream.Quiet()
        self._observer = Observer(client, self._quiet)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def retire(self) -> None:
        """Close the connections as soon as nobody uses them."""
        self._client.retire()

    @property
    def withheld(self) -> str:
        """Why the token is missing; empty if there is one, or if the catalog names none."""
        return self._client.withheld

    def examiner(self) -> NomadExaminer:
        """Doctor's view of this cluster."""
        return NomadExaminer(self._client)

    async def reach(self) -> None:
        """Implements ``bot.ports.nomad.Nomad.reach``."""
        await self._client.get("status", namespace="default")

    async def parse(self, jobspec: str, variables: Mapping[str, Value], namespace: str) -> Job:
        """Implements ``bot.ports.nomad.Nomad.parse``."""
        with _of_nomads_shape(self._client.cluster):
            return await parse.parse(self._client, jobspec, variables, namespace)

    async def job(self, namespace: str, job_id: str) -> Job | None:
        """Implements ``bot.ports.nomad.Nomad.job``."""
        return await look.job(self._client, namespace, job_id)

    async def versions(self, namespace: str, job_id: str) -> tuple[Job, ...]:
        """Implements ``bot.ports.nomad.Nomad.versions``."""
        with _of_nomads_shape(self._client.cluster):
            return tuple(await look.versions(self._client, namespace, job_id))

    async def plan(
        self, namespace: str, job: Job, live: Job | None, show: frozenset[str], *, known: Known | None = None
    ) -> NomadPlan:
        """Implements ``bot.ports.nomad.Nomad.plan``."""
        with _of_nomads_shape(self._client.cluster):
            return await plan.plan(self._client, namespace, job, live, Redactor(show), known)

    def moved(
        self, before: Plan, live: Job | None, job: Job, show: frozenset[str], *, cause: str = "outside Nomatron"
    ) -> tuple[str, ...]:
        """Implements ``bot.ports.nomad.Nomad.moved``."""
        replaced = json.loads(before.replaced) if before.replaced else None
        return moved(replaced, live, json.loads(before.job), job, Redactor(show), cause)

    def is_registered_as(self, job: Job, live: Job) -> bool:
        """Implements ``bot.ports.nomad.Nomad.is_registered_as``."""
        return is_registered_as(job, live)

    def differences(self, before: str, job: Job, show: frozenset[str]) -> tuple[str, ...]:
        """Implements ``bot.ports.nomad.Nomad.differences``."""
        return differences(json.loads(before), job, Redactor(show))

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
        """Implements ``bot.ports.nomad.Nomad.register``."""
        redactor = Redactor(show)
        return await register.register(
            self._client, namespace, job, base_index=base_index, source=source, variables=variables, redactor=redactor
        )

    async def look(
        self, namespace: str, job_id: str, *, base_index: int, base_version: int | None, stamp: str
    ) -> Sighting:
        """Implements ``bot.ports.nomad.Nomad.look``."""
        return await look.look(
            self._client, namespace, job_id, base_index=base_index, base_version=base_version, stamp=stamp
        )

    async def observe(
        self, namespace: str, job_id: str, rollout: Rollout, show: frozenset[str] = frozenset()
    ) -> Observation:
        """Implements ``bot.ports.nomad.Nomad.observe``."""
        with _of_nomads_shape(self._client.cluster):
            return await self._observer.observe(namespace, job_id, rollout, show)

    async def log_tail(
        self, namespace: str, job_id: str, failure: TaskFailure, lines: int, show: frozenset[str] = frozenset()
    ) -> str:
        """Implements ``bot.ports.nomad.Nomad.log_tail``."""
        try:
            kept = await look.versions(self._client, namespace, job_id)
        except NomadError:
            # without the job nothing tells which values are hidden
            return ""
        clean = cleaner(kept, Redactor(show))
        return await logs.log_tail(self._client, namespace, failure, lines, clean) if kept else ""

    def job_events(self, namespaces: Collection[str]) -> AsyncGenerator[JobEvent, None]:
        """Implements ``bot.ports.nomad.Nomad.job_events``."""
        of_these = frozenset(namespaces)
        return stream.job_events(self._client.event_stream, self._check_token, of_these, self._patience, self._quiet)

    def listening(self) -> int:
        """Implements ``bot.ports.nomad.Nomad.listening``."""
        return self._quiet.listening

    def quiet(self, namespace: str, job_id: str) -> timedelta:
        """Implements ``bot.ports.nomad.Nomad.quiet``."""
        return self._quiet.about(JobEvent(namespace, job_id))

    async def _check_token(self) -> None:
        """Log why a stream stays silent. Only this call shows whether the token is invalid or lacks a capability."""
        try:
            reply = await self._client.get("acl", "token", "self", namespace="default")
        except NomadError as error:
            problem, why = "Nomad's event stream is unavailable", str(error)
        else:
            why = "the token lacks read-job" if reply.ok else "Nomad does not know the token"
            problem = "Nomad's event stream is silent"
        log.warning(problem, extra={"cluster": self._client.cluster.name, "why": why})


@contextlib.contextmanager
def _of_nomads_shape(cluster: Cluster) -> Iterator[None]:
    """Raise ``NomadUnavailable`` if an answer is JSON but does not have Nomad's shape."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        found = f"{type(error).__name__}: {scrub(str(error))}"
        raise NomadUnavailable(
            f"cluster {cluster.name} sent JSON that does not look like Nomad's ({found}); "
            "check its address in the catalog"
        ) from error


class PythonNomads:
    """All clusters, each with its own session, thread pool and token.

    ``tokens`` returns a cluster's token, or raises ``SettingsInvalid``. ``folder`` is the catalog folder, which a
    relative ``ca_file`` starts from.
    """

    def __init__(
        self,
        tokens: Callable[[Cluster], str | None],
        *,
        folder: Path = Path(),
        timeouts: Timeouts | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._tokens = tokens
        self._folder = folder
        self._timeouts = timeouts or Timeouts()
        self._patience = patience or Patience()
        self._open: dict[Cluster, PythonNomad] = {}
        self._used: dict[Cluster, float] = {}

    def of(self, cluster: Cluster) -> PythonNomad:
        """Implements ``bot.ports.nomad.Nomads.of``."""
        self._used[cluster] = time.monotonic()
        found = self._open.get(cluster)
        if found is None or found.withheld:
            # a missing token may have come since, because its file can be created while we run
            found = self._open[cluster] = self._connect(cluster)
        return found

    def _connect(self, cluster: Cluster) -> PythonNomad:
        try:
            token, withheld = self._tokens(cluster), ""
        except SettingsInvalid as error:
            token, withheld = None, str(error)
        trusted = str(self._folder / cluster.ca_file) if cluster.ca_file else None
        client = Client(replace(cluster, ca_file=trusted), token, self._timeouts, withheld)
        return PythonNomad(client, self._patience)

    def keep(self, clusters: Collection[Cluster]) -> None:
        """Implements ``bot.ports.nomad.Nomads.keep``."""
        unused = time.monotonic() - UNUSED
        for each in [each for each, at in self._used.items() if each not in clusters and at <= unused]:
            del self._used[each]
            self._open.pop(each).retire()

    def examined(self, cluster: Cluster) -> NomadExaminer:
        """Implements ``bot.ports.doctor.ExaminedNomads.examined``."""
        self._tokens(cluster)
        return self.of(cluster).examiner()

    def close(self) -> None:
        """Close all connections."""
        for each in self._open.values():
            each.close()
        self._open.clear()
        self._used.clear()
