"""Reject: a no to this plan, final, with a reason; whoever may fill a seat may reject."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bot.domain.actor import human_behind
from bot.domain.audit.events import EventType
from bot.domain.decision import Allowed, Refused, every, instead, refuse
from bot.domain.deploy.approval import mentions
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import LONGEST_REASON, SHORTEST_REASON, not_open, stale_plan
from bot.domain.deploy.message import Delivery, Note, Outgoing
from bot.operations.deploys.decide import judge, refused

if TYPE_CHECKING:
    from bot.domain.actor import Actor
    from bot.domain.decision import Decision
    from bot.domain.deploy.deploy import Deploy
    from bot.operations.deploys.decide import Judgement
    from bot.operations.deploys.origin import Origin
    from bot.ports import Ports


async def reject(
    ports: Ports, actor: Actor, deploy_id: int, *, plan: int | None, reason: str, origin: Origin
) -> Deploy | Refused:
    """End the deploy as rejected, with the reason (3 to 1,000 characters). Raises ``Replayed``."""
    decide = partial(_reject, actor=actor, plan=plan, reason=reason.strip())
    return await judge(ports, deploy_id, decide, act="reject", actor=actor, origin=origin)


async def _reject(judgement: Judgement, *, actor: Actor, plan: int | None, reason: str) -> Deploy | Refused:
    decision = _may(judgement, actor, plan, reason)
    if isinstance(decision, Refused):
        return await refused(judgement, actor, "reject", decision)
    who = human_behind(actor)
    deploy = judgement.deploy.advance(Status.REJECTED, judgement.now, detail=reason)
    await judgement.tx.save_deploy(deploy)
    await judgement.record(
        EventType.DEPLOY_REJECTED, actor, judged=judgement.judged(actor), plan=deploy.plan, reason=reason
    )
    await judgement.redraw(urgent=True)
    requester = human_behind(deploy.requester)
    note = Note(
        text=f"{deploy.number} was rejected: {reason}",
        mention=(requester,) if requester else (),
        users=(who,) if who else (),
    )
    await judgement.tx.send(Outgoing(kind=Delivery.THREAD, deploy_id=deploy.id, note=note), judgement.now)
    return deploy


def _may(judgement: Judgement, actor: Actor, plan: int | None, reason: str) -> Decision:
    facts = judgement.facts
    if facts.deploy.status not in {Status.WAITING, Status.READY}:
        return not_open(facts.deploy, "reject")
    return every([stale_plan(facts.deploy, plan), _person(judgement, actor), _reason(reason)])


def _person(judgement: Judgement, actor: Actor) -> Decision:
    facts, user = judgement.facts, human_behind(actor) or ""
    standing = facts.membership.standing(user)
    if isinstance(standing, Refused):
        return instead(standing, **mentions(facts.seats))
    if any(user in facts.membership.members(each.group) for each in facts.seats):
        return Allowed()
    return refuse(
        "not-an-approver",
        "Only those whom this deploy's approval rules name can reject it; its requester can withdraw it.",
        **mentions(facts.seats),
    )


def _reason(reason: str) -> Decision:
    if SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        return Allowed()
    return refuse("reject-reason", f"Give a reason of {SHORTEST_REASON} to {LONGEST_REASON} characters.")
