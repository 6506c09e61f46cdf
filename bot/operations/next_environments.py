"""Where a release that succeeded may go on to, and when that is worth offering."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.decision import Allowed
from bot.domain.deploy import Status
from bot.domain.promotion import Candidate
from bot.operations.followed import followed

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.catalog import Catalog
    from bot.domain.deploy import Deploy
    from bot.ports import Reading


def environments_after(catalog: Catalog, service: str, environment: str) -> tuple[str, ...]:
    """The environments that come right after this one for the service, in the order of the catalog."""
    return tuple(
        name
        for name, each in catalog.environments.items()
        if catalog.placement(service, name) and any(after.environment == environment for after in each.after)
    )


async def next_environments(reading: Reading, catalog: Catalog, deploy: Deploy, now: datetime) -> tuple[str, ...]:
    """Those that the deploy's release may be promoted to now, and is neither in nor on its way to."""
    if deploy.status is not Status.SUCCEEDED:
        return ()
    what = Candidate(service=deploy.service, version=deploy.version, release=deploy.release)
    names = []
    for name in environments_after(catalog, deploy.service, deploy.environment):
        there = any(
            run.release == deploy.release and (run.passed or run.status.open)
            for run in await reading.runs(deploy.service, name)
        )
        if not there and isinstance(await followed(reading, catalog, what, name, now), Allowed):
            names.append(name)
    return tuple(names)


def offered_at(catalog: Catalog, deploy: Deploy, now: datetime) -> datetime | None:
    """The next instant at which a deploy that has succeeded will have soaked for another environment."""
    soaks = (
        deploy.changed_at + after.soak
        for name in environments_after(catalog, deploy.service, deploy.environment)
        for after in catalog.environments[name].after
        if after.environment == deploy.environment
    )
    return min((at for at in soaks if at > now), default=None)
