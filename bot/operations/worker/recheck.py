"""Look at a waiting deploy again without being asked: did the job move, are the seats filled by now?"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import RECHECK
from bot.errors import NomadForbidden, NomadUnavailable, PlaceGone
from bot.operations.deploys.decide import judge
from bot.operations.deploys.ready import make_ready
from bot.operations.deploys.replan import back_to_planning
from bot.operations.deploys.target import moved_since_plan
from bot.operations.worker.claim import WORKER, hold, work_on
from bot.operations.worker.hold import withdraw_placeless

if TYPE_CHECKING:
    from bot.operations.deploys.decide import Judgement
    from bot.ports import Ports
    from bot.ports.store import Claim


async def step(ports: Ports) -> bool:
    """Recheck the waiting deploy that is due; whether there was one. What cannot be read now is read next time."""
    return await work_on(ports, Status.WAITING, _recheck)


async def _recheck(ports: Ports, claim: Claim) -> None:
    try:
        cause = await _moved(ports, claim.deploy_id)
        outcome = await judge(ports, claim.deploy_id, partial(_decide, cause=cause), claim=claim)
    except PlaceGone:
        await withdraw_placeless(ports, claim)
        return
    if isinstance(outcome, Refused):
        await hold(ports, claim, (), RECHECK)


async def _moved(ports: Ports, deploy_id: int) -> str:
    try:
        return await moved_since_plan(ports, deploy_id)
    except (NomadUnavailable, NomadForbidden):
        return ""


async def _decide(judgement: Judgement, *, cause: str) -> None:
    if cause:
        await back_to_planning(judgement, WORKER, cause)
    elif judgement.facts.seating.complete:
        await make_ready(judgement)
    else:
        await judgement.tx.save_deploy(replace(judgement.deploy, due_at=judgement.now + RECHECK))
