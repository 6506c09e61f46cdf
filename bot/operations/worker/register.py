"""Register: the evidence rule. Send the frozen job once, leave DISPATCHING only by proof; gates: ``dispatch``."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.domain.audit.events import EventType
from bot.domain.decision import Reason
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.dispatch import Answer, Attempt, Look, Sighting, Verdict, back_off, judge, settled
from bot.domain.deploy.plan import stamp
from bot.domain.deploy.rollout import Rollout, RolloutKind, RolloutStatus
from bot.operations.deploys.target import catalog_for, target_of
from bot.operations.deploys.transitions import (
    LONGEST_DETAIL,
    event_of,
    plan_again,
    redraw,
    reply,
    to_requester,
    transition,
)
from bot.operations.require import require
from bot.operations.worker.claim import WORKER, held_deploy, work_on
from bot.ports.nomad import Registered

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.catalog.release import Release
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.plan import Plan
    from bot.operations.deploys.target import Target
    from bot.ports import Ports
    from bot.ports.store import Claim, Transaction

LOOK_AGAIN = timedelta(seconds=2)
"""How soon Nomad is looked at again while it is not known whether an attempt landed."""
TOLD_AFTER = timedelta(minutes=2)
"""After that long people are told that the outcome is not known yet."""

_PLANNED = frozenset({Status.WAITING, Status.READY})
_UNKNOWN = Reason(
    "outcome-unknown", "Nobody knows yet whether Nomad took it. Nothing is sent again before that is certain."
)
_UNPROVABLE = Reason(
    "outcome-unprovable",
    "Nomad no longer keeps the version that would prove whether this landed. Look at the job on Nomad; an operator has "
    "to settle it.",
)


@dataclass(frozen=True, slots=True)
class _Held:
    """The dispatching deploy of a claim, with what its attempts need."""

    ports: Ports
    claim: Claim
    deploy: Deploy
    plan: Plan
    release: Release
    target: Target
    variables: str
    attempts: tuple[Attempt, ...]

    @property
    def stamp(self) -> str:
        return stamp(self.deploy.number, self.plan)


async def step(ports: Ports) -> bool:
    """Take one dispatching deploy one step on: attempt, look, or conclude; whether there was one."""
    return await work_on(ports, Status.DISPATCHING, _register)


async def _register(ports: Ports, claim: Claim) -> None:
    held = await _read(ports, claim)
    if not held.attempts:
        held = await _attempt(held)
    await _conclude(held)


async def _read(ports: Ports, claim: Claim) -> _Held:
    """What is known; an attempt that was left without an answer is marked as taken over by us."""
    now = ports.clock.now()
    async with ports.store.begin() as tx:
        deploy = await held_deploy(tx, claim)
        plan = require(await tx.plan(deploy.id, deploy.plan), f"plan {deploy.plan} of {deploy.number}")
        release = require(await tx.release(deploy.release), f"the release of {deploy.number}")
        planned_under = require(await tx.catalog(deploy.catalog), f"the catalog of {deploy.number}")
        catalog = await catalog_for(tx, deploy)
        attempts = [each for each in await tx.attempts(deploy.id, plan.number) if each.at >= deploy.changed_at]
        for index, each in enumerate(attempts):
            if each.answer is None:
                attempts[index] = replace(each, answer=Answer.UNKNOWN, taken_over=now, text="its sender was lost")
                await tx.answer_attempt(attempts[index])
    target = target_of(ports.nomads, catalog, deploy)
    values = planned_under.variables_for(
        deploy.service, deploy.environment, deploy.version, deploy.overrides, release.declared
    )
    return _Held(ports, claim, deploy, plan, release, target, json.dumps(values), tuple(attempts))


async def _attempt(held: _Held) -> _Held:
    """Commit the attempt, send it, commit its answer."""
    ports, deploy, plan = held.ports, held.deploy, held.plan
    async with ports.store.begin() as tx:
        await tx.lock_deploy(deploy.id, held.claim)
        now = ports.clock.now()
        number = len(await tx.attempts(deploy.id, plan.number)) + 1
        # never older than the claim, however clocks differ: the next worker must find it
        attempt = Attempt(deploy_id=deploy.id, plan=plan.number, number=number, at=max(now, deploy.changed_at))
        await tx.add_attempt(attempt)
        kind, decided_by = EventType.DEPLOY_ATTEMPTED, deploy.catalog
        await tx.record(event_of(kind, WORKER, deploy, now, decided_by, number=number, plan=plan.number))
    answer = await _sent(held, attempt)
    attempt = replace(attempt, answer=answer.answer, text=answer.text)
    async with ports.store.begin() as tx:
        await tx.lock_deploy(deploy.id, held.claim)
        await tx.answer_attempt(attempt)
        now = ports.clock.now()
        data: dict[str, Any] = {"answer": answer.answer, "number": number, "text": answer.text[:LONGEST_DETAIL]}
        await tx.record(event_of(EventType.DEPLOY_ANSWERED, WORKER, deploy, now, deploy.catalog, **data))
        if answer.answer is Answer.LANDED:
            await _landed(tx, held, _sighting(plan, answer), answer.evaluation, now)
    return replace(held, attempts=(attempt,), deploy=deploy)


async def _sent(held: _Held, attempt: Attempt) -> Registered:
    """The answer to the attempt, unless it is too old to be sent: whoever took over counts its time from ``at``."""
    if held.ports.clock.now() - attempt.at > held.ports.limits.write_timeout:
        return Registered(Answer.NOT_SENT, "this process stood still for too long to send it")
    return await held.target.nomad.register(
        held.target.namespace,
        held.plan.job,
        base_index=held.plan.base_index,
        source=f"{held.stamp}\n{held.release.template}",
        variables=held.variables,
    )


def _sighting(plan: Plan, answer: Registered) -> Sighting:
    """A 200 that made a version: with check-and-set it can only be the base's next."""
    version = 0 if plan.base_version is None else plan.base_version + 1
    return Sighting(look=Look.LANDED, version=version, job_modify_index=answer.job_modify_index)


