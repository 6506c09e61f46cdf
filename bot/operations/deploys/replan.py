"""New plan: compute the change again. Approvals stay if and only if the fingerprint stays the same."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import not_open, permission_of
from bot.operations.deploys.decide import decide_on
from bot.operations.deploys.transitions import plan_again

if TYPE_CHECKING:
    from bot.domain.actor import Actor
    from bot.domain.deploy.deploy import Deploy
    from bot.operations.deploys.decide import Case, Origin
    from bot.ports import Ports


async def replan(ports: Ports, actor: Actor, deploy_id: int, *, origin: Origin) -> Deploy | Refused:
    """Send a WAITING or READY deploy back to planning, for anyone who may request it. Raises ``Replayed``."""
    decision = partial(_replan, actor=actor)
    return await decide_on(ports, deploy_id, decision, act="replan", actor=actor, origin=origin)


async def _replan(case: Case, *, actor: Actor) -> Deploy | Refused:
    deploy, facts = case.deploy, case.facts
    if deploy.status not in {Status.WAITING, Status.READY}:
        return await case.record_refusal(actor, "replan", not_open(deploy, "replan"))
    # not whether the rules could be met if the actor had requested it: a new plan has the requester that it had
    decision = facts.may(actor, permission_of(deploy))
    if isinstance(decision, Refused):
        return await case.record_refusal(actor, "replan", decision)
    cause = "Somebody requested a new plan."
    return await plan_again(case.tx, deploy, at=case.now, actor=actor, catalog=facts.fingerprint, cause=cause)
