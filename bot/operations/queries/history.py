"""A service's deploys and what became of them, newest request first, computed from their audit events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bot.domain.audit.history import HistoryPage, entry_of
from bot.domain.decision import refuse
from bot.domain.names import unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.domain.catalog.catalog import Catalog
    from bot.domain.decision import Refused
    from bot.domain.deploy.message import Posted
    from bot.ports import Ports
    from bot.ports.audit import Stored
    from bot.ports.store import Reading


async def history(
    ports: Ports, service: str, environment: str | None, before: int | None, limit: int
) -> HistoryPage | Refused:
    """``limit`` deploys of the service, in one environment or in all; with ``before``, only smaller numbers.

    A service or environment that is no longer in the catalog is found by its requests; refused if there are none.
    Raises ``CatalogMissing``.
    """
    async with ports.store.read() as reading:
        catalog = (await reading.active_catalog()).catalog
        unknown = await _unknown(reading, catalog, service, environment)
        if unknown is not None:
            return unknown
        # one more than is shown, to know whether there is another page
        found = await reading.requested_page(service, environment, before, limit + 1)
        shown = found[:limit]
        timelines = await reading.timelines(shown)
        posted = await reading.all_posted(shown)
    entries = (entry_of(_bodies(timelines.get(deploy, ()))) for deploy in shown)
    return HistoryPage(
        tuple(entry for entry in entries if entry is not None),
        shown[-1] if len(found) > limit else None,
        links_of(ports, posted),
        catalog.timezone,
    )


async def _unknown(reading: Reading, catalog: Catalog, service: str, environment: str | None) -> Refused | None:
    if service not in catalog.services and not await reading.requested_page(service, None, None, 1):
        return refuse("unknown-service", unknown_name("service", service, catalog.services))
    if environment is None or environment in catalog.environments:
        return None
    if await reading.requested_page(service, environment, None, 1):
        return None
    return refuse("unknown-environment", unknown_name("environment", environment, catalog.environments))


def _bodies(stored: Iterable[Stored]) -> Iterable[dict[str, object]]:
    return (json.loads(each.body) for each in stored)


def links_of(ports: Ports, posted: Iterable[Posted]) -> dict[int, str]:
    """The Slack link of each deploy's message, if its address is known."""
    links = ((each.deploy_id, ports.directory.link(each.channel, each.ts)) for each in posted if each.ts)
    return {deploy: link for deploy, link in links if link}