async def _conclude(held: _Held) -> None:
    """Look at Nomad and take the way out that the evidence allows, if it allows one."""
    if held.attempts[-1].answer is Answer.LANDED:
        return
    ports, plan = held.ports, held.plan
    sighting = await held.target.nomad.look(
        held.target.namespace,
        held.target.job_id,
        base_index=plan.base_index,
        base_version=plan.base_version,
        stamp=held.stamp,
    )
    now = ports.clock.now()
    is_settled = settled(held.attempts, now=now, write_timeout=ports.limits.write_timeout)
    verdict = judge(sighting, held.attempts, is_settled=is_settled)
    async with ports.store.begin() as tx:
        deploy = await held_deploy(tx, held.claim)
        await _act(tx, replace(held, deploy=deploy), verdict, sighting, now)
    ports.bell.ring()


async def _act(tx: Transaction, held: _Held, verdict: Verdict, sighting: Sighting, now: datetime) -> None:
    last = held.attempts[-1]
    match verdict:
        case Verdict.ROLL:
            await _landed(tx, held, sighting, "", now)
        case Verdict.UNCHANGED:
            detail = "Nomad took it and made no new version: exactly this was running already."
            await _leave(tx, held, Status.UNCHANGED, EventType.DEPLOY_UNCHANGED, detail, now)
        case Verdict.REPLAN:
            cause = "Somebody else changed the job on Nomad first; planning again."
            await _leave(tx, held, Status.PLANNING, EventType.DEPLOY_REPLANNING, cause, now)
        case Verdict.FAIL:
            await _leave(tx, held, Status.FAILED, EventType.DEPLOY_FAILED, f"Nomad refused the job: {last.text}", now)
        case Verdict.RETRY:
            detail = f"Nomad did not take attempt {last.number} ({last.text}); trying again."
            due_at = now + back_off(last.number)
            await _leave(tx, held, Status.READY, EventType.DEPLOY_READY, detail, now, due_at=due_at)
        case _:
            await _wait(tx, held, verdict, now)


async def _wait(tx: Transaction, held: _Held, verdict: Verdict, now: datetime) -> None:
    """Nothing may be concluded yet: look again, and say so once it takes long."""
    deploy = held.deploy
    blocked = deploy.blocked
    if verdict is Verdict.ASK:
        blocked = (_UNPROVABLE,)
    elif not blocked and now - deploy.changed_at >= TOLD_AFTER:
        blocked = (_UNKNOWN,)
    await tx.save_deploy(replace(deploy, due_at=now + LOOK_AGAIN, blocked=blocked))
    if blocked != deploy.blocked:
        await redraw(tx, deploy, now)
        await reply(tx, deploy, to_requester(deploy, blocked[0].text), now)


async def _leave(
    tx: Transaction, held: _Held, to: Status, event: EventType, detail: str, now: datetime, **changes: datetime
) -> None:
    deploy = held.deploy
    await transition(
        tx,
        deploy,
        to,
        at=now,
        event=event,
        actor=WORKER,
        catalog=deploy.catalog,
        data={"detail": detail[:LONGEST_DETAIL]},
        changes={"detail": detail, **changes},
        note=to_requester(deploy, f"{deploy.number} failed. {detail}") if to is Status.FAILED else None,
    )


async def _landed(tx: Transaction, held: _Held, sighting: Sighting, evaluation: str, now: datetime) -> None:
    """It is on Nomad: follow it, and have the other deploys of this service there planned again."""
    version = -1 if sighting.version is None else sighting.version
    deploy = await transition(
        tx,
        held.deploy,
        Status.ROLLING,
        at=now,
        event=EventType.DEPLOY_LANDED,
        actor=WORKER,
        catalog=held.deploy.catalog,
        data={"job_modify_index": str(sighting.job_modify_index or ""), "job_version": version},
    )
    await tx.save_rollout(
        Rollout(
            deploy_id=deploy.id,
            number=1,
            kind=RolloutKind.DEPLOY,
            status=RolloutStatus.RUNNING,
            started_at=now,
            changed_at=now,
            job_version=sighting.version,
            job_modify_index=sighting.job_modify_index,
            evaluation=evaluation,
        )
    )
    await _plan_others_again(tx, deploy, now)


async def _plan_others_again(tx: Transaction, landed: Deploy, now: datetime) -> None:
    """The live job changed under every other waiting or ready deploy of this service there."""
    cause = f"{landed.number} ({landed.version}) was deployed meanwhile; planning again."
    for other in await tx.open_deploys(landed.service, landed.environment):
        locked = require(await tx.lock_deploy(other.id), other.number)
        if locked.status in _PLANNED:
            await plan_again(tx, locked, at=now, actor=WORKER, catalog=locked.catalog, cause=cause)
