"""Recheck a waiting deploy from time to time: did its job change, are its seats filled, is a reminder due?"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import RECHECK
from bot.domain.reminders import due_reminder, reminder
from bot.errors import NomadForbidden, NomadUnavailable, TargetGone
from bot.operations.deploys.decide import decide_on
from bot.operations.deploys.target import base_change
from bot.operations.deploys.transitions import SETTING_REFUSED, held_now, make_ready, plan_again, reply
from bot.operations.worker.claim import WORKER, Work, hold, withdraw_claimed

if TYPE_CHECKING:
    from bot.domain.deploy.plan import BaseChange
    from bot.operations.deploys.decide import Case
    from bot.ports import Ports
    from bot.ports.claims import Claim


async def step(ports: Ports) -> bool:
    """Recheck the waiting deploy that is due; returns whether there was one. A failed read is tried again next time."""
    return await WORK.once(ports)


async def _recheck(ports: Ports, claim: Claim) -> None:
    try:
        change = await _base_change(ports, claim.deploy_id)
        outcome = await decide_on(ports, claim.deploy_id, partial(_decide, change=change), claim=claim)
    except TargetGone:
        await withdraw_claimed(ports, claim)
        return
    if isinstance(outcome, Refused):
        await hold(ports, claim, (), RECHECK)


WORK = Work(frozenset({Status.WAITING}), _recheck)


async def _base_change(ports: Ports, deploy_id: int) -> BaseChange | None:
    try:
        return await base_change(ports, deploy_id)
    except (NomadUnavailable, NomadForbidden):
        # people can approve without Nomad: the dispatch compares again anyway
        return None


async def _decide(case: Case, *, change: BaseChange | None) -> None:
    if change is not None or isinstance(case.settings, Refused):
        cause = change.sentence if change else SETTING_REFUSED
        decided_by = case.facts.fingerprint
        await plan_again(case.tx, case.deploy, at=case.now, actor=WORKER, catalog=decided_by, cause=cause)
    elif case.facts.seating.complete:
        await make_ready(case)
    else:
        await _wait_on(case)


async def _wait_on(case: Case) -> None:
    """Look at the deploy again in a while; remind its approvers if that is due, and nothing else holds it."""
    deploy, remind = case.deploy, due_reminder(case.facts, case.now)
    if remind:
        held = await held_now(case.tx, deploy, case.now)
        # an approval would change nothing: the time for the reminder is when the gate has opened
        remind = not isinstance(held, Refused) or set(held.codes) <= {"turn"}
    reminded_at = case.now if remind else deploy.reminded_at
    await case.tx.save_deploy(replace(deploy, due_at=case.now + RECHECK, reminded_at=reminded_at))
    note = reminder(case.facts, case.now) if remind else None
    if note is not None:
        await reply(case.tx, deploy, note, case.now)
