"""Warnings: what works and is probably not meant."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.domain.access import Permission
from bot.gateways.catalog.checks.approvals import covers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.gateways.catalog.draft import Draft
    from bot.gateways.catalog.findings import Finding
    from bot.gateways.catalog.tree import Node

_SECRET_NAME = re.compile(
    r"(?:^|[_-])(?:pass(?:word|wd|phrase)?|secret|token|credentials?|(?:api|access|private|secret)[_-]?key)(?:$|[_-])",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\bAKIA[0-9A-Z]{16}\b"  # AWS access key id
    r"|\bgh[oprsu]_[A-Za-z0-9]{20,}"  # GitHub tokens
    r"|\bglpat-[A-Za-z0-9_-]{16,}"  # GitLab personal access token
    r"|\bxox[abeoprs]-[A-Za-z0-9-]{10,}"  # Slack tokens
    r"|\bhv[bs]\.[A-Za-z0-9_-]{16,}"  # Vault tokens
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\."  # JSON Web Token
    r"|\b[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s:@{$]+@"  # password in an address
)


def plain_http(draft: Draft) -> Iterator[Finding]:
    """Clusters whose token would cross a network in clear."""
    for name, cluster in draft.clusters.items():
        address = cluster.get("address")
        if address and address.text and _in_clear(address.text):
            yield address.finding(
                f"cluster `{name}` is reached over plain http, so its token can be read on the way; use https"
            )


def _in_clear(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "http" and not _loopback(parts.hostname or "")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def secrets(draft: Draft) -> Iterator[Finding]:
    """Variables whose name or value looks like a secret."""
    holders = [*draft.templates.values(), *draft.environments.values(), *draft.service_list]
    holders += [placed for service in draft.service_list for placed in service.entries("environments").values()]
    for holder in holders:
        for variable, node in holder.entries("variables").items():
            if _looks_secret(variable, node):
                yield node.finding(
                    f"`{variable}` looks like a secret; keep it in Nomad Variables or Vault and let the jobspec read it"
                )


def _looks_secret(name: str, node: Node) -> bool:
    content = node.content
    if isinstance(content, str):
        return bool(_SECRET_VALUE.search(content)) or bool(content and _SECRET_NAME.search(name))
    if isinstance(content, tuple):
        return any(_looks_secret(name, each) for each in content)
    if isinstance(content, Mapping):
        return any(_looks_secret(key, each) for key, each in content.items())
    return False


def held_by_nobody(draft: Draft) -> Iterator[Finding]:
    """Permissions that no role grants for a service somewhere; one warning a permission."""
    at = draft.main.get("roles") or draft.main
    roles = draft.main.items("roles")
    for permission in Permission:
        granting = [role for role in roles if permission in dict(role.texts("may"))]
        where = _uncovered(draft, granting)
        if where:
            yield at.finding(f"nobody holds `{permission}` {where}; grant it in `roles`")


def _uncovered(draft: Draft, roles: list[Node]) -> str:
    """Where none of the roles reaches, in words; empty where they reach everything."""
    if not roles:
        return "anywhere"
    places: dict[str, list[str]] = {}
    for service, _, environment, _ in draft.placements():
        if not any(covers(role, service, environment) for role in roles):
            places.setdefault(environment, []).append(service)
    return ", ".join(f"in {environment} for {', '.join(services)}" for environment, services in places.items())
