"""Jobs: one job of one Nomad belongs to one service in one environment."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.gateways.catalog.draft import Draft
    from bot.gateways.catalog.findings import Finding
    from bot.gateways.catalog.tree import Node

Place = tuple[str, str, str, str]


def shared_jobs(draft: Draft) -> Iterator[Finding]:
    """Two (service, environment) pairs that would register the same job."""
    owners: dict[Place, tuple[str, str]] = {}
    for name, service, environment, placed in draft.placements():
        where = _place(draft, name, service, environment)
        if where is None:
            continue
        first = owners.setdefault(where, (name, environment))
        if first != (name, environment):
            yield placed.finding(
                f"{name} in {environment} and {first[0]} in {first[1]} are the same Nomad job: `{where[-1]}` in "
                f"namespace `{where[-2]}` of one cluster; give one another `job`, such as {name}-{{environment}}"
            )


def _place(draft: Draft, name: str, service: Node, environment: str) -> Place | None:
    there = draft.environments.get(environment)
    cluster = draft.clusters.get(_text(there, "cluster", "")) if there else None
    if there is None or cluster is None:
        return None
    # by address and region: two names for one cluster do not make two of it
    address, region = _text(cluster, "address", ""), _text(cluster, "region", "global")
    job = _text(service, "job", name).replace("{environment}", environment)
    return _host(address), region, _text(there, "namespace", "default"), job


def _host(address: str) -> str:
    try:
        parts = urlsplit(address)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return address
    return f"{parts.hostname}:{port}{parts.path.rstrip('/')}"


def _text(node: Node | None, key: str, default: str) -> str:
    found = node.get(key) if node else None
    return found.text if found and found.text is not None else default
