"""Withdraw: take a request back before anything was sent; one's own, or others' with the permission."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bot.domain.access import Permission, authorize
from bot.domain.actor import human_behind
from bot.domain.decision import Allowed, Refused, instead
from bot.domain.deploy import Status
from bot.domain.events import EventType
from bot.domain.policy import not_open
from bot.operations.judging import judge, refused

if TYPE_CHECKING:
    from bot.domain.actor import Actor
    from bot.domain.decision import Decision
    from bot.domain.deploy import Deploy
    from bot.operations.judging import Judgement
    from bot.operations.origin import Origin
    from bot.ports import Ports


async def withdraw(ports: Ports, actor: Actor, deploy_id: int, *, origin: Origin) -> Deploy | Refused:
    """End the deploy as withdrawn. Raises ``Replayed``."""
    return await judge(ports, deploy_id, partial(_withdraw, actor=actor), act="withdraw", actor=actor, origin=origin)


async def _withdraw(judgement: Judgement, *, actor: Actor) -> Deploy | Refused:
    deploy = judgement.deploy
    decision = _may(judgement, actor) if deploy.status.undecided else not_open(deploy, "withdraw")
    if isinstance(decision, Refused):
        return await refused(judgement, actor, "withdraw", decision)
    unseen = await judgement.tx.unsend_card(deploy.id)
    withdrawn = deploy.advance(Status.WITHDRAWN, judgement.now)
    await judgement.tx.save_deploy(withdrawn)
    await judgement.record(EventType.DEPLOY_WITHDRAWN, actor, plan=deploy.plan)
    if deploy.plan or not unseen:
        await judgement.redraw(urgent=True)
    return withdrawn


def _may(judgement: Judgement, actor: Actor) -> Decision:
    facts, user = judgement.facts, human_behind(actor)
    if user is not None and user == facts.requester and facts.membership.counts(user):
        return Allowed()
    allowed = authorize(
        actor,
        Permission.WITHDRAW,
        service=facts.deploy.service,
        environment=facts.deploy.environment,
        groups=facts.catalog.groups,
        grants=facts.catalog.grants,
        membership=facts.membership,
    )
    own = (facts.requester,) if facts.requester and facts.requester != user else ()
    return instead(allowed, users=own) if isinstance(allowed, Refused) else allowed
