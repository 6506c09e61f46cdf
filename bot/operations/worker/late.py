"""Late: look whether Nomad registered a deploy after all that has ended without, and tell people loudly if it did."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bot.domain.audit.events import EventType, event_of
from bot.domain.deploy.dispatch import Look, unproven
from bot.domain.deploy.message import STATE_WORDS, Delivery, Outgoing
from bot.domain.deploy.plan import stamp
from bot.domain.deploy.rollout import Rollout, RolloutKind
from bot.operations.deploys.decide import lock_claimed
from bot.operations.deploys.target import catalog_for, target_of
from bot.operations.deploys.transitions import offer_anew, redraw, reply, to_requester
from bot.operations.require import require
from bot.operations.worker.claim import WORKER
from bot.operations.worker.register import plan_others_again

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.dispatch import Sighting
    from bot.domain.deploy.plan import Plan
    from bot.operations.deploys.target import Target
    from bot.ports import Ports
    from bot.ports.claims import Claim
    from bot.ports.store import Transaction

LOOK_AGAIN: Final = timedelta(minutes=1)
LOOK_FOR: Final = timedelta(hours=1)
"""How long after its end a deploy is looked for in Nomad: no attempt should be on its way by then, or even before."""
GIVE_UP: Final = timedelta(days=1)
"""How long a Nomad that does not answer is asked for it."""


@dataclass(frozen=True, slots=True)
class _Ended:
    """A deploy that has ended as if nothing had been registered, and the plans of it that may have been."""

    deploy: Deploy
    target: Target
    plans: tuple[Plan, ...]


async def look(ports: Ports, claim: Claim) -> bool:
    """Look for the ended deploy in Nomad; false if a rollout of it is known, so that there is nothing to find."""
    ended = await _read(ports, claim)
    if ended is None:
        return False
    found = [(plan, await _look(ended, plan)) for plan in ended.plans]
    now = ports.clock.now()
    async with ports.begin() as tx:
        deploy = await lock_claimed(tx, claim)
        landed = next(((plan, seen) for plan, seen in found if seen.look is Look.LANDED), None)
        if landed is None:
            unreadable = any(seen.look is Look.UNKNOWN for _, seen in found)
            goes_on = abs(now - deploy.changed_at) < (GIVE_UP if unreadable else LOOK_FOR)
            await tx.save_deploy(replace(deploy, due_at=now + LOOK_AGAIN if goes_on else None))
        else:
            await _tell(tx, replace(ended, deploy=deploy), *landed, now)
    return True


async def _read(ports: Ports, claim: Claim) -> _Ended | None:
    async with ports.store.read() as reading:
        if await reading.rollouts(claim.deploy_id):
            return None
        deploy = require(await reading.deploy(claim.deploy_id), f"D-{claim.deploy_id}")
        catalog = await catalog_for(reading, deploy)
        numbers = sorted(unproven(await reading.attempts(deploy.id)), reverse=True)
        plans = [require(await reading.plan(deploy.id, each), f"plan {each} of {deploy.number}") for each in numbers]
    return _Ended(deploy, target_of(ports.nomads, catalog, deploy), tuple(plans))


async def _look(ended: _Ended, plan: Plan) -> Sighting:
    return await ended.target.nomad.look(
        ended.target.namespace,
        ended.target.job_id,
        base_index=plan.base_index,
        base_version=plan.base_version,
        stamp=stamp(ended.deploy.number, plan),
    )


async def _tell(tx: Transaction, ended: _Ended, plan: Plan, seen: Sighting, now: datetime) -> None:
    """Record that it is there, follow it from now on, and tell its requester and the operators what to do."""
    deploy = replace(ended.deploy, landed_at=now, due_at=now)
    await tx.save_deploy(deploy)
    await offer_anew(tx, deploy.service, now)
    late = Rollout.begun(deploy.id, RolloutKind.LATE, now, version=seen.version, index=seen.job_modify_index)
    await tx.save_rollout(late)
    data = {**seen.made, "plan": plan.number}
    await tx.record(event_of(EventType.DEPLOY_LANDED_LATE, WORKER, deploy, now, deploy.catalog, **data))
    await redraw(tx, deploy, now, urgent=True)
    note = to_requester(deploy, _what(deploy, seen), _what_to_do(ended, plan))
    await reply(tx, deploy, note, now)
    await tx.send(Outgoing(kind=Delivery.ADMIN, note=replace(note, mention=()), urgent=True), now)
    await plan_others_again(tx, deploy, now)


def _what(deploy: Deploy, seen: Sighting) -> str:
    as_version = "" if seen.version is None else f" as job version {seen.version}"
    return (
        f"{deploy.number} ({deploy.service} {deploy.release_name} to {deploy.environment}) had ended "
        f"({STATE_WORDS[deploy.status]}), but Nomad registered it after all{as_version}."
    )


def _what_to_do(ended: _Ended, plan: Plan) -> tuple[str, ...]:
    """How to keep what Nomad has now, and how to go back to what it replaced."""
    deploy, where = ended.deploy, f"-namespace={ended.target.namespace} {ended.target.job_id}"
    if plan.from_version is not None:
        back = f"/deploy {deploy.service} {plan.from_version} to {deploy.environment}"
    elif plan.base_version is not None:
        back = f"nomad job revert {where} {plan.base_version}"
    else:
        back = f"nomad job stop {where}"
    return (
        f"To go back to what it replaced: `{back}`.",
        "To keep it, nothing has to be done: its message shows how the rollout goes.",
    )
