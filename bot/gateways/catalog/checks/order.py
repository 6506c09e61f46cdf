"""Checks on ``after``: there is no cycle, and every service can pass through the environments that come before."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from bot.gateways.catalog.draft import template_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.gateways.catalog.draft import Draft
    from bot.gateways.catalog.issues import Issue
    from bot.gateways.catalog.tree import Node


def cycles(draft: Draft) -> Iterator[Issue]:
    """Errors: environments that wait for each other. Each cycle is reported once, at its first environment."""
    environments = draft.environments
    before = {name: _before(draft, name) for name in environments}
    while True:
        try:
            TopologicalSorter(before).prepare()
        except CycleError as error:
            # graphlib reports one cycle at a time, in reverse order, and repeats its first node at the end
            around = list(dict.fromkeys(reversed(error.args[1])))
        else:
            return
        start = min(around, key=list(environments).index)
        turned = around[around.index(start) :] + around[: around.index(start)]
        at = environments[start].get("after") or environments[start]
        yield at.issue(f"a cycle in `after`: {' after '.join([*turned, start])}; remove one of these")
        before[start] = before[start] - {turned[1] if len(turned) > 1 else start}


def _before(draft: Draft, name: str) -> set[str]:
    named = (each.get("environment") or each for each in draft.environments[name].items("after"))
    return {each.text for each in named if each.text in draft.environments}


def unreachable_environments(draft: Draft) -> Iterator[Issue]:
    """Errors: services that can never reach an environment, because the one before it runs another release or none."""
    for name, service, environment, placed in draft.placements():
        if environment not in draft.environments:
            continue
        for before in sorted(_before(draft, environment) - {environment}):
            why = _mismatch(draft, service, placed, before)
            if why:
                yield placed.issue(
                    f"{name} can never be deployed to {environment}, which comes after {before}: {name} {why}"
                )


def automatic_without_before(draft: Draft) -> Iterator[Issue]:
    """Errors: environments with ``auto`` that come after none, so that there is nothing to promote to them."""
    for name, environment in draft.environments.items():
        auto = environment.get("auto")
        if auto is not None and auto.content is True and not any(environment.items("after")):
            yield auto.issue(f"`auto` needs `after`: nothing is promoted to {name}; add `after`, or remove `auto`")


def _mismatch(draft: Draft, service: Node, placed: Node, before: str) -> str:
    """Why the service can never run the same release in both environments, and the fix; empty if it can."""
    source = service.entries("environments").get(before)
    if source is None:
        return f"is not deployed to {before}; add {before} to its environments"
    ours, theirs = template_name(service, placed), template_name(service, source)
    # a release holds the template's text, so the same text under another name is the same release
    texts = [draft.texts[name].text for name in (ours, theirs) if name in draft.texts]
    if len(texts) == 2 and texts[0] != texts[1]:
        return f"uses template `{theirs}` in {before} but `{ours}` here; use the same template in both"
    return ""
