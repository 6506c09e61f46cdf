"""Approve: record one person's approval of one plan; the last missing one makes the deploy ready."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bot.domain.actor import SlackUser
from bot.domain.audit.events import EventType
from bot.domain.decision import Refused, every, refuse
from bot.domain.deploy.approval import Approval, may_fill, stale_plan
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import LONGEST_REASON, not_open
from bot.domain.deploy.message import Note
from bot.operations.deploys.decide import decide_on
from bot.operations.deploys.shown import has_seen
from bot.operations.deploys.transitions import make_ready, redraw, reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.actor import Actor
    from bot.domain.decision import Decision
    from bot.domain.deploy.approval import PlanMark, Seating
    from bot.domain.deploy.deploy import Deploy
    from bot.operations.deploys.decide import Case, Origin
    from bot.ports import Ports


@dataclass(frozen=True, slots=True)
class Approved:
    """The deploy after an approval that counted, and who fills which seat now."""

    deploy: Deploy
    seating: Seating


@dataclass(frozen=True, slots=True)
class Unseen:
    """The change of a deploy is no longer its first, and the person has not been shown it: nothing was approved.

    The caller shows the current plan, and calls ``record_shown`` once Slack has taken it.
    """

    deploy: Deploy


async def approve(
    ports: Ports, actor: Actor, deploy_id: int, *, plan: int | None, note: str = "", origin: Origin
) -> Approved | Unseen | Refused:
    """Approve the change of the plan that the person saw; refused with the reason and who can approve.

    Without a plan, only a change that was the deploy's from the beginning, or that the person has been shown. Raises
    ``Replayed``.
    """
    decision = partial(_approve, actor=actor, plan=plan, note=note)
    return await decide_on(ports, deploy_id, decision, act="approve", actor=actor, origin=origin)


async def _approve(case: Case, *, actor: Actor, plan: int | None, note: str) -> Approved | Unseen | Refused:
    if not isinstance(actor, SlackUser):
        return await case.record_refusal(
            actor, "approve", refuse("not-a-person", "Only a person in Slack can approve.")
        )
    deploy = case.deploy
    marks = await case.marks_since(plan)
    decision = _may_approve(case, actor, plan, marks)
    if isinstance(decision, Refused):
        return await case.record_refusal(actor, "approve", decision)
    if plan is None and not await has_seen(case.tx, actor, deploy, marks):
        return Unseen(deploy)
    approval = Approval(
        deploy_id=deploy.id, plan=deploy.plan, user=actor, at=case.now, note=note[:LONGEST_REASON].strip()
    )
    await case.tx.add_approval(approval)
    after = case.with_approvals((*case.facts.approvals, approval))
    seating = after.facts.seating
    await after.record(
        EventType.DEPLOY_APPROVED,
        actor,
        filled=seating.filled,
        judged=after.judged(actor),
        note=approval.note,
        plan=deploy.plan,
        seats=len(after.facts.seats),
        **({} if plan in {None, deploy.plan} else {"seen": plan}),
    )
    if seating.complete:
        return Approved(await make_ready(after), seating)
    await redraw(case.tx, deploy, case.now, urgent=True)
    if approval.note:
        # the message drops it when the deploy ends; in the thread it stays
        said = Note(text=f"{seating.filled} of {len(seating.seats)} approvals:", said=((actor.id, approval.note),))
        await reply(case.tx, deploy, said, case.now)
    return Approved(deploy, seating)


def _may_approve(case: Case, actor: SlackUser, plan: int | None, marks: Sequence[PlanMark]) -> Decision:
    facts = case.facts
    if facts.deploy.status is Status.READY:
        needs = "already has every approval that it needs" if facts.seats else "needs no approval"
        return refuse("cannot-approve", f"{facts.deploy.number} {needs}.")
    if facts.deploy.status is not Status.WAITING:
        return not_open(facts.deploy, "approve")
    fills = may_fill(
        actor.id,
        facts.seats,
        facts.approvers,
        facts.membership,
        requester=facts.requester,
        self_approval=facts.self_approval,
    )
    return every([stale_plan(facts.deploy, plan, marks), fills])
