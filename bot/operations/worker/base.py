"""What a plan replaces: the live job, traced to the deploy of ours that made it, or to whoever registered it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.deploy.base import no_longer_kept, still_runs, trace
from bot.domain.deploy.follow import judge, rollout_of
from bot.domain.deploy.plan import JobState, with_live_counts
from bot.domain.deploy.rollout import RolloutStatus
from bot.operations.deploys.target import index_of, refuse_to_guess, same_target, version_of
from bot.operations.require import require

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.domain.catalog.catalog import Catalog
    from bot.domain.deploy.base import Made, Traced
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.plan import Job
    from bot.operations.deploys.target import Target
    from bot.ports import Ports
    from bot.ports.store import Reading


@dataclass(frozen=True, slots=True)
class Replaced:
    """What a plan replaces, and the frozen job of that version, with its live counts, if it is ours and runs.

    ``warnings`` say if that job is no longer kept.
    """

    traced: Traced
    ours: Job | None
    warnings: tuple[str, ...] = ()


async def replaced_by(ports: Ports, deploy: Deploy, target: Target, catalog: Catalog, live: Job | None) -> Replaced:
    """Trace the live job, which was read before; raises ``NomadUnavailable`` if nobody knows yet who made it."""
    async with ports.store.read() as reading:
        created = int(live.get("CreateIndex") or 0) if live else 0
        made = await reading.versions_made(deploy.service, deploy.environment, created)
        ever = await _ever(reading, catalog, deploy, made)
        others = await reading.open_deploys(deploy.service, deploy.environment)
    traced = trace(live, (), made, ever=ever)
    if live is not None and traced.made is None:
        # only Nomad's older versions tell a scaling step, a stop or a revert from a change
        kept = await target.nomad.versions(target.namespace, target.job_id)
        traced = trace(live, kept, made, ever=ever)
        if traced.made is None and ever:
            traced = await _by_content(ports, target, traced, live, no_longer_kept(live, kept, made))
        refuse_to_guess(traced.base, [other for other in others if other.id != deploy.id])
    # only the live job tells that it is stopped, and a start is a change that people have to see
    if traced.made is None or traced.base.state is JobState.STOPPED:
        return Replaced(traced, None)
    frozen = await _registered(ports, traced.made)
    if frozen is None:
        text = f"What D-{traced.made.deploy_id} registered is no longer kept: nobody can tell what changed since."
        return Replaced(traced, None, (text,))
    return Replaced(traced, with_live_counts(frozen, live))


async def has_succeeded(target: Target, live: Job | None, made: Made | None, now: datetime) -> bool:
    """Whether the live version has succeeded, on the same proof as a rollout: it may then be promoted."""
    ours = made is not None and made.job_modify_index == index_of(live)
    running = rollout_of(version_of(live) or 0, index_of(live), now, ours=ours)
    seen = await target.nomad.observe(target.namespace, target.job_id, running, target.show)
    return judge(running, seen, now)[0].status is RolloutStatus.SUCCEEDED


async def _by_content(
    ports: Ports, target: Target, traced: Traced, live: Job, newest: tuple[Made, bool] | None
) -> Traced:
    """The trace, corrected if Nomad no longer keeps our newest version, but the live job is what we registered then."""
    # each step of an autoscaler is a version, so after a handful of them Nomad has dropped the one that we made
    registered = await _registered(ports, newest[0]) if newest else None
    if newest is None or registered is None or not target.nomad.is_registered_as(registered, live):
        return traced
    return still_runs(traced, newest[0], reverted=newest[1])


async def _registered(ports: Ports, made: Made) -> Job | None:
    """The job that the deploy registered; None if it is no longer kept."""
    async with ports.store.read() as reading:
        plan = require(await reading.plan(made.deploy_id, made.plan), "the plan of an earlier deploy")
    job: Job | None = json.loads(plan.job) if plan.is_kept else None
    return job


async def _ever(reading: Reading, catalog: Catalog, deploy: Deploy, made: Sequence[Made]) -> bool:
    """Whether one of the versions was made where the deploy goes now: a catalog may have pointed elsewhere then."""
    for fingerprint in dict.fromkeys(each.catalog for each in made):
        before = require(await reading.catalog(fingerprint), "the catalog of an earlier deploy")
        if same_target(before, catalog, deploy):
            return True
    return False
