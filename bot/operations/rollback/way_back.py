"""Find what a rollback goes back to: what runs, what ran before it, and the job that is stored of that."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.catalog.release import Release
from bot.domain.decision import Refused
from bot.domain.deploy.deploy import BASELINE, Status, WayBack
from bot.domain.deploy.rollout import RolloutKind
from bot.domain.rollback import (
    already_reverted,
    baseline_runs,
    check_target,
    check_undoes,
    judged,
    no_baseline,
    not_kept,
    nothing_before,
    ran_elsewhere,
    reverting,
    rollback_of,
)
from bot.errors import NomadForbidden, NomadUnavailable
from bot.operations.deploys.decide import no_such_deploy
from bot.operations.deploys.target import index_of, same_target, target_of
from bot.operations.require import require

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.catalog.catalog import Catalog
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.rollback import Rollback
    from bot.ports import Ports
    from bot.ports.store import Reading


@dataclass(frozen=True, slots=True)
class Found:
    """A way back, and the deploy whose job it is; for the baseline, the deploy that replaced it."""

    back: WayBack
    target: Deploy


async def find(
    reading: Reading,
    catalog: Catalog,
    asked: Rollback,
    service: str,
    environment: str,
    now: datetime,
    *,
    outside: bool = False,
) -> Found | Refused:
    """What the rollback goes back to, by what is recorded; refused if there is nothing, or if it cannot be done.

    What runs is the deploy that Nomad registered last there, unless Nomad has reverted it, or (``outside``) the job in
    Nomad is no longer what that deploy made: then that deploy is what ran before.
    """
    running = await reading.last_landing(service, environment)
    if running is None:
        return nothing_before(service, environment, None)
    clicked = await reading.deploy(asked.undoes) if asked.undoes is not None else None
    decision = check_undoes(running, clicked)
    if isinstance(decision, Refused):
        return decision
    if asked.to == BASELINE:
        if not outside and running.rollback is not None and running.rollback.baseline:
            return baseline_runs(running)
        found = await _baseline(reading, running)
        if found is None:
            return no_baseline(running)
    elif asked.to is None and outside:
        found = running, False
    else:
        chosen = await (
            _default(reading, running) if asked.to is None else _named(reading, asked.to, running, outside=outside)
        )
        if isinstance(chosen, Refused):
            return chosen
        found = chosen
    return await _checked(reading, catalog, found, running, now, outside=outside)


async def changed_outside(ports: Ports, catalog: Catalog, service: str, environment: str) -> bool:
    """Whether the last success there no longer runs, because the job was changed, stopped or removed in Nomad.

    False if Nomad does not say in time, or if a deploy is being sent there just now.
    """
    async with ports.store.read() as reading:
        running = await reading.last_landing(service, environment)
        others = await reading.open_deploys(service, environment)
        if running is None or running.status is not Status.SUCCEEDED or any(_is_sent(each) for each in others):
            return False
        plan = await reading.plan(running.id, running.plan)
        own = require(await reading.catalog(running.catalog), f"the catalog of {running.number}")
    if plan is None or not plan.is_kept or not same_target(own, catalog, running):
        return False
    target, job = target_of(ports.nomads, catalog, running), json.loads(plan.job)
    try:
        async with asyncio.timeout(ports.limits.ask.total_seconds()):
            live = await target.nomad.job(target.namespace, target.job_id)
    except (TimeoutError, NomadUnavailable, NomadForbidden):
        return False
    if live is None:
        # Nomad keeps no finished batch job for ever
        return job.get("Type") not in {"batch", "sysbatch"}
    async with ports.store.read() as reading:
        made = await reading.versions_made(service, environment, index_of(live))
    ours = any(each.job_modify_index == index_of(live) for each in made)
    # whatever an autoscaler did is no change
    return not ours and (bool(live.get("Stop")) or not target.nomad.is_registered_as(job, live))


def _is_sent(deploy: Deploy) -> bool:
    return deploy.status is Status.DISPATCHING


async def offered(reading: Reading, catalog: Catalog, deploy: Deploy, now: datetime) -> str:
    """What a deploy's message offers to roll it back to (``v1.4.1 (D-11)``); empty if it offers nothing.

    Only what succeeded or failed, and is what Nomatron sent there last, has that button.
    """
    ended = deploy.status in {Status.SUCCEEDED, Status.FAILED} and deploy.landed_at is not None
    if not ended or catalog.placement(deploy.service, deploy.environment) is None:
        return ""
    found = await find(reading, catalog, rollback_of(deploy), deploy.service, deploy.environment, now)
    if isinstance(found, Refused):
        return ""
    return BASELINE if found.back.baseline else f"{found.target.release_name} ({found.back.name})"


async def _default(reading: Reading, running: Deploy) -> tuple[Deploy, bool] | Refused:
    """The last deploy that succeeded before what runs, or else the baseline (True)."""
    revert = reverting(await reading.rollouts(running.id))
    if revert is not None:
        return already_reverted(running, revert, await _restored(reading, running))
    # back from what a rollback went back to: twice back must not be forth again
    origin = running
    while origin.rollback is not None and not origin.rollback.baseline:
        origin = require(await reading.deploy(origin.rollback.deploy), origin.rollback.name)
    before = None if origin.rollback is not None else await reading.success_before(origin)
    if before is not None:
        return before, False
    baseline = None if origin.rollback is not None else await _baseline(reading, running)
    return baseline or nothing_before(running.service, running.environment, running)


async def _named(reading: Reading, to: int | str, running: Deploy, *, outside: bool) -> tuple[Deploy, bool] | Refused:
    """The deploy that somebody named."""
    target = await reading.deploy(int(to))
    if target is None:
        return no_such_deploy(int(to))
    revert = reverting(await reading.rollouts(running.id))
    restored = await _restored(reading, running) if revert is not None else None
    if revert is not None and restored is not None and restored.id == target.id:
        return already_reverted(running, revert, restored)
    decision = check_target(target, running, changed=revert is not None or outside)
    return decision if isinstance(decision, Refused) else (target, False)


async def _restored(reading: Reading, running: Deploy) -> Deploy | None:
    """The deploy whose job Nomad's own revert of this one restores; None if that is not known."""
    version = next((each.reverted_to for each in await reading.rollouts(running.id)), None)
    for made in await reading.versions_made(running.service, running.environment, 0):
        if made.deploy_id == running.id or made.job_version != version:
            continue
        if made.kind is not RolloutKind.REVERT:
            return await reading.deploy(made.deploy_id)
        version = made.restores
    return None


