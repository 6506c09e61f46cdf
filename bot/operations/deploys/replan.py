"""New plan: somebody wants the change computed afresh; approvals stay if and only if the fingerprint does."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bot.domain.audit.events import EventType
from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import check_requester, not_open, permission_for
from bot.operations.deploys.decide import judge, refused

if TYPE_CHECKING:
    from bot.domain.actor import Actor
    from bot.domain.deploy.deploy import Deploy
    from bot.operations.deploys.decide import Judgement
    from bot.operations.deploys.origin import Origin
    from bot.ports import Ports


async def replan(ports: Ports, actor: Actor, deploy_id: int, *, origin: Origin) -> Deploy | Refused:
    """Send a WAITING or READY deploy back to planning; whoever may request it may. Raises ``Replayed``."""
    return await judge(ports, deploy_id, partial(_replan, actor=actor), act="replan", actor=actor, origin=origin)


async def _replan(judgement: Judgement, *, actor: Actor) -> Deploy | Refused:
    deploy, facts = judgement.deploy, judgement.facts
    if deploy.status not in {Status.WAITING, Status.READY}:
        return await refused(judgement, actor, "replan", not_open(deploy, "replan"))
    decision = check_requester(
        actor,
        permission_for(deploy.promotes),
        service=deploy.service,
        environment=deploy.environment,
        catalog=facts.catalog,
        membership=facts.membership,
    )
    if isinstance(decision, Refused):
        return await refused(judgement, actor, "replan", decision)
    return await back_to_planning(judgement, actor, "A new plan was asked for.")


async def back_to_planning(judgement: Judgement, actor: Actor, cause: str) -> Deploy:
    """Plan anew because of ``cause``, which the message shows until the new plan is there."""
    deploy = judgement.deploy.advance(Status.PLANNING, judgement.now, detail=cause)
    await judgement.tx.save_deploy(deploy)
    await judgement.record(EventType.DEPLOY_REPLANNING, actor, cause=cause, plan=deploy.plan)
    await judgement.redraw()
    return deploy
