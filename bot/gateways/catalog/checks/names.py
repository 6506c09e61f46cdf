"""Names: used once, and never to be taken for something else in a command."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.domain.catalog.catalog import SERVICE_OWNERS
from bot.domain.catalog.reserved import VERBS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bot.gateways.catalog.draft import Draft
    from bot.gateways.catalog.findings import Finding
    from bot.gateways.catalog.tree import Node

_DEPLOY_NUMBER = re.compile(r"d-\d+", re.IGNORECASE)


def duplicates(draft: Draft) -> Iterator[Finding]:
    """Environments, services (of all files) and an environment's freezes that share a name."""
    environments = draft.main.items("environments")
    yield from _twice("environment", environments)
    yield from _twice("service", draft.service_list)
    for environment in environments:
        yield from _twice("freeze", environment.items("freezes"))


def _twice(kind: str, nodes: Iterable[Node]) -> Iterator[Finding]:
    first: dict[str, Node] = {}
    for node in nodes:
        name = node.get("name")
        if name is None or name.text is None:
            continue
        other = first.setdefault(name.text, name)
        if other is not name:
            yield name.finding(
                f"the {kind} `{name.text}` is there twice (first in {other.file}:{other.line}); rename or remove one"
            )


def shared_channels(draft: Draft) -> Iterator[Finding]:
    """Digests of one channel: which day was sent is kept for each channel."""
    first: dict[str, Node] = {}
    for digest in draft.main.items("digests"):
        channel = digest.get("channel")
        if channel is None or channel.text is None:
            continue
        other = first.setdefault(channel.text, channel)
        if other is not channel:
            yield channel.finding(
                f"a channel has one digest, and `{channel.text}` has another on line {other.line}; "
                "put all environments into one of them, or name another channel"
            )


def mistakable(draft: Draft) -> Iterator[Finding]:
    """Services that a command would read as a verb, a deploy's number or an environment; a group that a rule would."""
    environments = draft.environments
    if SERVICE_OWNERS in draft.groups:
        yield draft.groups[SERVICE_OWNERS].finding(
            f"`{SERVICE_OWNERS}` is what rules call the owners of each service; rename the group"
        )
    for name, service in draft.services.items():
        at = service.get("name") or service
        if name in VERBS:
            yield at.finding(f"`/deploy {name}` is a command, so no service can be named `{name}`; rename it")
        if _DEPLOY_NUMBER.fullmatch(name):
            yield at.finding(f"`{name}` reads like the number of a deploy; rename the service")
        if name in environments:
            yield at.finding(f"`{name}` is an environment too, so `/deploy lock {name}` is ambiguous; rename one")
