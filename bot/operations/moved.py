"""Whether the live job is still the one that a plan was made against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.operations.kept import kept
from bot.operations.rendering import index_of, target_of

if TYPE_CHECKING:
    from bot.ports import Ports


async def moved_since_plan(ports: Ports, deploy_id: int) -> str:
    """What moved on Nomad, in a sentence; empty where the JobModifyIndex is still the plan's base.

    Raises ``NomadUnavailable`` and ``NomadForbidden``: a read that fails decides nothing.
    """
    async with ports.store.read() as reading:
        deploy = kept(await reading.deploy(deploy_id), f"D-{deploy_id}")
        plan = kept(await reading.plan(deploy.id, deploy.plan), f"plan {deploy.plan} of {deploy.number}")
        active = await reading.active_catalog()
    target = target_of(ports.nomads, active.catalog, deploy)
    live = await target.nomad.job(target.namespace, target.job_id)
    if index_of(live) == plan.base_index:
        return ""
    now = f"at version {live['Version']}" if live else "gone"
    before = "when there was none" if plan.base_version is None else f"against version {plan.base_version}"
    return f"The job on Nomad is {now} now; the plan was made {before}."
