"""Doctor's calls to a cluster. None of them changes anything."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from bot.domain.diagnosis.nomad import NamespaceRule, NomadToken, TokenKind
from bot.errors import NomadForbidden, NomadUnavailable
from bot.gateways.nomad import parse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping

    from bot.domain.catalog.environment import Value
    from bot.gateways.nomad.client import Client

PROBE: Final = "nomatron-doctor"
"""The id of a job that doctor parses and plans to see whether it may; it never registers the job."""

_SPEC: Final = f'job "{PROBE}" {{\n  group "probe" {{\n    task "probe" {{\n      driver = "docker"\n    }}\n  }}\n}}\n'
_TASK: Final = {"Name": "probe", "Driver": "docker", "Config": {"image": "scratch"}}
_JOB: Final[dict[str, Any]] = {
    "ID": PROBE,
    "Name": PROBE,
    "Type": "batch",
    "Datacenters": ["*"],
    "TaskGroups": [{"Name": "probe", "Count": 1, "Tasks": [_TASK]}],
}
_KINDS: Final = {"acls-disabled": TokenKind.OFF, "anonymous": TokenKind.ANONYMOUS}


class NomadExaminer:
    """Implements ``bot.ports.doctor.ExaminedNomad`` with the gateway's client."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def date(self) -> datetime | None:
        """Implements ``bot.ports.doctor.ExaminedNomad.date``."""
        reply = await self._client.get("status", namespace="default")
        try:
            return parsedate_to_datetime(reply.date)
        except ValueError:
            return None

    async def token(self) -> NomadToken:
        """Implements ``bot.ports.doctor.ExaminedNomad.token``."""
        found = (await self._client.get("acl", "token", "self", namespace="default")).record()
        kind = _KINDS.get(str(found.get("AccessorID")), TokenKind.CLIENT)
        if found.get("Type") == "management":
            kind = TokenKind.MANAGEMENT
        policies = await self._policies(found) if kind is TokenKind.CLIENT else []
        return NomadToken(
            kind=kind,
            expires=_instant(found.get("ExpirationTime")),
            rules=None if policies is None else tuple(rule for each in policies for rule in _rules(each)),
            beyond=frozenset(one for each in policies or () for one in _beyond(each)),
        )

    async def version(self) -> str | None:
        """Implements ``bot.ports.doctor.ExaminedNomad.version``."""
        try:
            found = (await self._client.get("agent", "self", namespace="default")).record()
        except NomadForbidden:
            return None
        version = _mapping(_mapping(found.get("config")).get("Version"))
        pre = version.get("VersionPrerelease")
        return f"{version['Version']}{f'-{pre}' if pre else ''}" if version.get("Version") else None

    async def namespace(self, name: str) -> bool:
        """Implements ``bot.ports.doctor.ExaminedNomad.namespace``."""
        try:
            return (await self._client.get("namespace", name, namespace=name)).ok
        except NomadForbidden:
            return True

    async def proofs(self, namespace: str) -> Mapping[str, bool]:
        """The proofs for parse-job, plan-job, read-job and list-jobs."""
        planned = json.dumps({"Job": {**_JOB, "Namespace": namespace}, "Diff": False}).encode()
        calls: dict[str, Awaitable[object]] = {
            "parse-job": self.accepts(_SPEC, {}, namespace),
            "plan-job": self._client.post("job", PROBE, "plan", namespace=namespace, body=planned),
            "read-job": self._client.get("job", PROBE, namespace=namespace),
            "list-jobs": self._client.get("jobs", namespace=namespace, prefix=PROBE),
        }
        allowed = await asyncio.gather(*(_is_allowed(call) for call in calls.values()))
        return dict(zip(calls, allowed, strict=True))

    async def accepts(self, jobspec: str, variables: Mapping[str, Value], namespace: str) -> None:
        """Implements ``bot.ports.doctor.ExaminedNomad.accepts``."""
        await parse.parse(self._client, jobspec, variables, namespace)

    async def _policies(self, token: dict[str, Any]) -> list[dict[str, Any]] | None:
        """The token's policies, including those of its roles; None if it may not read one of them."""
        try:
            roles = [await self._record("role", str(role.get("ID"))) for role in _mappings(token.get("Roles"))]
            names = {str(name) for name in token.get("Policies") or ()}
            names |= {str(each.get("Name")) for role in roles for each in _mappings(role.get("Policies"))}
            policies = [await self._record("policy", name) for name in sorted(names)]
        except (NomadForbidden, NomadUnavailable):
            return None
        parsed = [_mapping(policy.get("RulesJSON")) for policy in policies]
        # an older Nomad sends the rules only as HCL
        return parsed if all(parsed) else None

    async def _record(self, kind: str, name: str) -> dict[str, Any]:
        path = ("role", "id", name) if kind == "role" else (kind, name)
        return (await self._client.get("acl", *path, namespace="default")).record()


async def _is_allowed(call: Awaitable[object]) -> bool:
    try:
        await call
    except NomadForbidden:
        return False
    return True


def _rules(policy: dict[str, Any]) -> Iterable[NamespaceRule]:
    """The namespace rules of a policy. Nomad has already expanded ``policy = "write"`` into capabilities."""
    for block in _mappings(policy.get("Namespaces")):
        yield NamespaceRule(str(block.get("Name")), frozenset(map(str, block.get("Capabilities") or ())))


def _beyond(policy: dict[str, Any]) -> Iterable[str]:
    """The rules for anything but jobs, except reading the agent, which doctor needs for Nomad's version."""
    for name in ("Agent", "Node", "Operator", "Quota"):
        rule = _mapping(policy.get(name)).get("Policy")
        if rule and (name, rule) != ("Agent", "read"):
            yield f"{name.lower()} {rule}"


def _instant(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    # Nomad sends the zero time if there is none
    return found if found.year > 1 else None


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
