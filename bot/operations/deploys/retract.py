"""Retract: take back your own approval, until the deploy is dispatched."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from bot.domain.actor import human_behind
from bot.domain.audit.events import EventType
from bot.domain.decision import Refused, refuse
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import not_open
from bot.operations.deploys.decide import decide_on
from bot.operations.deploys.transitions import make_waiting, redraw

if TYPE_CHECKING:
    from bot.domain.actor import Actor
    from bot.domain.deploy.deploy import Deploy
    from bot.operations.deploys.decide import Case, Origin
    from bot.ports import Ports


async def retract(ports: Ports, actor: Actor, deploy_id: int, *, origin: Origin) -> Deploy | Refused:
    """Take back the actor's approval, also for later plans; a READY deploy then needs approval again.

    Raises ``Replayed``.
    """
    decision = partial(_retract, actor=actor)
    return await decide_on(ports, deploy_id, decision, act="retract", actor=actor, origin=origin)


async def _retract(case: Case, *, actor: Actor) -> Deploy | Refused:
    deploy, user = case.deploy, human_behind(actor)
    mine = next((each for each in case.facts.approvals if each.user.id == user and not each.void), None)
    if not deploy.status.undecided:
        return await case.record_refusal(actor, "retract", not_open(deploy, "retract"))
    if mine is None:
        text = f"You have not approved the current plan of {deploy.number}."
        nothing = refuse("nothing-to-retract", text if case.facts.seats else f"{deploy.number} needs no approval.")
        return await case.record_refusal(actor, "retract", nothing)
    await case.tx.save_approval(replace(mine, void="retracted"))
    after = case.with_approvals(tuple(each for each in case.facts.approvals if each != mine))
    await after.record(EventType.DEPLOY_RETRACTED, actor, judged=after.judged(actor), plan=deploy.plan)
    if deploy.status is Status.READY:
        return await make_waiting(after, "An approval was taken back.")
    await redraw(case.tx, deploy, case.now, urgent=True)
    return deploy
