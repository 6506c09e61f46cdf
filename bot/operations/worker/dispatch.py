"""Dispatch: take a ready deploy through the gates, for the last time before ``register`` sends it to Nomad."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from bot.domain.audit.events import EventType
from bot.domain.decision import Refused, every
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import may_dispatch
from bot.domain.deploy.message import Note
from bot.domain.deploy.turns import passed_over
from bot.operations.deploys.decide import decide_on
from bot.operations.deploys.promotable import ask_nomad, candidate_of, promotion_gate
from bot.operations.deploys.target import base_change
from bot.operations.deploys.transitions import (
    SETTING_REFUSED,
    expire,
    held_now,
    is_overdue,
    make_waiting,
    plan_again,
    reply,
    transition,
)
from bot.operations.require import require
from bot.operations.worker.claim import WORKER, Work, hold_if_blocked, lock_claimed, save_hold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.plan import BaseChange
    from bot.domain.deploy.promotion import Asked
    from bot.operations.deploys.decide import Case
    from bot.ports import Ports
    from bot.ports.store import Claim

LOOK_AGAIN = timedelta(seconds=2)
"""How soon a ready deploy is checked again if Nomad is unreachable."""
ASK_AGAIN = timedelta(seconds=15)
"""How soon a deploy that a rule blocks is checked again. Slack limits our calls, and people's clicks come first."""
TURN_AGAIN = timedelta(seconds=30)
"""How soon a deploy that waits for its turn or a lock is checked again; it is due anyway when either changes."""
_MOST_TOLD = 5


async def step(ports: Ports) -> bool:
    """Take the oldest ready deploy through the gates; returns whether there was one."""
    return await WORK.once(ports)


async def _dispatch(ports: Ports, claim: Claim) -> None:
    # the cheapest check first: a long queue behind a slow rollout must not cost calls to Nomad and Slack
    if not await _hold_for_turn(ports, claim):
        await hold_if_blocked(ports, claim, _check_and_decide(ports, claim), LOOK_AGAIN, ask_again=ASK_AGAIN)


WORK = Work(frozenset({Status.READY}), _dispatch)


async def _hold_for_turn(ports: Ports, claim: Claim) -> bool:
    """Hold the deploy if a lock closes its place or another one goes before it; returns whether it is held."""
    now = ports.clock.now()
    async with ports.store.begin() as tx:
        deploy = await lock_claimed(tx, claim)
        decision = await held_now(tx, deploy, now)
        if isinstance(decision, Refused):
            # a lock that ends by itself lets it go at that very instant
            ends = [reason.possible_at for reason in decision.reasons if reason.possible_at is not None]
            await save_hold(tx, deploy, decision.reasons, now, min([now + TURN_AGAIN, *ends]))
    return isinstance(decision, Refused)


async def _check_and_decide(ports: Ports, claim: Claim) -> Refused | None:
    """Dispatch the deploy, plan it again or make it wait for approval again; returns what blocks it, if anything."""
    # before the transaction, which must not wait for Nomad; a later change is caught by check-and-set at the register
    change = await base_change(ports, claim.deploy_id)
    asked = {} if change else await _ask_before(ports, claim.deploy_id)
    return await decide_on(ports, claim.deploy_id, partial(_decide, change=change, asked=asked), claim=claim)


async def _ask_before(ports: Ports, deploy_id: int) -> Mapping[str, Asked]:
    """What Nomad says of the environments that have to run the release before."""
    async with ports.store.read() as reading:
        deploy = require(await reading.deploy(deploy_id), f"D-{deploy_id}")
        catalog = (await reading.active_catalog()).catalog
    # of a target that is gone since, nothing is asked: the decision withdraws the deploy
    known = deploy.environment in catalog.environments
    return await ask_nomad(ports, catalog, candidate_of(deploy), deploy.environment) if known else {}


async def _decide(case: Case, *, change: BaseChange | None, asked: Mapping[str, Asked]) -> Refused | None:
    # after an outage this step may run before the expiry tick: a request that expired must not go out unattended
    if is_overdue(case.deploy, case.now):
        await expire(case.tx, case.deploy, case.now)
        return None
    if change is not None or isinstance(case.settings, Refused):
        cause = change.sentence if change else SETTING_REFUSED
        decided_by = case.facts.fingerprint
        await plan_again(case.tx, case.deploy, at=case.now, actor=WORKER, catalog=decided_by, cause=cause)
        return None
    return await _gates(case, asked)


async def _gates(case: Case, asked: Mapping[str, Asked]) -> Refused | None:
    deploy, facts = case.deploy, case.facts
    # approvals are counted again: an approver may have left the group since, or a new catalog may ask for more
    if not facts.seating.complete:
        await make_waiting(case, _why_incomplete(case))
        return None
    others = await case.tx.open_deploys(deploy.service, deploy.environment)
    # under the catalog that whoever places a lock holds exclusively: one placed before this holds the deploy
    locks = await case.tx.locks_on(deploy.service, deploy.environment)
    what = candidate_of(deploy)
    passed = await promotion_gate(case.tx, facts.catalog, what, deploy.environment, case.now, asked)
    decision = every([may_dispatch(facts, others, locks, case.now), passed])
    if isinstance(decision, Refused):
        return decision
    # committed before anything is sent: whoever continues after a crash finds DISPATCHING and looks for evidence
    await transition(
        case.tx,
        deploy,
        Status.DISPATCHING,
        at=case.now,
        event=EventType.DEPLOY_DISPATCHING,
        actor=WORKER,
        catalog=facts.fingerprint,
        data={"judged": case.judged()},
    )
    await _tell_passed(case, passed_over(deploy, others, case.now))
    return None


async def _tell_passed(case: Case, passed: tuple[tuple[Deploy, str], ...]) -> None:
    """Say in the threads of both that this deploy goes before ones that were requested earlier, and why."""
    if not passed:
        return
    deploy = case.deploy
    lines = tuple(f"{other.number} ({other.release_name}): {why}" for other, why in passed[:_MOST_TOLD])
    left = len(passed) - len(lines)
    more = (f"{left} more.",) if left else ()
    first = Note(text=f"{deploy.number} goes before deploys that were requested earlier:", lines=(*lines, *more))
    await reply(case.tx, deploy, first, case.now)
    for other, why in passed[:_MOST_TOLD]:
        goes = f"{deploy.number} ({deploy.release_name}) was requested later and goes first. {why}"
        await reply(case.tx, other, Note(text=f"{goes} This deploy goes after it, with a new plan."), case.now)


def _why_incomplete(case: Case) -> str:
    """Why a seat that was filled is empty now, for the message."""
    counted = {approval.user.id for approval in case.facts.approvals if not approval.void}
    seated = set(case.facts.seating.holders)
    return "An approver no longer counts." if counted - seated else "An approval is missing."
