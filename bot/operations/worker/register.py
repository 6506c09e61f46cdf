"""Register: send the planned job to Nomad once, and leave DISPATCHING only on proof (docs/engine.md, Dispatch)."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from bot.domain.audit.events import EventType, event_of
from bot.domain.decision import Reason
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.dispatch import (
    Answer,
    Attempt,
    Look,
    Sighting,
    Verdict,
    back_off,
    how_to_resolve,
    judge,
    or_resolved,
    resolution_from,
    settled,
)
from bot.domain.deploy.message import Delivery, Outgoing
from bot.domain.deploy.plan import stamp
from bot.domain.deploy.rollout import Rollout, RolloutKind
from bot.operations.deploys.decide import lock_claimed
from bot.operations.deploys.target import catalog_for, target_of
from bot.operations.deploys.transitions import LONGEST_DETAIL, plan_again, redraw, reply, to_requester, transition
from bot.operations.require import require
from bot.operations.rollback.way_back import release_of
from bot.operations.worker.claim import WORKER, Work, keeping
from bot.ports.nomad import Registered

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.catalog.environment import Value
    from bot.domain.catalog.release import Release
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.plan import Plan
    from bot.operations.deploys.target import Target
    from bot.ports import Ports
    from bot.ports.claims import Claim
    from bot.ports.store import Transaction

LOOK_AGAIN = timedelta(seconds=2)
"""How soon Nomad is asked again if it is not known whether an attempt landed."""
NOTIFY_AFTER = timedelta(minutes=2)
"""After this time people are told that the outcome is not known yet."""
UNREADABLE_FOR = timedelta(minutes=10)
"""After the last attempt, how long Nomad may fail to say what happened until a person's word counts without it."""

_NO_MORE = "permission denied"
_PLANNED = frozenset({Status.WAITING, Status.READY})
_UNKNOWN = Reason(
    "outcome-unknown",
    "It is not certain yet whether Nomad registered the job. Nothing is sent again until it is certain.",
)
_UNPROVABLE = Reason(
    "outcome-unprovable",
    "Nomad no longer keeps the job version that would show whether this deploy was registered.",
)


@dataclass(frozen=True, slots=True)
class Begun:
    """A dispatch that has begun: a claimed deploy in DISPATCHING, with everything that its attempts need.

    ``attempts`` are those of this dispatch, ``made`` is the number of all attempts of its plan.
    """

    ports: Ports
    claim: Claim
    deploy: Deploy
    plan: Plan
    release: Release
    target: Target
    variables: str
    attempts: tuple[Attempt, ...]
    made: int

    @property
    def stamp(self) -> str:
        """The first line of the source that is sent with the job."""
        return stamp(self.deploy.number, self.plan)


async def step(ports: Ports) -> bool:
    """Take one dispatching deploy a step further: attempt, look, conclude; returns whether there was one."""
    return await WORK.once(ports)


async def begin(ports: Ports, tx: Transaction, deploy: Deploy, now: datetime) -> Begun:
    """Claim a deploy that this transaction makes DISPATCHING, and add its first attempt, for ``send`` to send."""
    claim = await tx.keep(deploy, ports.worker, ports.limits.lease)
    return await _add_attempt(tx, await _read(ports, tx, claim, deploy), now)


async def send(dispatch: Begun) -> None:
    """Send the attempt that was begun, and conclude what became of it, under the lease of its claim."""
    await keeping(dispatch.ports, dispatch.claim, partial(_send_and_conclude, dispatch))


async def _register(ports: Ports, claim: Claim) -> bool:
    dispatch = await _take_over(ports, claim)
    # an earlier attempt may still land: sending again before that is settled could register twice
    if dispatch.attempts:
        await _conclude(dispatch)
        return False
    # a process of an older version ended before it added one
    async with ports.begin() as tx:
        await lock_claimed(tx, claim)
        dispatch = await _add_attempt(tx, dispatch, ports.clock.now())
    return await _send_and_conclude(dispatch)


