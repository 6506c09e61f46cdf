"""Withdraw: take a request back before anything was sent; one's own, or others' with the permission."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bot.domain.access import Permission, authorize
from bot.domain.actor import System, human_behind
from bot.domain.audit.events import EventType
from bot.domain.decision import Allowed, Refused, instead
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import not_open
from bot.domain.deploy.message import Delivery, Note, Outgoing
from bot.operations.deploys.decide import event_of, judge, refused

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.actor import Actor
    from bot.domain.decision import Decision
    from bot.domain.deploy.deploy import Deploy
    from bot.operations.deploys.decide import Judgement
    from bot.operations.deploys.origin import Origin
    from bot.ports import Ports
    from bot.ports.store import Transaction

CATALOG = System("catalog")


async def withdraw(ports: Ports, actor: Actor, deploy_id: int, *, origin: Origin) -> Deploy | Refused:
    """End the deploy as withdrawn. Raises ``Replayed``."""
    return await judge(ports, deploy_id, partial(_by_a_person, actor=actor), act="withdraw", actor=actor, origin=origin)


async def _by_a_person(judgement: Judgement, *, actor: Actor) -> Deploy | Refused:
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


async def withdraw_unplaced(tx: Transaction, deploy: Deploy, now: datetime) -> Deploy:
    """End a locked deploy that the catalog no longer places; its requester is told."""
    detail = "The catalog no longer deploys this service there, or deploys it somewhere else."
    withdrawn = deploy.advance(Status.WITHDRAWN, now, detail=detail)
    await tx.save_deploy(withdrawn)
    await tx.record(event_of(EventType.DEPLOY_WITHDRAWN, CATALOG, withdrawn, now, detail=detail, plan=deploy.plan))
    await tx.send(Outgoing(kind=Delivery.CARD, deploy_id=deploy.id, urgent=True), now)
    requester = human_behind(deploy.requester)
    note = Note(text=f"{deploy.number} was withdrawn. {detail}", mention=(requester,) if requester else ())
    await tx.send(Outgoing(kind=Delivery.THREAD, deploy_id=deploy.id, note=note), now)
    return withdrawn
