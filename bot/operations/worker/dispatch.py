"""Dispatch: take a ready deploy through the gates for the last time, and let ``register`` send it to Nomad.

One transaction claims the deploy, judges the gates, and adds the first attempt. Until then nobody keeps the deploy.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from bot.domain.audit.events import EventType
from bot.domain.decision import Allowed, Refused, every
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import RECHECK, may_dispatch
from bot.domain.deploy.message import Note
from bot.domain.deploy.turns import passed_over
from bot.errors import StaleFence
from bot.operations.deploys.decide import decide_on, lock_claimed
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
from bot.operations.worker import register
from bot.operations.worker.claim import LONGEST_WAIT, PUT_OFF, WORKER, hold_if_blocked, hold_locked, save_hold
from bot.ports.claims import Wanted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from bot.domain.decision import Decision
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.plan import BaseChange
    from bot.domain.deploy.promotion import Asked
    from bot.operations.deploys.decide import Case
    from bot.operations.worker.register import Begun
    from bot.ports import Ports
    from bot.ports.claims import Due

LOOK_AGAIN = timedelta(seconds=2)
"""How soon a ready deploy is checked again if Nomad is unreachable."""
ASK_AGAIN = timedelta(seconds=15)
"""How soon a deploy that a rule blocks is checked again. Slack limits our calls, and people's clicks come first."""
TURN_AGAIN = timedelta(seconds=30)
"""How soon a deploy that waits for its turn or a lock is checked again; it is due anyway when either changes."""
_MOST_TOLD = 5


class Dispatching:
    """The work on ready deploys."""

    name = __name__
    kinds = frozenset({Status.READY})
    wanted = Wanted(statuses=kinds, within=LONGEST_WAIT)

    async def claim(
        self, ports: Ports, full: frozenset[str] = frozenset(), under_way: Collection[Due] = ()
    ) -> Due | None:
        """The ready deploy that is due first, in any lane that is not ``full``, and not ``under_way`` here."""
        besides = frozenset(due.deploy_id for due in under_way)
        wanted = replace(self.wanted, full=full, besides=besides)
        return await ports.store.find(wanted, ports.clock.now())

    async def carry_out(self, ports: Ports, due: Due) -> None:
        """Take it through the gates, and send it. If that raises before it is sent, the deploy is put off."""
        put_off: datetime | None = ports.clock.now() + PUT_OFF
        begun = None
        try:
            # another worker was quicker: its decision stands
            with suppress(StaleFence):
                begun = await _through_the_gates(ports, due)
            put_off = None
        finally:
            if put_off is not None:
                await ports.store.put_off(due, put_off)
        if begun is not None:
            await register.send(begun)


WORK = Dispatching()


async def step(ports: Ports) -> bool:
    """Take the ready deploy that is due first through the gates and send it; returns whether there was one."""
    due = await WORK.claim(ports)
    if due is not None:
        await WORK.carry_out(ports, due)
    return due is not None


async def _through_the_gates(ports: Ports, due: Due) -> Begun | None:
    # the cheapest check first: a long queue behind a slow rollout must not cost calls to Nomad and Slack
    if await _held_for_its_turn(ports, due):
        return None
    return await hold_if_blocked(ports, due, _check_and_decide(ports, due), LOOK_AGAIN, ask_again=ASK_AGAIN)


async def _held_for_its_turn(ports: Ports, due: Due) -> bool:
    """Hold the deploy if a lock closes its place or another one goes before it; returns whether it is held."""
    now = ports.clock.now()
    async with ports.store.read() as reading:
        deploy = require(await reading.deploy(due.deploy_id), f"D-{due.deploy_id}")
        if not isinstance(await held_now(reading, deploy, now), Refused):
            return False
    async with ports.begin() as tx:
        deploy = await lock_claimed(tx, due)
        decision = await held_now(tx, deploy, now)
        if isinstance(decision, Refused):
            await save_hold(tx, deploy, decision.reasons, now, now + TURN_AGAIN)
    return isinstance(decision, Refused)


async def _check_and_decide(ports: Ports, due: Due) -> Begun | Refused | None:
    """Dispatch the deploy, plan it again or make it wait for approval again; returns what has begun, if anything."""
    # before the transaction, which must not wait for Nomad; a later change is caught by check-and-set at the register
    change = await base_change(ports, due.deploy_id)
    asked = {} if change else await _ask_before(ports, due.deploy_id)
    decision = partial(_decide, ports, change=change, asked=asked)
    return await decide_on(ports, due.deploy_id, decision, claim=due)


async def _ask_before(ports: Ports, deploy_id: int) -> Mapping[str, Asked]:
    """What Nomad says of the environments that have to run the release before."""
    async with ports.store.read() as reading:
        deploy = require(await reading.deploy(deploy_id), f"D-{deploy_id}")
        catalog = (await reading.active_catalog()).catalog
    # of a target that is gone since, nothing is asked: the decision withdraws the deploy
    known = deploy.environment in catalog.environments and deploy.rollback is None
    return await ask_nomad(ports, catalog, candidate_of(deploy), deploy.environment) if known else {}


async def _decide(ports: Ports, case: Case, *, change: BaseChange | None, asked: Mapping[str, Asked]) -> Begun | None:
    # after an outage this step may run before the expiry tick: a request that expired must not go out unattended
    if is_overdue(case.deploy, case.now):
        await expire(case.tx, case.deploy, case.now)
        return None
    if change is not None or isinstance(case.settings, Refused):
        cause = change.sentence if change else SETTING_REFUSED
        decided_by = case.facts.fingerprint
        await plan_again(case.tx, case.deploy, at=case.now, actor=WORKER, catalog=decided_by, cause=cause)
        return None
    return await _gates(ports, case, asked)


async def _gates(ports: Ports, case: Case, asked: Mapping[str, Asked]) -> Begun | None:
    deploy, facts = case.deploy, case.facts
    # approvals are counted again: an approver may have left the group since, or a new catalog may ask for more
    if not facts.seating.complete:
        await make_waiting(case, _why_incomplete(case))
        return None
    others = await case.tx.open_deploys(deploy.service, deploy.environment)
    # under the catalog that whoever places a lock holds exclusively: one placed before this holds the deploy
    locks = await case.tx.locks_on(deploy.service, deploy.environment)
    decision = every([may_dispatch(facts, others, locks, case.now), await _passed(case, asked)])
    if isinstance(decision, Refused):
        # nobody can end a wait, so there is nothing to ask Slack about every few seconds
        again = RECHECK if decision.codes == ("wait-not-over",) else ASK_AGAIN
        await hold_locked(case.tx, deploy, decision.reasons, case.now, again)
        return None
    # committed before anything is sent: whoever continues after a crash finds the attempt and looks for evidence
    dispatching = await transition(
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
    return await register.begin(ports, case.tx, dispatching, case.now)


async def _passed(case: Case, asked: Mapping[str, Asked]) -> Decision:
    """Whether the release has passed the environments before; a rollback has run here, and need not."""
    deploy = case.deploy
    if deploy.rollback is not None:
        return Allowed()
    what, catalog = candidate_of(deploy), case.facts.catalog
    return await promotion_gate(case.tx, catalog, what, deploy.environment, case.now, asked)


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
