"""Dispatch: the gates at the claim of a ready deploy; the evidence rule that comes after is in ``register``."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from bot.domain.audit.events import EventType
from bot.domain.decision import Refused, every
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import may_dispatch, turn
from bot.operations.deploys.decide import judge
from bot.operations.deploys.promotion_gate import followed, release_of
from bot.operations.deploys.ready import make_waiting
from bot.operations.deploys.replan import back_to_planning
from bot.operations.deploys.target import moved_since_plan
from bot.operations.worker.claim import WORKER, held_deploy, hold_in, work_on
from bot.operations.worker.expire import expire, late
from bot.operations.worker.hold import or_hold

if TYPE_CHECKING:
    from bot.operations.deploys.decide import Judgement
    from bot.ports import Ports
    from bot.ports.store import Claim

LOOK_AGAIN = timedelta(seconds=2)
"""How soon a deploy that Nomad holds is looked at again."""
ASK_AGAIN = timedelta(seconds=15)
"""The same where it takes Slack to tell whether it still holds: what Slack lets us ask is there for people first."""
TURN_AGAIN = timedelta(seconds=30)
"""The same of one that waits for its turn: it is due anyway as soon as the one before it moves on."""


async def step(ports: Ports) -> bool:
    """Take the oldest ready deploy through the gates; whether there was one."""
    return await work_on(ports, Status.READY, _dispatch)


async def _dispatch(ports: Ports, claim: Claim) -> None:
    if not await _waits_its_turn(ports, claim):
        await or_hold(ports, claim, _through(ports, claim), LOOK_AGAIN, ask_again=ASK_AGAIN)


async def _waits_its_turn(ports: Ports, claim: Claim) -> bool:
    """Whether another goes before it, which takes nothing but the database to tell; then it is held."""
    now = ports.clock.now()
    async with ports.store.begin() as tx:
        deploy = await held_deploy(tx, claim)
        decision = turn(deploy, await tx.open_deploys(deploy.service, deploy.environment))
        if isinstance(decision, Refused):
            await hold_in(tx, deploy, decision.reasons, now, now + TURN_AGAIN)
    return isinstance(decision, Refused)


async def _through(ports: Ports, claim: Claim) -> Refused | None:
    """Dispatching, replanned or waiting for people again; or what holds it."""
    moved = await moved_since_plan(ports, claim.deploy_id)
    return await judge(ports, claim.deploy_id, partial(_decide, moved=moved), claim=claim)


async def _decide(judgement: Judgement, *, moved: str) -> Refused | None:
    # after an outage this may look before the tick that expires does: nothing old may go out unattended
    if late(judgement.deploy, judgement.now):
        await expire(judgement.tx, judgement.deploy, judgement.now)
        return None
    if moved:
        await back_to_planning(judgement, WORKER, moved)
        return None
    return await _gates(judgement)


async def _gates(judgement: Judgement) -> Refused | None:
    deploy, facts = judgement.deploy, judgement.facts
    if not facts.seating.complete:
        await make_waiting(judgement, _gone(judgement))
        return None
    decision = every(
        [
            may_dispatch(facts, await judgement.tx.open_deploys(deploy.service, deploy.environment)),
            await followed(judgement.tx, facts.catalog, release_of(deploy), deploy.environment, judgement.now),
        ]
    )
    if isinstance(decision, Refused):
        return decision
    dispatching = deploy.advance(Status.DISPATCHING, judgement.now)
    await judgement.tx.save_deploy(dispatching)
    await judgement.record(EventType.DEPLOY_DISPATCHING, WORKER, judged=judgement.judged(), plan=deploy.plan)
    await judgement.redraw(urgent=True)
    return None


def _gone(judgement: Judgement) -> str:
    """Who was counted and no longer is, for the message."""
    counted = {approval.user.id for approval in judgement.facts.approvals if not approval.void}
    seated = set(judgement.facts.seating.holders)
    return "An approver no longer counts." if counted - seated else "An approval is missing."
