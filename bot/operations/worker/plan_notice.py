"""What a new plan means for those who had approved the one before, and what the channel is told of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.actor import human_behind
from bot.domain.deploy.approval import mentions
from bot.domain.deploy.message import Delivery, Note, Outgoing
from bot.domain.jobdiff.text import lines as diff_lines

if TYPE_CHECKING:
    from bot.domain.deploy.approval import Approval
    from bot.domain.deploy.plan import Plan
    from bot.operations.deploys.decide import Judgement


async def carry_approvals(judgement: Judgement, plan: Plan) -> tuple[Approval, ...]:
    """The approvals that hold for the new plan: all of the old one's if nothing moved, none if anything did."""
    live = [approval for approval in judgement.facts.approvals if not approval.void]
    if plan.moved:
        for approval in live:
            await judgement.tx.save_approval(replace(approval, void="the change moved"))
        return ()
    carried = tuple(replace(approval, plan=plan.number) for approval in live)
    for approval in carried:
        await judgement.tx.save_approval(approval)
    return carried


async def show_plan(judgement: Judgement, plan: Plan, before: tuple[Approval, ...]) -> None:
    """Draw the message with the plan, put the difference into its thread, and tell those whose approval is void."""
    await judgement.redraw(urgent=bool(plan.moved))
    if plan.moved:
        await _tell_void(judgement, plan, before)
    note = Note(
        text=f"Plan {plan.number}: {plan.effect}", lines=plan.warnings, code="\n".join(diff_lines(plan.changes))
    )
    await _thread(judgement, await _asking(judgement, plan, note))


async def _asking(judgement: Judgement, plan: Plan, note: Note) -> Note:
    """The note with those whose approval is missing, where the message cannot call them.

    Slack notifies nobody of a mention that comes with an update: that is so where the message stood before there was a
    plan, and where approvals are asked for again.
    """
    missing = judgement.facts.seating.missing
    stood = await judgement.tx.posted(judgement.deploy.id) is not None
    if not missing or not stood or (plan.number > 1 and not plan.moved):
        return note
    labels = ", ".join(dict.fromkeys(seat.label for seat in missing))
    who = mentions(missing, without=None if judgement.facts.self_approval else judgement.facts.requester)
    lines = (*note.lines, f"Approval is needed from {labels}.")
    return replace(note, lines=lines, users=who["users"], groups=who["groups"])


async def _tell_void(judgement: Judgement, plan: Plan, before: tuple[Approval, ...]) -> None:
    voided = [approval.user.id for approval in before if not approval.void]
    requester = human_behind(judgement.deploy.requester)
    people = dict.fromkeys([*([requester] if requester else []), *voided])
    text = f"{judgement.deploy.number} moved since plan {plan.number - 1}" + (
        "; the approvals given to that plan are void." if voided else "."
    )
    await _thread(judgement, Note(text=text, lines=plan.moved, mention=tuple(people)))


async def _thread(judgement: Judgement, note: Note) -> None:
    outgoing = Outgoing(kind=Delivery.THREAD, deploy_id=judgement.deploy.id, note=note)
    await judgement.tx.send(outgoing, judgement.now)
