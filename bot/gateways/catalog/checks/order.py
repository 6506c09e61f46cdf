"""Order: what comes ``after`` what has no cycle."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.gateways.catalog.draft import Draft
    from bot.gateways.catalog.findings import Finding


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
