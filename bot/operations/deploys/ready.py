"""The step from WAITING to READY and back, shared by everything that fills or empties a seat."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.actor import System, human_behind
from bot.domain.audit.events import EventType
from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import RECHECK, turn
from bot.domain.deploy.message import Delivery, Note, Outgoing

if TYPE_CHECKING:
    from bot.domain.deploy.deploy import Deploy
    from bot.operations.deploys.decide import Judgement

RULES = System("rules")


async def make_ready(judgement: Judgement) -> Deploy:
    """Every seat is filled: the deploy awaits its turn, the worker is told, and so is the requester."""
    deploy = judgement.deploy.advance(Status.READY, judgement.now)
    ahead = turn(deploy, await judgement.tx.open_deploys(deploy.service, deploy.environment))
    deploy = replace(deploy, blocked=ahead.reasons if isinstance(ahead, Refused) else ())
    await judgement.tx.save_deploy(deploy)
    blocked = [reason.code for reason in deploy.blocked]
    await judgement.record(EventType.DEPLOY_READY, RULES, blocked=blocked, judged=judgement.judged(), plan=deploy.plan)
    await judgement.redraw(urgent=True)
    if judgement.facts.seats:
        after = " ".join([".", *(reason.text for reason in deploy.blocked)]) if blocked else " and goes next."
        await _tell_requester(judgement, f"{deploy.number} has every approval it needs{after}")
    return deploy


async def make_waiting(judgement: Judgement, why: str) -> Deploy:
    """A seat is empty again: the deploy waits for people, its message and its requester are told why."""
    deploy = judgement.deploy.advance(Status.WAITING, judgement.now, detail=why, due_at=judgement.now + RECHECK)
    await judgement.tx.save_deploy(deploy)
    await judgement.record(EventType.DEPLOY_WAITING, RULES, cause=why, judged=judgement.judged(), plan=deploy.plan)
    await judgement.redraw(urgent=True)
    await _tell_requester(judgement, f"{deploy.number} waits for approval again. {why}")
    return deploy


async def _tell_requester(judgement: Judgement, text: str) -> None:
    requester = human_behind(judgement.deploy.requester)
    note = Note(text=text, mention=(requester,) if requester else ())
    await judgement.tx.send(Outgoing(kind=Delivery.THREAD, deploy_id=judgement.deploy.id, note=note), judgement.now)
