"""What doctor makes of a cluster's answers: token, rights, version, namespaces, templates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.catalog.catalog import Catalog
from bot.domain.catalog.environment import Environment, Value
from bot.domain.catalog.service import Template
from bot.domain.diagnosis.finding import Finding, untold, warning, well

NEEDED = frozenset({"parse-job", "plan-job", "read-job", "register-job"})
"""What this version calls (docs/install.md)."""

LATER = frozenset(
    {
        "list-jobs", "read-logs", "deregister-job", "dispatch-job", "promote-deployment", "fail-deployment",
        "pause-deployment",
    }
)  # fmt: skip
"""The rest of least privilege (docs/nomad.md, "Capabilities"): harmless, and not called yet."""

_FOR_JOBS = frozenset({"csi-mount-volume", "host-volume-read", "scale-job", "revert-job", "evaluate-job"})
"""What some jobs, or an emergency, need besides."""

_COARSE = "submit-job"
_OF_COARSE = frozenset({"parse-job", "plan-job", "register-job", "deregister-job"})

SUPPORTED, FINE_CAPABILITIES, SAFE_CHECK_AND_SET = (1, 9, 0), (1, 11, 2), (2, 0, 1)
SOON = timedelta(days=14)
POLICY = "use the policy of docs/install.md"
STAND_IN = "v1.0.0"
"""The version with which a template is tried where nothing was ever deployed."""


class TokenKind(StrEnum):
    """Who a cluster takes us for."""

    OFF = "off"
    ANONYMOUS = "anonymous"
    MANAGEMENT = "management"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class NamespaceRule:
    """A policy's block for a namespace, whose name may hold ``*``."""

    name: str
    capabilities: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NomadToken:
    """``/v1/acl/token/self`` and its policies; ``rules`` None where those may not be read.

    ``beyond`` are rules for other things than namespaces, as ``node write``.
    """

    kind: TokenKind
    expires: datetime | None = None
    rules: tuple[NamespaceRule, ...] | None = ()
    beyond: frozenset[str] = frozenset()

    def capabilities(self, namespace: str) -> frozenset[str] | None:
        """What the policies allow there; None where they could not be read.

        As Nomad chooses: the rules of that very name, else those of the wildcard that leaves the least to guess; a
        ``deny`` among them ends it (https://developer.hashicorp.com/nomad/docs/other-specifications/acl-policy).
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
    """What the token is; ``named`` says whether the catalog gives the cluster one."""
    mend = f"make a token of type client, {POLICY}, and name its variable by the cluster's token_env"
    match found.kind:
        case TokenKind.OFF:
            trouble = "ACLs are off: whoever reaches this Nomad may do anything, past Nomatron too"
            return (warning(subject, trouble, "enable ACLs on the servers (acl { enabled = true })"),)
        case TokenKind.ANONYMOUS:
            gone = "Nomad saw no token" if named else "the catalog names no token, and ACLs are on"
            return (Finding(subject, gone, mend),)
        case TokenKind.MANAGEMENT:
            return (
                warning(subject, "the token is a management token, which may do anything", mend),
                *_ends(subject, found, now),
            )
        case _:
            beyond = [warning(subject, f"the token may do more than needed: {', '.join(sorted(found.beyond))}", POLICY)]
            known = well(subject, "Nomad knows the token, of type client")
            return (known, *(beyond if found.beyond else ()), *_ends(subject, found, now))


def _ends(subject: str, found: NomadToken, now: datetime) -> tuple[Finding, ...]:
    if found.expires is None or found.expires - now > SOON:
        return ()
    return (warning(subject, f"the token ends at {found.expires:%Y-%m-%d %H:%M} UTC", "make a new one before that"),)


def rights(
    subject: str, found: NomadToken, namespace: str, proofs: Mapping[str, bool], version: tuple[int, ...] | None
) -> tuple[Finding, ...]:
    """The token's rights in a namespace; ``proofs`` are harmless calls by the capability that each needed.

    A call that went well proves more than a policy's text, and so does one that was refused.
    """
    told = NEEDED | LATER if _anything(found) else found.capabilities(namespace)
    proven = {one for one, allowed in proofs.items() if allowed}
    refused = proofs.keys() - proven
    given = _with_implied(told or frozenset()) | proven
    lacking = NEEDED - (given - refused)
    missing = sorted(lacking & refused if told is None else lacking)
    if missing:
        mend = f"allow it there in the token's policy: {POLICY}"
        return (Finding(subject, f"the token may not {', '.join(missing)}", mend),)
    findings = [] if _anything(found) else list(_too_much(subject, told or frozenset(), version))
    if lacking:
        trouble = f"whether the token may {', '.join(sorted(lacking))}: its policies cannot be read"
        findings.append(untold(subject, trouble, f"{POLICY}, attached to the token by name"))
    return tuple(findings) or (well(subject, _enough(LATER - (given - refused))),)


def _anything(found: NomadToken) -> bool:
    return found.kind in {TokenKind.OFF, TokenKind.MANAGEMENT}


def _with_implied(capabilities: frozenset[str]) -> frozenset[str]:
    return capabilities | (_OF_COARSE if _COARSE in capabilities else frozenset())


def _too_much(subject: str, told: frozenset[str], version: tuple[int, ...] | None) -> Iterable[Finding]:
    # before the fine capabilities the coarse one was the only way to register
    coarse = {_COARSE} if version is None or version < FINE_CAPABILITIES else frozenset()
    spare = told - NEEDED - LATER - _FOR_JOBS - coarse
    if spare:
        yield warning(subject, f"the token may do more than needed: {', '.join(sorted(spare))}", POLICY)


def _enough(later: Iterable[str]) -> str:
    lacking = ", ".join(sorted(later))
    return "the token may do what this version calls" + (f" (not needed yet: {lacking})" if lacking else "")


def version_of(text: str | None) -> tuple[int, ...] | None:
    """``1.11.2-rc.1+ent`` as (1, 11, 2); None where that is no version."""
    match = re.match(r"v?(\d+)\.(\d+)\.(\d+)", text or "")
    return tuple(int(part) for part in match.groups()) if match else None


def version(subject: str, text: str | None) -> Finding:
    """Whether this Nomad is one that we support (docs/nomad.md, "Versions")."""
    known = version_of(text)
    if known is None:
        said = "its version" if text is None else f"its version: it calls itself {text}"
        return untold(subject, said, 'it takes agent { policy = "read" } to see it; ask for 1.9 or later')
    if known < SUPPORTED:
        return Finding(subject, f"Nomad {text} is not supported", "upgrade it to 1.9 or later")
    if known < SAFE_CHECK_AND_SET:
        trouble = (
            f"Nomad {text} checks and sets outside its log, so another's register at the same moment may be lost; "
            "ours waits for the settle time before it believes its eyes"
        )
        return warning(subject, trouble, "let nothing else register these jobs, and upgrade to 2.0.1 or later")
    return well(subject, f"Nomad {text}")


def namespace(subject: str, *, exists: bool, environments: str) -> Finding:
    """Whether a namespace of the catalog is there."""
    if exists:
        return well(subject, "exists")
    name = subject.rpartition(" ")[2]
    mend = f"make it (nomad namespace apply {name}), or correct it in environment {environments} of the catalog"
    return Finding(subject, "does not exist, or the token may not see it", mend)


def namespaces_of(catalog: Catalog, cluster: str) -> dict[str, list[Environment]]:
    """The environments of a cluster by namespace."""
    found: dict[str, list[Environment]] = {}
    for environment in catalog.environments.values():
        if environment.cluster == cluster:
            found.setdefault(environment.namespace, []).append(environment)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A template as one service would render it in one environment."""

    service: str
    environment: Environment
    template: Template
    values: Mapping[str, Value]
    unset: tuple[str, ...]

    @property
    def subject(self) -> str:
        """``template web for checkout in staging``."""
        return f"template {self.template.name} for {self.service} in {self.environment.name}"

    def skipped(self) -> Finding:
        """It cannot be tried before somebody asks: the request is to set some of its variables."""
        return untold(
            self.subject,
            f"it needs {', '.join(self.unset)} from the request, so it was not parsed",
            "give it a default in the catalog to have it checked here",
        )


def trial(catalog: Catalog, service: str, environment: Environment, version: str | None) -> Trial:
    """What is to be parsed for a service there, at a version (None: one that stands in)."""
    template = catalog.template_for(service, environment.name)
    values = catalog.variables_for(service, environment.name, version or STAND_IN, {}, template.declared)
    unset = tuple(sorted(template.required - values.keys()))
    return Trial(service=service, environment=environment, template=template, values=values, unset=unset)


def trials_in(catalog: Catalog, environment: Environment) -> tuple[str, ...]:
    """The services that are deployed there."""
    return tuple(service.name for service in catalog.services.values() if environment.name in service.placements)