WORK = Work(frozenset({Status.DISPATCHING}), _register)


async def _take_over(ports: Ports, claim: Claim) -> Begun:
    """Read the dispatch; take over attempts without an answer, whose worker was lost."""
    now = ports.clock.now()
    async with ports.begin() as tx:
        dispatch = await _read(ports, tx, claim, await lock_claimed(tx, claim))
        attempts = tuple(_taken_over(each, now) for each in dispatch.attempts)
        for before, after in zip(dispatch.attempts, attempts, strict=True):
            if before != after:
                await tx.answer_attempt(after)
    return replace(dispatch, attempts=attempts)


async def _read(ports: Ports, tx: Transaction, claim: Claim, deploy: Deploy) -> Begun:
    plan = require(await tx.plan(deploy.id, deploy.plan), f"plan {deploy.plan} of {deploy.number}")
    release = await release_of(tx, deploy)
    target = target_of(ports.nomads, await catalog_for(tx, deploy), deploy)
    made = await tx.attempts(deploy.id, plan.number)
    return Begun(
        ports=ports,
        claim=claim,
        deploy=deploy,
        plan=plan,
        release=release,
        target=target,
        variables=json.dumps(await _values(tx, deploy, release)),
        # only those of this dispatch: earlier ones were settled before it left that state
        attempts=tuple(each for each in made if each.dispatch == deploy.dispatches),
        made=len(made),
    )


async def _values(tx: Transaction, deploy: Deploy, release: Release) -> dict[str, Value]:
    """The variables that were rendered, not those of a newer catalog: Nomad shows them beside the version's source."""
    # a job that ran before Nomatron has no source that we know
    if not deploy.release:
        return {}
    fingerprint = deploy.rollback.catalog if deploy.rollback is not None else deploy.catalog
    rendered_with = require(await tx.catalog(fingerprint), f"the catalog of {deploy.number}")
    return rendered_with.variables_for(
        deploy.service, deploy.environment, deploy.version, deploy.overrides, release.declared
    )


def _taken_over(attempt: Attempt, now: datetime) -> Attempt:
    """An attempt that another step sent, as it counts from now on."""
    if attempt.answer is None:
        # we hold the lease, but its sender may be alive and slow: only from now on can its time run out
        attempt = replace(attempt, answer=Answer.UNKNOWN, taken_over=now, text="the worker that sent it was lost")
    # sent by now, whatever a clock said then: an instant in the future would keep it unsettled until that has come
    return replace(attempt, at=min(attempt.at, now), taken_over=attempt.taken_over and min(attempt.taken_over, now))


async def _add_attempt(tx: Transaction, dispatch: Begun, now: datetime) -> Begun:
    """Commit the attempt before it is sent: after a crash, one that is not in the database was certainly not sent."""
    deploy, plan, number = dispatch.deploy, dispatch.plan, dispatch.made + 1
    attempt = Attempt(deploy_id=deploy.id, plan=plan.number, number=number, at=now, dispatch=deploy.dispatches)
    await tx.add_attempt(attempt)
    kind, decided_by = EventType.DEPLOY_ATTEMPTED, deploy.catalog
    await tx.record(event_of(kind, WORKER, deploy, now, decided_by, number=number, plan=plan.number))
    return replace(dispatch, attempts=(attempt,))


