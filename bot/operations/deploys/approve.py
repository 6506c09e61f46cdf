"""Approve: one person's yes to one plan; the last missing one makes the deploy ready."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from bot.domain.actor import SlackUser
from bot.domain.audit.events import EventType
from bot.domain.decision import Refused, every, refuse
from bot.domain.deploy.approval import Approval, may_fill
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import LONGEST_REASON, not_open, stale_plan
from bot.operations.deploys.decide import judge, refused
from bot.operations.deploys.ready import make_ready

if TYPE_CHECKING:
    from bot.domain.actor import Actor
    from bot.domain.decision import Decision
    from bot.domain.deploy.approval import Seating
    from bot.domain.deploy.deploy import Deploy
    from bot.operations.deploys.decide import Judgement
    from bot.operations.deploys.origin import Origin
    from bot.ports import Ports


@dataclass(frozen=True, slots=True)
class Approved:
    """The deploy after a yes that counted, and who sits where now."""

    deploy: Deploy
    seating: Seating


async def approve(
    ports: Ports, actor: Actor, deploy_id: int, *, plan: int | None, note: str = "", origin: Origin
) -> Approved | Refused:
    """Count a yes for the plan that the person saw (None: the current one), or say why it does not count and who can.

    Raises ``Replayed``.
    """
    decide = partial(_approve, actor=actor, plan=plan, note=note)
    return await judge(ports, deploy_id, decide, act="approve", actor=actor, origin=origin)


async def _approve(judgement: Judgement, *, actor: Actor, plan: int | None, note: str) -> Approved | Refused:
    decision = _may(judgement, actor, plan)
    if isinstance(decision, Refused) or not isinstance(actor, SlackUser):
        return await refused(judgement, actor, "approve", decision if isinstance(decision, Refused) else _NO_PERSON)
    deploy = judgement.deploy
    approval = Approval(
        deploy_id=deploy.id, plan=deploy.plan, user=actor, at=judgement.now, note=note[:LONGEST_REASON].strip()
    )
    await judgement.tx.add_approval(approval)
    facts = replace(judgement.facts, approvals=(*judgement.facts.approvals, approval))
    after = replace(judgement, facts=facts)
    await after.record(
        EventType.DEPLOY_APPROVED,
        actor,
        filled=facts.seating.filled,
        judged=after.judged(actor),
        note=approval.note,
        plan=deploy.plan,
        seats=len(facts.seats),
    )
    if facts.seating.complete:
        return Approved(await make_ready(after), facts.seating)
    await after.redraw(urgent=True)
    return Approved(deploy, facts.seating)


_NO_PERSON = refuse("not-a-person", "Only a person in Slack can approve.")


def _may(judgement: Judgement, actor: Actor, plan: int | None) -> Decision:
    facts = judgement.facts
    if not isinstance(actor, SlackUser):
        return _NO_PERSON
    if facts.deploy.status is Status.READY:
        return refuse("cannot-approve", f"{facts.deploy.number} already has every approval that it needs.")
    if facts.deploy.status is not Status.WAITING:
        return not_open(facts.deploy, "approve")
    return every(
        [
            stale_plan(facts.deploy, plan),
            may_fill(
                actor.id,
                facts.seats,
                facts.approvers,
                facts.membership,
                requester=facts.requester,
                self_approval=facts.self_approval,
            ),
        ]
    )
