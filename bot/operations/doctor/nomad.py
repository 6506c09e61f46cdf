"""Doctor's checks of one cluster: reachable, token, version, namespaces, capabilities, templates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.diagnosis import nomad as diagnosis_nomad
from bot.domain.diagnosis.finding import Finding, clocks, ok, unknown
from bot.domain.diagnosis.nomad import TokenKind, Trial, trial, trials_in
from bot.operations.doctor.check import FailedCheck, attempt

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from bot.domain.catalog.catalog import Catalog
    from bot.domain.catalog.environment import Cluster, Environment
    from bot.domain.diagnosis.nomad import NomadToken
    from bot.ports import Clock
    from bot.ports.doctor import ExaminedNomad, ExaminedNomads


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterChecks:
    """The inputs of the cluster checks.

    ``versions`` has the version to parse a template with, by service and environment; a single check may take
    ``seconds``.
    """

    catalog: Catalog
    versions: Mapping[tuple[str, str], str]
    nomads: ExaminedNomads
    clock: Clock
    seconds: float


async def examine_cluster(cluster: Cluster, checks: ClusterChecks) -> tuple[Finding, ...]:
    """All findings about a cluster. If it does not answer, or does not accept our token, that is the only problem."""
    subject = f"cluster {cluster.name}"
    nomad = await attempt(subject, checks.seconds, _connect(checks.nomads, cluster))
    if isinstance(nomad, FailedCheck):
        return (nomad.finding,)
    date = await attempt(subject, checks.seconds, nomad.date())
    if isinstance(date, FailedCheck):
        return (date.finding,)
    secured = " over trusted TLS" if cluster.address.startswith("https:") else ""
    reached = (ok(subject, f"answers{secured}"), clocks(f"{subject} clock", date, checks.clock.now()))
    token = await attempt(f"{subject} token", checks.seconds, nomad.token())
    if isinstance(token, FailedCheck):
        return (*reached, token.finding)
    return (*reached, *await _Examination(cluster, subject, nomad, checks).findings(token))


async def _connect(nomads: ExaminedNomads, cluster: Cluster) -> ExaminedNomad:
    return nomads.examined(cluster)


@dataclass(frozen=True, slots=True)
class _Examination:
    """The checks of a cluster that answers."""

    cluster: Cluster
    subject: str
    nomad: ExaminedNomad
    checks: ClusterChecks

    async def findings(self, token: NomadToken) -> tuple[Finding, ...]:
        """The findings about the token, and about everything that the cluster lets it see."""
        named = self.cluster.token_env is not None
        about = diagnosis_nomad.token(f"{self.subject} token", token, self.checks.clock.now(), named=named)
        if token.kind is TokenKind.ANONYMOUS:
            return about
        text, version = await self._version()
        findings = [*about, version]
        namespaces = diagnosis_nomad.namespaces_of(self.checks.catalog, self.cluster.name)
        for name, environments in namespaces.items():
            findings += await self._namespace(name, environments, token, text)
        trials = [one for environments in namespaces.values() for each in environments for one in self._trials(each)]
        return (*findings, *await self._templates(trials))

    async def _version(self) -> tuple[str | None, Finding]:
        subject = f"{self.subject} version"
        found = await attempt(subject, self.checks.seconds, self.nomad.version())
        if isinstance(found, FailedCheck):
            return None, found.finding
        return found, diagnosis_nomad.version(subject, found)

    async def _namespace(
        self, name: str, environments: Collection[Environment], token: NomadToken, version: str | None
    ) -> tuple[Finding, ...]:
        subject = f"{self.subject} namespace {name}"
        exists = await attempt(subject, self.checks.seconds, self.nomad.namespace(name))
        if isinstance(exists, FailedCheck):
            return (exists.finding,)
        users = ", ".join(each.name for each in environments)
        found = diagnosis_nomad.namespace(subject, name, exists=exists, environments=users)
        if not exists:
            return (found,)
        proofs = await attempt(subject, self.checks.seconds, self.nomad.proofs(name))
        if isinstance(proofs, FailedCheck):
            return found, proofs.finding
        known = diagnosis_nomad.version_of(version)
        needs = diagnosis_nomad.needed(environments)
        return found, *diagnosis_nomad.rights(f"{subject} rights", token, name, proofs, known, needs)

    def _trials(self, environment: Environment) -> Iterable[Trial]:
        for service in trials_in(self.checks.catalog, environment):
            version = self.checks.versions.get((service, environment.name))
            yield trial(self.checks.catalog, service, environment, version)

    async def _templates(self, trials: list[Trial]) -> tuple[Finding, ...]:
        """Parse the templates one by one; skip the rest as soon as they would all fail the same way."""
        findings: list[Finding] = []
        for count, one in enumerate(trials, 1):
            if one.unset:
                findings.append(one.unset_finding())
                continue
            result = await attempt(
                one.subject,
                self.checks.seconds,
                self.nomad.accepts(one.template.text, one.values, one.environment.namespace),
            )
            if not isinstance(result, FailedCheck):
                findings.append(ok(one.subject, "this cluster accepts it"))
                continue
            findings.append(result.finding)
            left = len(trials) - count
            if result.systemic and left:
                subject = f"{self.subject} templates"
                findings.append(unknown(subject, f"{left} more not checked", "fix that, then run doctor again"))
                break
        return tuple(findings)
