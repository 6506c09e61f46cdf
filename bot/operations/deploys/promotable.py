"""Promotable: what the form of a promotion needs to know, or why there is nothing to fill in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.decision import Refused, every, refuse
from bot.domain.deploy.deploy import Status
from bot.operations.deploys.next_environments import environments_after
from bot.operations.deploys.promotion_gate import followed, release_of

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.catalog.catalog import Catalog
    from bot.domain.decision import Decision
    from bot.domain.deploy.deploy import Deploy
    from bot.ports import Ports
    from bot.ports.store import Reading


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
    return await followed(reading, catalog, release_of(deploy), name, now)
