"""The port ``Nomad`` for one cluster, and ``Nomads`` for all of them."""

from __future__ import annotations

import contextlib
import json
import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bot.domain.jobdiff.compare import differences, moved
from bot.domain.jobdiff.redaction import Redactor
from bot.errors import NomadError, NomadUnavailable, SettingsInvalid
from bot.gateways.nomad import look, observe, parse, plan, register, stream
from bot.gateways.nomad.client import Client, Timeouts
from bot.gateways.nomad.examine import NomadExaminer
from bot.gateways.nomad.stream import Patience

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Mapping

    from bot.domain.catalog.environment import Cluster, Value
    from bot.domain.deploy.dispatch import Sighting
    from bot.domain.deploy.plan import Job, Plan
    from bot.domain.deploy.rollout import Observation, Rollout
    from bot.ports.nomad import JobEvent, NomadPlan, Registered

log = logging.getLogger(__name__)

UNUSED = 60.0
"""Seconds without use after which a cluster that the catalog no longer has is let go: longer than any one step."""


class PythonNomad:
    """One cluster by python-nomad; the contract is that of ``bot.ports.Nomad``."""

    def __init__(self, client: Client, key: bytes, patience: Patience) -> None:
        self._client = client
        self._key = key
        self._patience = patience

    def close(self) -> None:
        """Let its connections go."""
        self._client.close()

    def retire(self) -> None:
        """Let them go as soon as nobody uses them."""
        self._client.retire()

    @property
    def withheld(self) -> str:
        """Why there is no token to ask with; empty where there is one, or none is wanted."""
        return self._client.withheld

    def examiner(self) -> NomadExaminer:
        """The same cluster, for ``doctor``."""
        return NomadExaminer(self._client)

    async def reach(self) -> None:
        """As ``bot.ports.Nomad.reach``."""
        await self._client.get("status", namespace="default")

    async def parse(self, jobspec: str, variables: Mapping[str, Value], namespace: str) -> Job:
        """As ``bot.ports.Nomad.parse``."""
        with _of_nomads_shape(self._client.cluster):
            return await parse.parse(self._client, jobspec, variables, namespace)

    async def job(self, namespace: str, job_id: str) -> Job | None:
        """As ``bot.ports.Nomad.job``."""
        return await look.job(self._client, namespace, job_id)

    async def plan(self, namespace: str, job: Job, live: Job | None, show: frozenset[str]) -> NomadPlan:
        """As ``bot.ports.Nomad.plan``."""
        with _of_nomads_shape(self._client.cluster):
            return await plan.plan(self._client, namespace, job, live, Redactor(self._key, show))

    def moved(self, before: Plan, live: Job | None, job: Job, show: frozenset[str]) -> tuple[str, ...]:
        """As ``bot.ports.Nomad.moved``."""
        replaced = {**json.loads(before.replaced), "Version": before.base_version} if before.replaced else None
        return moved(replaced, live, json.loads(before.job), job, Redactor(self._key, show))

    def differences(self, before: str, job: Job, show: frozenset[str]) -> tuple[str, ...]:
        """As ``bot.ports.Nomad.differences``."""
        return differences(json.loads(before), job, Redactor(self._key, show))

    async def register(self, namespace: str, job: str, *, base_index: int, source: str, variables: str) -> Registered:
        """As ``bot.ports.Nomad.register``."""
        return await register.register(
            self._client, namespace, job, base_index=base_index, source=source, variables=variables
        )

    async def look(
        self, namespace: str, job_id: str, *, base_index: int, base_version: int | None, stamp: str
    ) -> Sighting:
        """As ``bot.ports.Nomad.look``."""
        return await look.look(
            self._client, namespace, job_id, base_index=base_index, base_version=base_version, stamp=stamp
        )

    async def observe(self, namespace: str, job_id: str, rollout: Rollout) -> Observation:
        """As ``bot.ports.Nomad.observe``."""
        with _of_nomads_shape(self._client.cluster):
            return await observe.observe(self._client, namespace, job_id, rollout)

    def moves(self, namespaces: Collection[str]) -> AsyncGenerator[JobEvent, None]:
        """As ``bot.ports.Nomad.moves``."""
        return stream.moves(self._client.event_stream, self._check_token, frozenset(namespaces), self._patience)

    async def _check_token(self) -> None:
        """Say in the log why a stream stays silent: the one call that tells a bad token from a weak one."""
        try:
            reply = await self._client.get("acl", "token", "self", namespace="default")
        except NomadError as error:
            problem, why = "nomad event stream is away", str(error)
        else:
            why = "the token lacks read-job" if reply.ok else "Nomad does not know who we are"
            problem = "nomad event stream is silent"
        log.warning(problem, extra={"cluster": self._client.cluster.name, "why": why})


@contextlib.contextmanager
def _of_nomads_shape(cluster: Cluster) -> Iterator[None]:
    """JSON that is not shaped like Nomad's is no usable answer, rather than a crash of the worker."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NomadUnavailable(
            f"cluster {cluster.name} answered in a shape that is not Nomad's: {type(error).__name__} {error}"
        ) from error


class PythonNomads:
    """The clusters, each with a session, a thread pool and a token of its own.

    ``tokens`` gives a cluster's token, or raises ``SettingsInvalid``; ``key`` is the installation's secret for
    redaction marks, ``folder`` is the catalog's: a ``ca_file`` that is no absolute path lies in it.
    """

    def __init__(
        self,
        tokens: Callable[[Cluster], str | None],
        *,
        key: bytes,
        folder: Path = Path(),
        timeouts: Timeouts | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._tokens = tokens
        self._key = key
        self._folder = folder
        self._timeouts = timeouts or Timeouts()
        self._patience = patience or Patience()
        self._open: dict[Cluster, PythonNomad] = {}
        self._used: dict[Cluster, float] = {}

    def of(self, cluster: Cluster) -> PythonNomad:
        """As ``bot.ports.Nomads.of``."""
        self._used[cluster] = time.monotonic()
        found = self._open.get(cluster)
        if found is None or found.withheld:
            # a token that was not there may be there by now: a file is put in place while we run
            found = self._open[cluster] = self._opened(cluster)
        return found

    def _opened(self, cluster: Cluster) -> PythonNomad:
        try:
            token, withheld = self._tokens(cluster), ""
        except SettingsInvalid as error:
            token, withheld = None, str(error)
        trusted = str(self._folder / cluster.ca_file) if cluster.ca_file else None
        client = Client(replace(cluster, ca_file=trusted), token, self._timeouts, withheld)
        return PythonNomad(client, self._key, self._patience)

    def keep(self, clusters: Collection[Cluster]) -> None:
        """As ``bot.ports.Nomads.keep``."""
        unused = time.monotonic() - UNUSED
        for each in [each for each, at in self._used.items() if each not in clusters and at <= unused]:
            del self._used[each]
            self._open.pop(each).retire()

    def examined(self, cluster: Cluster) -> NomadExaminer:
        """As ``bot.ports.doctor.ExaminedNomads``."""
        self._tokens(cluster)
        return self.of(cluster).examiner()

    def close(self) -> None:
        """Let all connections go."""
        for each in self._open.values():
            each.close()
        self._open.clear()
        self._used.clear()
