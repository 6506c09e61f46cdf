"""From WAITING to READY and back, whenever the last seat is filled or a seat becomes empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.actor import System
from bot.domain.audit.events import EventType
from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import RECHECK, turn
from bot.operations.deploys.transitions import to_requester, transition

if TYPE_CHECKING:
    from bot.domain.deploy.deploy import Deploy
    from bot.operations.deploys.decide import Case

RULES = System("rules")


async def make_ready(case: Case) -> Deploy:
    """Make a deploy ready, because every seat is filled, and tell its requester."""
    deploy, tx = case.deploy, case.tx
    ahead = turn(deploy, await tx.open_deploys(deploy.service, deploy.environment))
    blocked = ahead.reasons if isinstance(ahead, Refused) else ()
    note = None
    if case.facts.seats:
        after = " ".join([".", *(reason.text for reason in blocked)]) if blocked else " and goes next."
        note = to_requester(deploy, f"{deploy.number} has every approval it needs{after}")
    return await transition(
        tx,
        deploy,
        Status.READY,
        at=case.now,
        event=EventType.DEPLOY_READY,
        actor=RULES,
        catalog=case.facts.fingerprint,
        data={"blocked": [reason.code for reason in blocked], "judged": case.judged()},
        changes={"blocked": blocked},
        note=note,
    )


async def make_waiting(case: Case, why: str) -> Deploy:
    """Make a ready deploy wait for approval again, because a seat is empty, and tell its requester why."""
    return await transition(
        case.tx,
        case.deploy,
        Status.WAITING,
        at=case.now,
        event=EventType.DEPLOY_WAITING,
        actor=RULES,
        catalog=case.facts.fingerprint,
        data={"cause": why, "judged": case.judged()},
        changes={"detail": why, "due_at": case.now + RECHECK},
        note=to_requester(case.deploy, f"{case.deploy.number} needs approval again. {why}"),
    )