async def _send_and_conclude(dispatch: Begun) -> bool:
    """Send the newest attempt, commit its answer, and go on from there; whether the deploy was released with that."""
    ports, deploy, plan, attempt = dispatch.ports, dispatch.deploy, dispatch.plan, dispatch.attempts[-1]
    answer = await _send(dispatch, attempt)
    attempt = replace(attempt, answer=answer.answer, text=answer.text)
    landed = answer.answer is Answer.LANDED
    # a crash here loses the answer; the next worker treats it as unknown and finds the version by its stamp
    async with ports.begin() as tx:
        await tx.lock_deploy(deploy.id, dispatch.claim)
        await tx.answer_attempt(attempt)
        now = ports.clock.now()
        data: dict[str, Any] = {
            "answer": answer.answer, "number": attempt.number, "text": answer.text[:LONGEST_DETAIL],
        }  # fmt: skip
        await tx.record(event_of(EventType.DEPLOY_ANSWERED, WORKER, deploy, now, deploy.catalog, **data))
        if landed:
            # in the same transaction, so that no crash can separate the proof from the state
            await _land(tx, dispatch, _sighting(plan, answer), answer.evaluation, now)
            await tx.let_go(dispatch.claim)
    if not landed:
        await _conclude(replace(dispatch, attempts=(attempt,)))
    return landed


async def _send(dispatch: Begun, attempt: Attempt) -> Registered:
    """Send the attempt, unless it is too old; returns Nomad's answer."""
    # a worker that takes over counts from `at`: sent any later, the attempt could land after it was given up
    if dispatch.ports.clock.now() - attempt.at > dispatch.ports.limits.write_timeout:
        return Registered(Answer.NOT_SENT, "this process paused for too long to send it")
    return await dispatch.target.nomad.register(
        dispatch.target.namespace,
        dispatch.plan.job,
        base_index=dispatch.plan.base_index,
        source=f"{dispatch.stamp}\n{dispatch.release.template}",
        variables=dispatch.variables,
        show=dispatch.target.show,
    )


def _sighting(plan: Plan, answer: Registered) -> Sighting:
    """The sighting in a 200 that made a version, which can only be base + 1 (docs/nomad.md, "Check-and-set")."""
    version = 0 if plan.base_version is None else plan.base_version + 1
    return Sighting(look=Look.LANDED, version=version, job_modify_index=answer.job_modify_index)


async def _conclude(dispatch: Begun) -> None:
    """Look at Nomad and leave DISPATCHING if the evidence allows that."""
    ports, plan = dispatch.ports, dispatch.plan
    # before the look: what lands during a slow one must not pass for settled
    asked = ports.clock.now()
    sighting = await dispatch.target.nomad.look(
        dispatch.target.namespace,
        dispatch.target.job_id,
        base_index=plan.base_index,
        base_version=plan.base_version,
        stamp=dispatch.stamp,
    )
    now = ports.clock.now()
    is_settled = settled(dispatch.attempts, now=asked, write_timeout=ports.limits.write_timeout)
    is_unreadable = asked - dispatch.attempts[-1].at >= UNREADABLE_FOR
    async with ports.begin() as tx:
        deploy = await lock_claimed(tx, dispatch.claim)
        # read under the lock: somebody may have said so during the look
        word = resolution_from(deploy.resolution)
        sighting = or_resolved(sighting, word, is_settled=is_settled, is_unreadable=is_unreadable)
        verdict = judge(sighting, dispatch.attempts, is_settled=is_settled)
        await _act(tx, replace(dispatch, deploy=deploy), verdict, sighting, now)


async def _act(tx: Transaction, dispatch: Begun, verdict: Verdict, sighting: Sighting, now: datetime) -> None:
    last = dispatch.attempts[-1]
    match verdict:
        case Verdict.ROLL:
            await _land(tx, dispatch, sighting, "", now)
        case Verdict.UNCHANGED:
            detail = "Nomad accepted the job and made no new version: it already ran exactly this."
            await _leave(tx, dispatch, Status.UNCHANGED, EventType.DEPLOY_UNCHANGED, detail, now)
        case Verdict.REPLAN if sighting.by_person:
            cause = "A person said that Nomad did not register this; planning again."
            await _leave(tx, dispatch, Status.PLANNING, EventType.DEPLOY_REPLANNING, cause, now)
        case Verdict.REPLAN:
            cause = "The job in Nomad changed before Nomad took this one; planning again."
            await _leave(tx, dispatch, Status.PLANNING, EventType.DEPLOY_REPLANNING, cause, now)
        case Verdict.FAIL:
            detail = f"Nomad refused the job: {_why_refused(dispatch, last)}"
            await _leave(tx, dispatch, Status.FAILED, EventType.DEPLOY_FAILED, detail, now)
        case Verdict.RETRY:
            detail = f"Nomad did not register attempt {last.number} ({last.text}); trying again."
            due_at = now + back_off(last.number)
            await _leave(tx, dispatch, Status.READY, EventType.DEPLOY_READY, detail, now, due_at=due_at)
        case _:
            await _wait(tx, dispatch, verdict, now)


