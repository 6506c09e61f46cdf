"""Checks that every group, template, environment, cluster and service that the catalog names exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.catalog.catalog import SERVICE_OWNERS
from bot.gateways.catalog.issues import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bot.gateways.catalog.draft import Draft
    from bot.gateways.catalog.issues import Issue
    from bot.gateways.catalog.tree import Node


def unknown_groups(draft: Draft) -> Iterator[Issue]:
    """Errors: unknown groups in roles, approval rules and owners."""
    for holder in draft.main.items("roles"):
        yield from _unknown("group", [holder.get("group")], draft.groups)
    for service in draft.service_list:
        yield from _unknown("group", [service.get("owners")], draft.groups)
    for rule in _rules(draft):
        source = rule.get("from")
        if source and source.text != SERVICE_OWNERS:
            yield from _unknown("group", [source], draft.groups)


def _rules(draft: Draft) -> Iterator[Node]:
    for environment in draft.main.items("environments"):
        yield from environment.items("approvals")
        yield from environment.items("rollback_approvals")
    for service in draft.service_list:
        for placed in service.entries("environments").values():
            yield from placed.items("approvals")


def unknown_templates(draft: Draft) -> Iterator[Issue]:
    """Errors: unknown templates in services and in their environments."""
    for service in draft.service_list:
        placed = service.entries("environments").values()
        yield from _unknown("template", [each.get("template") for each in (service, *placed)], draft.templates)


def unknown_clusters(draft: Draft) -> Iterator[Issue]:
    """Errors: unknown clusters in environments."""
    environments = draft.main.items("environments")
    yield from _unknown("cluster", [each.get("cluster") for each in environments], draft.clusters)


def unknown_environments(draft: Draft) -> Iterator[Issue]:
    """Errors: unknown environments in services, roles, digests and ``after``."""
    known = draft.environments
    for service in draft.service_list:
        for name, placed in service.entries("environments").items():
            if name not in known:
                yield placed.issue(f"unknown environment `{name}`; {suggestion(name, known)}")
    for holder in (*draft.main.items("roles"), *draft.main.items("digests")):
        yield from _unknown("environment", holder.items("environments"), known)
    for environment in draft.main.items("environments"):
        named = (each.get("environment") or each for each in environment.items("after"))
        yield from _unknown("environment", named, known)


def unknown_services(draft: Draft) -> Iterator[Issue]:
    """Errors: unknown services in roles."""
    for role in draft.main.items("roles"):
        yield from _unknown("service", role.items("services"), draft.services)


def _unknown(kind: str, named: Iterable[Node | None], known: Iterable[str]) -> Iterator[Issue]:
    names = set(known)
    for node in named:
        if node and node.text is not None and node.text not in names:
            yield node.issue(f"unknown {kind} `{node.text}`; {suggestion(node.text, names)}")