async def _baseline(reading: Reading, running: Deploy) -> tuple[Deploy, bool] | None:
    """The deploy that replaced a job of before Nomatron, which its plan has; None if none did."""
    first = await reading.first_landing(running.service, running.environment)
    # the catalog may have pointed elsewhere before, so that what runs was the first deploy of another job
    for each in (running, first):
        plan = await reading.plan(each.id, each.plan) if each is not None else None
        if each is not None and plan is not None and plan.base is not None and plan.base.first:
            return each, True
    return None


async def _checked(
    reading: Reading, catalog: Catalog, found: tuple[Deploy, bool], running: Deploy, now: datetime, *, outside: bool
) -> Found | Refused:
    """The way back with the job that is stored, and whether it needs new approvals."""
    target, baseline = found
    own = require(await reading.catalog(target.catalog), f"the catalog of {target.number}")
    if not same_target(own, catalog, target):
        return ran_elsewhere(target)
    rendered_with = target.rollback.catalog if target.rollback is not None else target.catalog
    back = WayBack(
        deploy=target.id,
        plan=target.plan,
        undoes=running.id,
        undone=running.release_name,
        catalog=rendered_with,
        baseline=baseline,
        outside=outside,
    )
    if not await frozen_job(reading, back):
        return not_kept(target, baseline=baseline)
    plan, approvals = await reading.plan(running.id, running.plan), await reading.approvals(running.id)
    window = catalog.environments[running.environment].rollback_window
    return Found(judged(back, running, plan, approvals, window=window, now=now), target)


async def frozen_job(reading: Reading, back: WayBack) -> str:
    """The JSON of the job that the rollback registers again; empty if it is no longer kept."""
    plan = require(await reading.plan(back.deploy, back.plan), f"the plan of D-{back.deploy}")
    return plan.replaced if back.baseline else plan.job


async def release_of(reading: Reading, deploy: Deploy) -> Release:
    """The deploy's release; one without a template for a job that ran before Nomatron."""
    if deploy.release:
        return require(await reading.release(deploy.release), f"the release of {deploy.number}")
    none: frozenset[str] = frozenset()
    return Release(
        service=deploy.service, version=deploy.version, template_name="", template="", declared=none, required=none
    )
