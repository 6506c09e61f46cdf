"""Register: the evidence rule. Send the frozen job once, leave DISPATCHING only by proof; gates: ``dispatch``."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.actor import human_behind
from bot.domain.audit.events import EventType
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.dispatch import Answer, Attempt, Look, Sighting, Verdict, back_off, judge, settled
from bot.domain.deploy.message import Delivery, Note, Outgoing
from bot.domain.deploy.plan import stamp
from bot.domain.deploy.rollout import Rollout, RolloutKind, RolloutStatus
from bot.operations.deploys.decide import event_of
from bot.operations.deploys.target import catalog_for, target_of
from bot.operations.require import kept
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
        plan = kept(await tx.plan(deploy.id, deploy.plan), f"plan {deploy.plan} of {deploy.number}")
        release = kept(await tx.release(deploy.release), f"the release of {deploy.number}")
        planned_under = kept(await tx.catalog(deploy.catalog), f"the catalog of {deploy.number}")
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
        await tx.record(event_of(EventType.DEPLOY_ATTEMPTED, WORKER, deploy, now, number=number, plan=plan.number))
    answer = await _sent(held, attempt)
    attempt = replace(attempt, answer=answer.answer, text=answer.text)
    async with ports.store.begin() as tx:
        await tx.lock_deploy(deploy.id, held.claim)
        await tx.answer_attempt(attempt)
        now = ports.clock.now()
        said, text = answer.answer.value, answer.text[:500]
        await tx.record(event_of(EventType.DEPLOY_ANSWERED, WORKER, deploy, now, answer=said, number=number, text=text))
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
            detail = "Somebody else changed the job on Nomad first; planning again."
            await _leave(tx, held, Status.PLANNING, EventType.DEPLOY_REPLANNING, detail, now)
        case Verdict.FAIL:
            await _leave(tx, held, Status.FAILED, EventType.DEPLOY_FAILED, f"Nomad refused it: {last.text}", now)
        case Verdict.RETRY:
            wait = back_off(last.number)
            detail = f"Nomad did not take attempt {last.number} ({last.text}); trying again."
            await _leave(tx, held, Status.READY, EventType.DEPLOY_READY, detail, now, due_at=now + wait)
        case _:
            await _wait(tx, held, verdict, now)


async def _wait(tx: Transaction, held: _Held, verdict: Verdict, now: datetime) -> None:
    """Nothing may be concluded yet: look again, and say so once it takes long."""
    said = held.deploy.detail
    words = said
    if verdict is Verdict.ASK:
        words = (
            "Nomad no longer keeps the version that would prove whether this landed. Look at the job on Nomad; "
            "an operator has to settle it."
        )
    elif not said and now - held.deploy.changed_at >= TOLD_AFTER:
        words = "It is not known yet whether Nomad took it; nothing is sent again before that is certain."
    await tx.save_deploy(replace(held.deploy, due_at=now + LOOK_AGAIN, detail=words))
    if words != said:
        await tx.send(Outgoing(kind=Delivery.CARD, deploy_id=held.deploy.id), now)
        await _tell(tx, held.deploy, words, now)


async def _leave(
    tx: Transaction, held: _Held, to: Status, kind: EventType, detail: str, now: datetime, **changes: datetime
) -> None:
    deploy = held.deploy.advance(to, now, detail=detail, **changes)
    await tx.save_deploy(deploy)
    await tx.record(event_of(kind, WORKER, deploy, now, detail=detail[:500], plan=deploy.plan))
    await tx.send(Outgoing(kind=Delivery.CARD, deploy_id=deploy.id, urgent=True), now)
    if to is Status.FAILED:
        await _tell(tx, deploy, f"{deploy.number} failed. {detail}", now)


async def _tell(tx: Transaction, deploy: Deploy, text: str, now: datetime) -> None:
    requester = human_behind(deploy.requester)
    note = Note(text=text, mention=(requester,) if requester else ())
    await tx.send(Outgoing(kind=Delivery.THREAD, deploy_id=deploy.id, note=note), now)


async def _landed(tx: Transaction, held: _Held, sighting: Sighting, evaluation: str, now: datetime) -> None:
    """It is on Nomad: follow it, and have the others of this service planned anew."""
    deploy = held.deploy.advance(Status.ROLLING, now)
    await tx.save_deploy(deploy)
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
    version = -1 if sighting.version is None else sighting.version
    index = str(sighting.job_modify_index or "")
    event = event_of(EventType.DEPLOY_LANDED, WORKER, deploy, now, job_modify_index=index, job_version=version)
    await tx.record(event)
    await tx.send(Outgoing(kind=Delivery.CARD, deploy_id=deploy.id, urgent=True), now)
    await _others_anew(tx, deploy, now)


async def _others_anew(tx: Transaction, landed: Deploy, now: datetime) -> None:
    """The live job moved under every other waiting or ready deploy of this service there."""
    for other in await tx.open_deploys(landed.service, landed.environment):
        locked = kept(await tx.lock_deploy(other.id), other.number)
        if locked.status not in _PLANNED:
            continue
        cause = f"{landed.number} ({landed.version}) was deployed meanwhile; planning again."
        anew = locked.advance(Status.PLANNING, now, detail=cause)
        await tx.save_deploy(anew)
        await tx.record(event_of(EventType.DEPLOY_REPLANNING, WORKER, anew, now, cause=cause, plan=anew.plan))
        await tx.send(Outgoing(kind=Delivery.CARD, deploy_id=anew.id), now)
