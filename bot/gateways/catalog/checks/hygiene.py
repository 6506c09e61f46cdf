"""Warnings about entries that work, but are probably mistakes."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.domain.access import Permission
from bot.domain.catalog.variable import is_secret_name
from bot.gateways.catalog.checks.approvals import covers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.gateways.catalog.draft import Draft
    from bot.gateways.catalog.issues import Issue
    from bot.gateways.catalog.tree import Node

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


def plain_http(draft: Draft) -> Iterator[Issue]:
    """Warnings: clusters whose token would cross a network unencrypted."""
    for name, cluster in draft.clusters.items():
        address = cluster.get("address")
        if address and address.text and _in_clear(address.text):
            yield address.issue(
                f"cluster `{name}` has a plain http address, so anyone on the network can read its token; use https"
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


def secrets(draft: Draft) -> Iterator[Issue]:
    """Warnings: variables whose name or value looks like a secret."""
    holders = [*draft.templates.values(), *draft.environments.values(), *draft.service_list]
    holders += [placed for service in draft.service_list for placed in service.entries("environments").values()]
    for holder in holders:
        for variable, node in holder.entries("variables").items():
            if _looks_secret(variable, node):
                yield node.issue(
                    f"`{variable}` looks like a secret, and everyone who can read the catalog can read it; "
                    "move it to Nomad Variables or Vault, and let the jobspec read it there"
                )


def secret_settings(draft: Draft) -> Iterator[Issue]:
    """Warnings: settable variables whose name looks like a secret, because every request that sets one is refused."""
    for service in draft.service_list:
        texts = [draft.texts[each] for each in draft.template_names(service) if each in draft.texts]
        for variable, node in draft.settable(service):
            kinds = {text.declarations[variable].kind.name for text in texts if variable in text.declarations}
            if is_secret_name(variable) and not kinds & {"number", "bool"}:
                yield node.issue(
                    f"`{variable}` looks like a secret, so no request can set it; remove it here, and let the jobspec "
                    "read it from Nomad Variables or Vault"
                )


def _looks_secret(name: str, node: Node) -> bool:
    content = node.content
    if isinstance(content, str):
        return bool(_SECRET_VALUE.search(content)) or bool(content and is_secret_name(name))
    if isinstance(content, tuple):
        return any(_looks_secret(name, each) for each in content)
    if isinstance(content, Mapping):
        return any(_looks_secret(key, each) for key, each in content.items())
    return False


def ungranted_permissions(draft: Draft) -> Iterator[Issue]:
    """Warnings, one per permission: permissions that no role grants for some service in some environment."""
    at = draft.main.get("roles") or draft.main
    roles = draft.main.items("roles")
    for permission in Permission:
        granting = [role for role in roles if permission in dict(role.texts("may"))]
        where = _gaps(draft, granting)
        if where:
            yield at.issue(f"nobody has the `{permission}` permission {where}; grant it in `roles`")


def _gaps(draft: Draft, roles: list[Node]) -> str:
    """The environments and services that none of the roles covers, in words; empty if they cover everything."""
    if not roles:
        return "anywhere"
    places: dict[str, list[str]] = {}
    for service, _, environment, _ in draft.placements():
        if not any(covers(role, service, environment) for role in roles):
            places.setdefault(environment, []).append(service)
    return ", ".join(f"in {environment} for {', '.join(services)}" for environment, services in places.items())
