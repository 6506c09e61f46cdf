"""Where a release that succeeded may go on to, and when that is worth looking at again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.decision import Allowed
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import RECHECK
from bot.operations.deploys.promotion_gate import followed, release_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.domain.catalog.catalog import Catalog
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.promotion import Run
    from bot.ports.store import Reading


@dataclass(frozen=True, slots=True)
class Next:
    """The environments that a deploy's release may be promoted to now, and when that should be looked at again."""

    environments: tuple[str, ...] = ()
    look_at: datetime | None = None


def environments_after(catalog: Catalog, service: str, environment: str) -> tuple[str, ...]:
    """The environments that come right after this one for the service, in the order of the catalog."""
    return tuple(
        name
        for name, each in catalog.environments.items()
        if catalog.placement(service, name) and any(after.environment == environment for after in each.after)
    )


async def next_environments(reading: Reading, catalog: Catalog, deploy: Deploy, now: datetime) -> Next:
    """Where to the deploy that succeeded last offers its release, which is neither there nor on its way there.

    An older one offers nothing more, and is not looked at again; neither is one whose release is everywhere.
    """
    names = environments_after(catalog, deploy.service, deploy.environment)
    if deploy.status is not Status.SUCCEEDED or not names:
        return Next()
    if _overtaken(deploy, await reading.runs(deploy.service, deploy.environment)):
        return Next()
    offered, left = [], False
    for name in names:
        there = [run for run in await reading.runs(deploy.service, name) if run.release == deploy.release]
        left = left or not any(run.passed for run in there)
        free = not any(run.passed or run.status.open for run in there)
        if free and isinstance(await followed(reading, catalog, release_of(deploy), name, now), Allowed):
            offered.append(name)
    return Next(tuple(offered), min([now + RECHECK, *_soaks(catalog, names, deploy, now)]) if left else None)


def _overtaken(deploy: Deploy, runs: Sequence[Run]) -> bool:
    """Whether another one succeeded there since, or another release was found to be what runs."""
    return any(
        run.passed
        and (run.changed_at, run.deploy_id) > (deploy.changed_at, deploy.id)
        and (run.status is Status.SUCCEEDED or run.release != deploy.release)
        for run in runs
    )


def _soaks(catalog: Catalog, names: Sequence[str], deploy: Deploy, now: datetime) -> list[datetime]:
    """The instants to come at which the deploy will have soaked for one of them."""
    soaks = (
        deploy.changed_at + after.soak
        for name in names
        for after in catalog.environments[name].after
        if after.environment == deploy.environment
    )
    return [at for at in soaks if at > now]
