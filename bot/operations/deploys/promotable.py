"""Where a release may go on to: the promotion gate, the environments that a message offers, what the form needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.decision import Allowed, Refused, every, refuse
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import RECHECK
from bot.domain.deploy.promotion import Candidate, may_follow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.domain.catalog.catalog import Catalog
    from bot.domain.decision import Decision
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.promotion import Run
    from bot.ports import Ports
    from bot.ports.store import Reading


def candidate_of(deploy: Deploy) -> Candidate:
    """The deploy's release as a candidate for the next environment."""
    return Candidate(service=deploy.service, version=deploy.version, release=deploy.release)


async def promotion_gate(
    reading: Reading, catalog: Catalog, what: Candidate, environment: str, now: datetime
) -> Decision:
    """Whether a release has passed the environments that come before this one; allowed if none does.

    Decided by what the store remembers of those environments.
    """
    afters = catalog.environments[environment].after
    if not afters:
        return Allowed()
    runs = {after.environment: await reading.runs(what.service, after.environment) for after in afters}
    return may_follow(afters, what, runs, now)


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
    """The environments to which the deploy that succeeded last offers its release.

    Those that have the release, or are getting it, are left out. An older deploy offers nothing and is not looked at
    again, and neither is one whose release is everywhere.
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
        if free and isinstance(await promotion_gate(reading, catalog, candidate_of(deploy), name, now), Allowed):
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


@dataclass(frozen=True, slots=True)
class Promotable:
    """A deploy that may go on: where to, whether that has to be said, and what else may or must be."""

    deploy: Deploy
    environments: tuple[str, ...]
    several: bool
    settable: tuple[str, ...]
    reason_required: bool


async def promotable(ports: Ports, deploy_id: int) -> Promotable | Refused:
    """Where a deploy's release may go on to now; refused with the gates' reasons where that is nowhere."""
    now = ports.clock.now()
    async with ports.store.read() as reading:
        catalog = (await reading.active_catalog()).catalog
        deploy = await reading.deploy(deploy_id)
        if deploy is None or deploy.status is not Status.SUCCEEDED:
            return refuse("nothing-to-promote", f"D-{deploy_id} has not succeeded: only what has can be promoted.")
        names = environments_after(catalog, deploy.service, deploy.environment)
        judged = {name: await _judged(reading, catalog, deploy, name, now) for name in names}
    open_to = tuple(name for name, decision in judged.items() if not isinstance(decision, Refused))
    closed = every(judged.values())
    if isinstance(closed, Refused) and not open_to:
        return closed
    if not open_to:
        return refuse("nothing-to-promote", f"Nothing comes after {deploy.environment} for {deploy.service}.")
    return Promotable(
        deploy,
        open_to,
        several=len(names) > 1,
        settable=tuple(sorted(catalog.services[deploy.service].settable)),
        reason_required=any(catalog.environments[name].reason_required for name in open_to),
    )


async def _judged(reading: Reading, catalog: Catalog, deploy: Deploy, name: str, now: datetime) -> Decision:
    for run in await reading.runs(deploy.service, name):
        if run.release == deploy.release and run.status.open:
            there = f"{deploy.service} {deploy.version} is on its way to {name} already: D-{run.deploy_id}."
            return refuse("nothing-to-promote", there)
    return await promotion_gate(reading, catalog, candidate_of(deploy), name, now)
