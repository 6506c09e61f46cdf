"""Whether a release has earned its way into an environment, by what the store remembers of those before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.decision import Allowed
from bot.domain.deploy.promotion import Candidate, may_follow

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.catalog.catalog import Catalog
    from bot.domain.decision import Decision
    from bot.domain.deploy.deploy import Deploy
    from bot.ports.store import Reading


def release_of(deploy: Deploy) -> Candidate:
    """The deploy's release, as what wants to go on."""
    return Candidate(service=deploy.service, version=deploy.version, release=deploy.release)


async def followed(reading: Reading, catalog: Catalog, what: Candidate, environment: str, now: datetime) -> Decision:
    """The gate of ``after``: allowed where nothing comes before that environment."""
    afters = catalog.environments[environment].after
    if not afters:
        return Allowed()
    runs = {after.environment: await reading.runs(what.service, after.environment) for after in afters}
    return may_follow(afters, what, runs, now)
