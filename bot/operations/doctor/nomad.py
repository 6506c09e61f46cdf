"""``doctor``'s look at one cluster: is it there, does it know us, what may we do, does it take our templates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.diagnosis import nomad as diagnosis_nomad
from bot.domain.diagnosis.finding import Finding, clocks, untold, well
from bot.domain.diagnosis.nomad import TokenKind, Trial, trial, trials_in
from bot.operations.doctor.check import Unseen, looked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bot.domain.catalog.catalog import Catalog
    from bot.domain.catalog.environment import Cluster, Environment
    from bot.domain.diagnosis.nomad import NomadToken
    from bot.ports import Clock
    from bot.ports.doctor import ExaminedNomad, ExaminedNomads


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a look at clusters takes: ``versions`` are those that templates are tried with, by service and environment.

    ``seconds`` bound each single look.
    """

    catalog: Catalog
    versions: Mapping[tuple[str, str], str]
    nomads: ExaminedNomads
    clock: Clock
    seconds: float


async def examine_cluster(cluster: Cluster, tour: Round) -> tuple[Finding, ...]:
    """Everything about a cluster; where it does not answer, or does not know our token, that alone."""
    subject = f"cluster {cluster.name}"
    nomad = await looked(subject, tour.seconds, _opened(tour.nomads, cluster))
    if isinstance(nomad, Unseen):
        return (nomad.finding,)
    visit = _Visit(cluster, subject, nomad, tour)
    date = await looked(subject, tour.seconds, nomad.date())
    if isinstance(date, Unseen):
        return (date.finding,)
    secured = " over trusted TLS" if cluster.address.startswith("https:") else ""
    reached = (well(subject, f"answers{secured}"), clocks(f"{subject} clock", date, tour.clock.now()))
    token = await looked(f"{subject} token", tour.seconds, nomad.token())
    if isinstance(token, Unseen):
        return (*reached, token.finding)
    return (*reached, *await visit.as_known(token))


async def _opened(nomads: ExaminedNomads, cluster: Cluster) -> ExaminedNomad:
    return nomads.examined(cluster)


@dataclass(frozen=True, slots=True)
class _Visit:
    """One cluster, reached."""

    cluster: Cluster
    subject: str
    nomad: ExaminedNomad
    tour: Round

    async def as_known(self, token: NomadToken) -> tuple[Finding, ...]:
        """What the cluster shows to somebody with this token."""
        named = self.cluster.token_env is not None
        about = diagnosis_nomad.token(f"{self.subject} token", token, self.tour.clock.now(), named=named)
        if token.kind is TokenKind.ANONYMOUS:
            return about
        text, version = await self._version()
        findings = [*about, version]
        places = diagnosis_nomad.namespaces_of(self.tour.catalog, self.cluster.name)
        for name, environments in places.items():
            findings += await self._namespace(name, environments, token, text)
        trials = [one for environments in places.values() for each in environments for one in self._trials(each)]
        return (*findings, *await self._templates(trials))

    async def _version(self) -> tuple[str | None, Finding]:
        subject = f"{self.subject} version"
        found = await looked(subject, self.tour.seconds, self.nomad.version())
        if isinstance(found, Unseen):
            return None, found.finding
        return found, diagnosis_nomad.version(subject, found)

    async def _namespace(
        self, name: str, environments: Iterable[Environment], token: NomadToken, version: str | None
    ) -> tuple[Finding, ...]:
        subject = f"{self.subject} namespace {name}"
        exists = await looked(subject, self.tour.seconds, self.nomad.namespace(name))
        if isinstance(exists, Unseen):
            return (exists.finding,)
        users = ", ".join(each.name for each in environments)
        found = diagnosis_nomad.namespace(subject, exists=exists, environments=users)
        if not exists:
            return (found,)
        proofs = await looked(subject, self.tour.seconds, self.nomad.proofs(name))
        if isinstance(proofs, Unseen):
            return found, proofs.finding
        known = diagnosis_nomad.version_of(version)
        return found, *diagnosis_nomad.rights(f"{subject} rights", token, name, proofs, known)

    def _trials(self, environment: Environment) -> Iterable[Trial]:
        for service in trials_in(self.tour.catalog, environment):
            version = self.tour.versions.get((service, environment.name))
            yield trial(self.tour.catalog, service, environment, version)

    async def _templates(self, trials: list[Trial]) -> tuple[Finding, ...]:
        """One after another; the rest is left out once all would fail alike."""
        findings: list[Finding] = []
        for count, one in enumerate(trials, 1):
            if one.unset:
                findings.append(one.skipped())
                continue
            tried = await looked(
                one.subject,
                self.tour.seconds,
                self.nomad.accepts(one.template.text, one.values, one.environment.namespace),
            )
            if not isinstance(tried, Unseen):
                findings.append(well(one.subject, "is accepted by this cluster"))
                continue
            findings.append(tried.finding)
            left = len(trials) - count
            if tried.alike and left:
                subject = f"{self.subject} templates"
                findings.append(untold(subject, f"{left} more were not tried", "mend that, then run doctor again"))
                break
        return tuple(findings)
