"""Checks that each Nomad job belongs to one service in one environment."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.gateways.catalog.draft import Draft
    from bot.gateways.catalog.issues import Issue
    from bot.gateways.catalog.tree import Node

# The cluster's address, the region, the namespace and the job id.
JobKey = tuple[str, str, str, str]


def shared_jobs(draft: Draft) -> Iterator[Issue]:
    """Errors: two (service, environment) pairs that would register the same job."""
    owners: dict[JobKey, tuple[str, str]] = {}
    for name, service, environment, placed in draft.placements():
        key = _job_key(draft, name, service, environment)
        if key is None:
            continue
        first = owners.setdefault(key, (name, environment))
        if first != (name, environment):
            yield placed.issue(
                f"{name} in {environment} and {first[0]} in {first[1]} would overwrite each other: both are job "
                f"`{key[-1]}` in namespace `{key[-2]}` of the same cluster; give one of them another `job`, such as "
                f"{name}-{{environment}}"
            )


def _job_key(draft: Draft, name: str, service: Node, environment: str) -> JobKey | None:
    there = draft.environments.get(environment)
    cluster = draft.clusters.get(_text(there, "cluster", "")) if there else None
    if there is None or cluster is None:
        return None
    # by address and region, because two entries with different names may be the same cluster
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
