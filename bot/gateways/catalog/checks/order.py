"""Order: what comes ``after`` what has no cycle, and every service can go that way."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from bot.gateways.catalog.draft import template_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.gateways.catalog.draft import Draft
    from bot.gateways.catalog.findings import Finding
    from bot.gateways.catalog.tree import Node


def cycles(draft: Draft) -> Iterator[Finding]:
    """Environments that wait for each other; each cycle once, at the environment in it that stands first."""
    environments = draft.environments
    before = {name: _before(draft, name) for name in environments}
    while True:
        try:
            TopologicalSorter(before).prepare()
        except CycleError as error:
            # graphlib tells one cycle at a time, its first node again at the end, each before the next
            around = list(dict.fromkeys(reversed(error.args[1])))
        else:
            return
        start = min(around, key=list(environments).index)
        turned = around[around.index(start) :] + around[: around.index(start)]
        at = environments[start].get("after") or environments[start]
        yield at.finding(f"a cycle in `after`: {' after '.join([*turned, start])}; take one of them out")
        before[start] = before[start] - {turned[1] if len(turned) > 1 else start}


def _before(draft: Draft, name: str) -> set[str]:
    named = (each.get("environment") or each for each in draft.environments[name].items("after"))
    return {each.text for each in named if each.text in draft.environments}


def unreachable(draft: Draft) -> Iterator[Finding]:
    """Services that can never come to an environment: the one before it has another release of theirs, or none."""
    for name, service, environment, placed in draft.placements():
        if environment not in draft.environments:
            continue
        for before in sorted(_before(draft, environment) - {environment}):
            why = _apart(draft, service, placed, before)
            if why:
                yield placed.finding(f"{name} can never pass {before}, which {environment} comes after: {why}")


def _apart(draft: Draft, service: Node, placed: Node, before: str) -> str:
    """Why what runs there can never be the same release; empty where it can."""
    source = service.entries("environments").get(before)
    if source is None:
        return f"it is not deployed there; add {before} to its environments"
    ours, theirs = template_name(service, placed), template_name(service, source)
    # a release is its template's text: under another name it is still the same one
    texts = [draft.texts[name].text for name in (ours, theirs) if name in draft.texts]
    if len(texts) == 2 and texts[0] != texts[1]:
        return f"it is rendered from `{theirs}` there and from `{ours}` here; name one template for both"
    return ""
