"""Retract: take one's own approval back, until the deploy is dispatched."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from bot.domain.actor import human_behind
from bot.domain.audit.events import EventType
from bot.domain.decision import Refused, refuse
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import not_open
from bot.operations.deploys.decide import judge, refused
from bot.operations.deploys.ready import make_waiting

if TYPE_CHECKING:
    from bot.domain.actor import Actor
    from bot.domain.deploy.deploy import Deploy
    from bot.operations.deploys.decide import Judgement
    from bot.operations.deploys.origin import Origin
    from bot.ports import Ports


async def retract(ports: Ports, actor: Actor, deploy_id: int, *, origin: Origin) -> Deploy | Refused:
    """Take the actor's approval back, which no later plan carries either; a READY deploy waits again.

    Raises ``Replayed``.
    """
    return await judge(ports, deploy_id, partial(_retract, actor=actor), act="retract", actor=actor, origin=origin)


async def _retract(judgement: Judgement, *, actor: Actor) -> Deploy | Refused:
    deploy, user = judgement.deploy, human_behind(actor)
    mine = [each for each in judgement.facts.approvals if each.user.id == user and not each.void]
    if not deploy.status.undecided:
        return await refused(judgement, actor, "retract", not_open(deploy, "retract"))
    if not mine:
        nothing = refuse("nothing-to-retract", f"You have not approved the current plan of {deploy.number}.")
        return await refused(judgement, actor, "retract", nothing)
    await judgement.tx.save_approval(replace(mine[0], void="retracted"))
    after = judgement.without(mine[0])
    await after.record(EventType.DEPLOY_RETRACTED, actor, judged=after.judged(actor), plan=deploy.plan)
    if deploy.status is Status.READY:
        return await make_waiting(after, "An approval was taken back.")
    await after.redraw(urgent=True)
    return deploy
