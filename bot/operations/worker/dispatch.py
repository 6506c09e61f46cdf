"""Dispatch: the gates at the claim of a ready deploy; the evidence rule that comes after is in ``register``."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from bot.domain.audit.events import EventType
from bot.domain.decision import Refused, every
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import may_dispatch, turn
from bot.operations.deploys.decide import decide_on
from bot.operations.deploys.promotable import candidate_of, promotion_gate
from bot.operations.deploys.seats import make_waiting
from bot.operations.deploys.target import base_change
from bot.operations.deploys.transitions import expire, is_overdue, plan_again, transition
from bot.operations.worker.claim import WORKER, held_deploy, hold_in, or_hold, work_on

if TYPE_CHECKING:
    from bot.domain.deploy.plan import BaseChange
    from bot.operations.deploys.decide import Case
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
    """Dispatch it, plan it again, or have it wait for people again; or what holds it."""
    change = await base_change(ports, claim.deploy_id)
    return await decide_on(ports, claim.deploy_id, partial(_decide, change=change), claim=claim)


async def _decide(case: Case, *, change: BaseChange | None) -> Refused | None:
    # after an outage this may look before the tick that expires does: nothing old may go out unattended
    if is_overdue(case.deploy, case.now):
        await expire(case.tx, case.deploy, case.now)
        return None
    if change is not None:
        decided_by = case.facts.fingerprint
        await plan_again(case.tx, case.deploy, at=case.now, actor=WORKER, catalog=decided_by, cause=change.sentence)
        return None
    return await _gates(case)


async def _gates(case: Case) -> Refused | None:
    deploy, facts = case.deploy, case.facts
    if not facts.seating.complete:
        await make_waiting(case, _why_incomplete(case))
        return None
    others = await case.tx.open_deploys(deploy.service, deploy.environment)
    passed = await promotion_gate(case.tx, facts.catalog, candidate_of(deploy), deploy.environment, case.now)
    decision = every([may_dispatch(facts, others), passed])
    if isinstance(decision, Refused):
        return decision
    await transition(
        case.tx,
        deploy,
        Status.DISPATCHING,
        at=case.now,
        event=EventType.DEPLOY_DISPATCHING,
        actor=WORKER,
        catalog=facts.fingerprint,
        data={"judged": case.judged()},
    )
    return None


def _why_incomplete(case: Case) -> str:
    """Why seats that were filled no longer are, for the message."""
    counted = {approval.user.id for approval in case.facts.approvals if not approval.void}
    seated = set(case.facts.seating.holders)
    return "An approver no longer counts." if counted - seated else "An approval is missing."
