"""The findings about a Nomad cluster: token, capabilities, version, namespaces, templates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.catalog.catalog import Catalog
from bot.domain.catalog.environment import Environment, Value
from bot.domain.catalog.service import Template
from bot.domain.diagnosis.finding import Finding, ok, unknown, warning

NEEDED = frozenset({"parse-job", "plan-job", "read-job", "register-job"})
"""The capabilities that this version needs in each namespace (docs/install.md)."""

LATER = frozenset(
    {
        "list-jobs", "read-logs", "deregister-job", "dispatch-job", "promote-deployment", "fail-deployment",
        "pause-deployment",
    }
)  # fmt: skip
"""The rest of the recommended policy (docs/nomad.md, "Capabilities"), for features that are not built yet."""

_FOR_JOBS = frozenset({"csi-mount-volume", "host-volume-read", "scale-job", "revert-job", "evaluate-job"})
"""Capabilities that some jobs need to be registered, or that help in an emergency."""

_COARSE = "submit-job"
_OF_COARSE = frozenset({"parse-job", "plan-job", "register-job", "deregister-job"})

SUPPORTED, FINE_CAPABILITIES, SAFE_CHECK_AND_SET = (1, 9, 0), (1, 11, 2), (2, 0, 1)
SOON = timedelta(days=14)
POLICY = "use the policy from docs/install.md"
STAND_IN = "v1.0.0"
"""The version that a template is parsed with if the service was never deployed there."""


class TokenKind(StrEnum):
    """What kind of token a cluster sees."""

    OFF = "off"
    ANONYMOUS = "anonymous"
    MANAGEMENT = "management"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class NamespaceRule:
    """A policy's rule for a namespace; the name may contain ``*``."""

    name: str
    capabilities: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NomadToken:
    """The answer of ``/v1/acl/token/self``, with the token's policies.

    ``rules`` is None if the token may not read its policies. ``beyond`` lists its rules for anything but namespaces,
    such as ``node write``.
    """

    kind: TokenKind
    expires: datetime | None = None
    rules: tuple[NamespaceRule, ...] | None = ()
    beyond: frozenset[str] = frozenset()

    def capabilities(self, namespace: str) -> frozenset[str] | None:
        """The token's capabilities in a namespace; None if its policies could not be read.

        Nomad uses the rules with exactly that name, else those with the most specific wildcard; a ``deny`` among them
        removes everything (https://developer.hashicorp.com/nomad/docs/other-specifications/acl-policy).
        """
        if self.rules is None:
            return None
        fitting = {rule.name for rule in self.rules if _fits(rule.name, namespace)}
        chosen = namespace if namespace in fitting else max(fitting, key=lambda name: (len(name), name), default="")
        found = frozenset(one for rule in self.rules if rule.name == chosen for one in rule.capabilities)
        return frozenset() if "deny" in found else found


def _fits(pattern: str, namespace: str) -> bool:
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), namespace) is not None


def token(subject: str, found: NomadToken, now: datetime, *, named: bool) -> tuple[Finding, ...]:
    """The findings about the token itself; ``named`` says whether the catalog names a token for the cluster."""
    fix = f"create a client token, {POLICY}, and name its environment variable in the cluster's token_env"
    match found.kind:
        case TokenKind.OFF:
            problem = "ACLs are off, so anyone who can reach this Nomad can bypass Nomatron"
            return (warning(subject, problem, "enable ACLs on the servers (acl { enabled = true })"),)
        case TokenKind.ANONYMOUS:
            problem = "Nomad received no token" if named else "ACLs are on, but the catalog names no token"
            return (Finding(subject, problem, fix),)
        case TokenKind.MANAGEMENT:
            return (
                warning(subject, "the token is a management token, which can do anything", fix),
                *_expiry(subject, found, now),
            )
        case _:
            beyond = [warning(subject, f"the token can do more than needed: {', '.join(sorted(found.beyond))}", POLICY)]
            known = ok(subject, "Nomad accepts the token (type client)")
            return (known, *(beyond if found.beyond else ()), *_expiry(subject, found, now))


def _expiry(subject: str, found: NomadToken, now: datetime) -> tuple[Finding, ...]:
    if found.expires is None or found.expires - now > SOON:
        return ()
    problem = f"the token expires at {found.expires:%Y-%m-%d %H:%M} UTC"
    return (warning(subject, problem, "create a new one before then"),)


def needed(environments: Iterable[Environment]) -> frozenset[str]:
    """The capabilities that these environments need in their namespace: those of a deploy, and what they opt in to."""
    return NEEDED | ({"read-logs"} if any(each.logs for each in environments) else frozenset())


