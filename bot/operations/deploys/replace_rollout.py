"""Replace the running rollout: the requester chooses not to wait until Nomad has finished the one before."""

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

if TYPE_CHECKING:
    from bot.domain.actor import Actor
    from bot.domain.deploy.deploy import Deploy
    from bot.operations.deploys.decide import Judgement
    from bot.operations.deploys.origin import Origin
    from bot.ports import Ports


async def replace_running(ports: Ports, actor: Actor, deploy_id: int, *, origin: Origin) -> Deploy | Refused:
    """Let this deploy go while another of the same service is still rolling there. Raises ``Replayed``."""
    return await judge(ports, deploy_id, partial(_replace, actor=actor), act="replace", actor=actor, origin=origin)


async def _replace(judgement: Judgement, *, actor: Actor) -> Deploy | Refused:
    deploy = judgement.deploy
    if deploy.status not in {Status.WAITING, Status.READY}:
        return await refused(judgement, actor, "replace", not_open(deploy, "replace"))
    if human_behind(actor) != judgement.facts.requester or not judgement.facts.membership.counts(
        judgement.facts.requester or ""
    ):
        users = (judgement.facts.requester,) if judgement.facts.requester else ()
        only = refuse("not-the-requester", "Only the person who asked for this deploy can choose that.", users=users)
        return await refused(judgement, actor, "replace", only)
    chosen = replace(deploy, replaces=True, due_at=judgement.now)
    await judgement.tx.save_deploy(chosen)
    await judgement.record(EventType.DEPLOY_REPLACES, actor, plan=deploy.plan)
    await judgement.redraw(urgent=True)
    return chosen