def _why_refused(dispatch: Begun, attempt: Attempt) -> str:
    """Nomad's reason, or what an operator can do if Nomad only says ``Permission denied``."""
    if attempt.answer is Answer.FORBIDDEN and _NO_MORE in attempt.text.casefold():
        # Nomad does not say which right (docs/nomad.md, "Refused tokens"), but the plan worked with this token
        lacks = f"`register-job` in namespace `{dispatch.target.namespace}`, or the right to a volume of the job"
        return f"the token lacks {lacks}. Run `nomatron doctor`."
    return attempt.text


async def _wait(tx: Transaction, dispatch: Begun, verdict: Verdict, now: datetime) -> None:
    """Look at Nomad again later, and tell people if this takes long, because nothing is certain yet."""
    deploy = dispatch.deploy
    blocked = deploy.blocked
    if verdict is Verdict.ASK:
        blocked = (replace(_UNPROVABLE, text=f"{_UNPROVABLE.text} {how_to_resolve(deploy)}"),)
    elif not blocked and abs(now - deploy.changed_at) >= NOTIFY_AFTER:
        blocked = (replace(_UNKNOWN, text=f"{_UNKNOWN.text} {how_to_resolve(deploy)}"),)
    await tx.save_deploy(replace(deploy, due_at=now + LOOK_AGAIN, blocked=blocked))
    # once: this step runs every two seconds
    if blocked != deploy.blocked:
        await redraw(tx, deploy, now)
        await reply(tx, deploy, to_requester(deploy, blocked[0].text), now)


async def _leave(
    tx: Transaction, dispatch: Begun, to: Status, event: EventType, detail: str, now: datetime, **changes: datetime
) -> None:
    deploy = dispatch.deploy
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


async def _land(tx: Transaction, dispatch: Begun, sighting: Sighting, evaluation: str, now: datetime) -> None:
    """Start to follow the registered job, and plan the other deploys of this service there again."""
    deploy = await transition(
        tx,
        dispatch.deploy,
        Status.ROLLING,
        at=now,
        event=EventType.DEPLOY_LANDED,
        actor=WORKER,
        catalog=dispatch.deploy.catalog,
        data={**sighting.made, **({"by_person": True} if sighting.by_person else {})},
        changes={"landed_at": now, **({} if sighting.by_person else {"resolution": ""})},
    )
    version, index = sighting.version, sighting.job_modify_index
    begun = Rollout.begun(deploy.id, RolloutKind.DEPLOY, now, version=version, index=index, evaluation=evaluation)
    await tx.save_rollout(begun)
    if dispatch.plan.base is not None and dispatch.plan.base.deploy is not None:
        # it no longer runs, so its message must not offer to roll it back
        await tx.send(Outgoing(kind=Delivery.CARD, deploy_id=dispatch.plan.base.deploy), now)
    await plan_others_again(tx, deploy, now)


async def plan_others_again(tx: Transaction, landed: Deploy, now: datetime) -> None:
    """Plan every other waiting or ready deploy of this service there again, because the live job has changed."""
    cause = f"{landed.number} ({landed.release_name}) was deployed in the meantime; planning again."
    for other in await tx.open_deploys(landed.service, landed.environment):
        locked = require(await tx.lock_deploy(other.id), other.number)
        if locked.status in _PLANNED:
            await plan_again(tx, locked, at=now, actor=WORKER, catalog=locked.catalog, cause=cause)