def rights(
    subject: str,
    found: NomadToken,
    namespace: str,
    proofs: Mapping[str, bool],
    version: tuple[int, ...] | None,
    needs: frozenset[str] = NEEDED,
) -> tuple[Finding, ...]:
    """The findings about the token's capabilities in a namespace; ``needs`` are those that it has to have.

    ``proofs`` says for some capabilities whether a harmless call that needs it was allowed. An actual call proves more
    than the text of a policy.
    """
    granted = NEEDED | LATER if _anything(found) else found.capabilities(namespace)
    proven = {one for one, allowed in proofs.items() if allowed}
    refused = proofs.keys() - proven
    given = _with_implied(granted or frozenset()) | proven
    lacking = needs - (given - refused)
    missing = sorted(lacking & refused if granted is None else lacking)
    if missing:
        return (
            Finding(subject, f"the token lacks {', '.join(missing)}", "add it to the token's policy (docs/install.md)"),
        )
    later = (NEEDED | LATER) - needs
    findings = [] if _anything(found) else list(_too_much(subject, granted or frozenset(), version))
    if lacking:
        problem = f"cannot tell whether the token has {', '.join(sorted(lacking))}: its policies cannot be read"
        findings.append(unknown(subject, problem, f"{POLICY}, and attach it to the token by name"))
    return tuple(findings) or (ok(subject, _enough(later - (given - refused))),)


def _anything(found: NomadToken) -> bool:
    return found.kind in {TokenKind.OFF, TokenKind.MANAGEMENT}


def _with_implied(capabilities: frozenset[str]) -> frozenset[str]:
    return capabilities | (_OF_COARSE if _COARSE in capabilities else frozenset())


def _too_much(subject: str, granted: frozenset[str], version: tuple[int, ...] | None) -> Iterable[Finding]:
    # before Nomad had the fine capabilities, only the coarse one allowed a register
    coarse = {_COARSE} if version is None or version < FINE_CAPABILITIES else frozenset()
    spare = granted - NEEDED - LATER - _FOR_JOBS - coarse
    if spare:
        yield warning(subject, f"the token can do more than needed: {', '.join(sorted(spare))}", POLICY)


def _enough(later: Iterable[str]) -> str:
    lacking = ", ".join(sorted(later))
    return "the token has what this version needs" + (f" (it lacks {lacking}, not needed yet)" if lacking else "")


def version_of(text: str | None) -> tuple[int, ...] | None:
    """``1.11.2-rc.1+ent`` as (1, 11, 2); None if the text is not a version."""
    match = re.match(r"v?(\d+)\.(\d+)\.(\d+)", text or "")
    return tuple(int(part) for part in match.groups()) if match else None


def version(subject: str, text: str | None) -> Finding:
    """Whether we support this version of Nomad (docs/nomad.md, "Versions")."""
    known = version_of(text)
    if known is None:
        problem = "the token may not read it" if text is None else f"{text} is not a version"
        fix = 'add agent { policy = "read" } to the token\'s policy, or check yourself that it is 1.9 or later'
        return unknown(subject, problem, fix)
    if known < SUPPORTED:
        return Finding(subject, f"Nomad {text} is not supported", "upgrade it to 1.9 or later")
    if known < SAFE_CHECK_AND_SET:
        problem = (
            f"Nomad {text} can accept two registers of a job at the same moment and lose one of them; "
            "Nomatron waits for the settle time before it trusts its own"
        )
        return warning(subject, problem, "upgrade to 2.0.1 or later, and let nothing else register these jobs")
    return ok(subject, f"Nomad {text}")


def namespace(subject: str, name: str, *, exists: bool, environments: str) -> Finding:
    """Whether a namespace of the catalog exists."""
    if exists:
        return ok(subject, "exists")
    fix = f"create it (nomad namespace apply {name}), or correct it in environment {environments} of the catalog"
    return Finding(subject, "does not exist, or the token may not see it", fix)


def namespaces_of(catalog: Catalog, cluster: str) -> dict[str, list[Environment]]:
    """The environments of a cluster by namespace."""
    found: dict[str, list[Environment]] = {}
    for environment in catalog.environments.values():
        if environment.cluster == cluster:
            found.setdefault(environment.namespace, []).append(environment)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A template with the variables of one service in one environment, for Nomad to parse."""

    service: str
    environment: Environment
    template: Template
    values: Mapping[str, Value]
    unset: tuple[str, ...]

    @property
    def subject(self) -> str:
        """``template web for checkout in staging``."""
        return f"template {self.template.name} for {self.service} in {self.environment.name}"

    def unset_finding(self) -> Finding:
        """The finding if some variables have no value, so that only a request could complete the template."""
        return unknown(
            self.subject,
            f"cannot be parsed without {', '.join(self.unset)}, which only a request sets",
            "give it a default in the catalog if doctor should check the template",
        )


def trial(catalog: Catalog, service: str, environment: Environment, version: str | None) -> Trial:
    """The template of a service in an environment, at a version (None: ``STAND_IN``)."""
    template = catalog.template_for(service, environment.name)
    values = catalog.variables_for(service, environment.name, version or STAND_IN, {}, template.declared)
    unset = tuple(sorted(template.required - values.keys()))
    return Trial(service=service, environment=environment, template=template, values=values, unset=unset)


def trials_in(catalog: Catalog, environment: Environment) -> tuple[str, ...]:
    """The names of the services in an environment."""
    return tuple(service.name for service in catalog.services.values() if environment.name in service.placements)
