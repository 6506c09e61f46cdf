"""Replace the running rollout: the requester chooses not to wait until Nomad has finished it."""

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
from bot.operations.deploys.transitions import redraw

if TYPE_CHECKING:
    from bot.domain.actor import Actor
    from bot.domain.deploy.deploy import Deploy
    from bot.operations.deploys.decide import Case, Origin
    from bot.ports import Ports


async def replace_rollout(ports: Ports, actor: Actor, deploy_id: int, *, origin: Origin) -> Deploy | Refused:
    """Let this deploy start while another deploy of its service is still rolling out there. Raises ``Replayed``."""
    decision = partial(_replace, actor=actor)
    return await decide_on(ports, deploy_id, decision, act="replace", actor=actor, origin=origin)


async def _replace(case: Case, *, actor: Actor) -> Deploy | Refused:
    deploy, requester = case.deploy, case.facts.requester
    if deploy.status not in {Status.WAITING, Status.READY}:
        return await case.record_refusal(actor, "replace", not_open(deploy, "replace"))
    if human_behind(actor) != requester or not case.facts.membership.counts(requester or ""):
        users = (requester,) if requester else ()
        only = refuse(
            "not-the-requester",
            "Only the person who requested this deploy can let it replace the running rollout.",
            users=users,
        )
        return await case.record_refusal(actor, "replace", only)
    chosen = replace(deploy, replaces=True, due_at=case.now)
    await case.tx.save_deploy(chosen)
    await case.record(EventType.DEPLOY_REPLACES, actor, plan=deploy.plan)
    await redraw(case.tx, chosen, case.now, urgent=True)
    return chosen
