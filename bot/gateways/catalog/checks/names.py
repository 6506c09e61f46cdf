"""Checks that each name is used once, and that no command can take it for something else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.domain.catalog.catalog import SERVICE_OWNERS
from bot.domain.catalog.reserved import VERBS
from bot.domain.locks import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bot.gateways.catalog.draft import Draft
    from bot.gateways.catalog.issues import Issue
    from bot.gateways.catalog.tree import Node

_DEPLOY_NUMBER = re.compile(r"d-\d+", re.IGNORECASE)


def duplicate_names(draft: Draft) -> Iterator[Issue]:
    """Errors: environments, services (in any file) or freezes of one environment with the same name."""
    environments = draft.main.items("environments")
    yield from _duplicates("environment", environments)
    yield from _duplicates("service", draft.service_list)
    for environment in environments:
        yield from _duplicates("freeze", environment.items("freezes"))


def _duplicates(kind: str, nodes: Iterable[Node]) -> Iterator[Issue]:
    first: dict[str, Node] = {}
    for node in nodes:
        name = node.get("name")
        if name is None or name.text is None:
            continue
        other = first.setdefault(name.text, name)
        if other is not name:
            yield name.issue(
                f"there are two {kind}s named `{name.text}` (the first in {other.file}:{other.line}); "
                "rename or remove one"
            )


def shared_channels(draft: Draft) -> Iterator[Issue]:
    """Errors: two digests for one channel. Nomatron remembers the days that it has sent by channel."""
    first: dict[str, Node] = {}
    for digest in draft.main.items("digests"):
        channel = digest.get("channel")
        if channel is None or channel.text is None:
            continue
        other = first.setdefault(channel.text, channel)
        if other is not channel:
            yield channel.issue(
                f"`{channel.text}` already has a digest (line {other.line}), and a channel can have only one; "
                "put all environments into that one, or name another channel"
            )


def ambiguous_names(draft: Draft) -> Iterator[Issue]:
    """Errors: names that a command would read as a verb, a deploy number or an environment, or a rule as the owners."""
    environments = draft.environments
    if SERVICE_OWNERS in draft.groups:
        yield draft.groups[SERVICE_OWNERS].issue(
            f"a group cannot be named `{SERVICE_OWNERS}`: in rules that means the owners of each service; "
            "rename the group"
        )
    if EVERYTHING in environments:
        at = environments[EVERYTHING]
        yield (at.get("name") or at).issue(
            f"an environment cannot be named `{EVERYTHING}`: `/deploy lock {EVERYTHING}` closes all; rename it"
        )
    for name, service in draft.services.items():
        at = service.get("name") or service
        if name == EVERYTHING:
            yield at.issue(
                f"a service cannot be named `{EVERYTHING}`: `/deploy lock {EVERYTHING}` closes all; rename it"
            )
        if name in VERBS:
            yield at.issue(f"a service cannot be named `{name}`: `/deploy {name}` is a command; rename the service")
        if _DEPLOY_NUMBER.fullmatch(name):
            yield at.issue(f"a service cannot be named `{name}`: it looks like a deploy number; rename the service")
        if name in environments:
            yield at.issue(
                f"`{name}` is both a service and an environment, so `/deploy lock {name}` is ambiguous; rename one"
            )
