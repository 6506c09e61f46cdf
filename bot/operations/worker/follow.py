"""Follow: observe a rollout until Nomad says how it ended, and Nomad's own revert until that ends, too.

A deploy that ended without a rollout is looked for in Nomad, if an attempt of it may still land (``late``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.audit.events import EventType, event_of
from bot.domain.decision import Reason
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.follow import judge, stuck_at
from bot.domain.deploy.rollout import RolloutKind, RolloutStatus
from bot.domain.deploy.sentences import failed_task, waiting_for, why_ended
from bot.errors import NomadForbidden, NomadUnavailable
from bot.operations.deploys.decide import lock_claimed
from bot.operations.deploys.target import catalog_for, same_target, target_of
from bot.operations.deploys.transitions import LONGEST_DETAIL, redraw, reply, to_requester, transition
from bot.operations.require import require
from bot.operations.worker import late
from bot.operations.worker.claim import WORKER, Work, hold

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.rollout import Rollout
    from bot.operations.deploys.target import Target
    from bot.ports import Ports
    from bot.ports.claims import Claim
    from bot.ports.store import Transaction

POLL = timedelta(seconds=10)
"""How soon a rollout is observed again while the cluster's event stream is not read."""
SLOW_POLL = timedelta(minutes=5)
"""How soon it is observed again while that is read and tells of every change."""
RETRY_AFTER = timedelta(seconds=3)

_ENDS = {
    RolloutStatus.SUCCEEDED: (Status.SUCCEEDED, EventType.DEPLOY_SUCCEEDED),
    RolloutStatus.FAILED: (Status.FAILED, EventType.DEPLOY_FAILED),
    RolloutStatus.SUPERSEDED: (Status.SUPERSEDED, EventType.DEPLOY_SUPERSEDED),
}


_LATE_ENDS = {
    RolloutStatus.SUCCEEDED: "has succeeded",
    RolloutStatus.FAILED: "has failed",
    RolloutStatus.SUPERSEDED: "was replaced by a newer version",
}


@dataclass(frozen=True, slots=True)
class _Progress:
    """A deploy's rollouts, by number: as they were stored, and as they are now."""

    before: dict[int, Rollout]
    after: dict[int, Rollout]
    due_at: datetime | None
    again_at: datetime
    log: str = ""

    @property
    def ours(self) -> Rollout | None:
        """The deploy's own rollout; None before it has one."""
        return next((each for each in self.after.values() if each.kind is RolloutKind.DEPLOY), None)

    @property
    def changed(self) -> tuple[Rollout, ...]:
        return tuple(each for number, each in self.after.items() if self.before.get(number) != each)

    @property
    def running(self) -> bool:
        return any(each.status is RolloutStatus.RUNNING for each in self.after.values())


async def step(ports: Ports) -> bool:
    """Observe the rollout that is due: of a rolling deploy, of a failed one that Nomad reverts, or a late one."""
    return await WORK.once(ports)


async def _follow(ports: Ports, claim: Claim) -> None:
    if claim.status is not Status.ROLLING and await late.look(ports, claim):
        return
    try:
        progress = await _observe(ports, claim)
    except (NomadUnavailable, NomadForbidden) as error:
        # a failed read decides nothing: the rollout goes on in Nomad meanwhile
        await hold(ports, claim, (Reason(error.code, f"Nomad: {error}"),), RETRY_AFTER)
        return
    now = ports.clock.now()
    async with ports.begin() as tx:
        deploy = await lock_claimed(tx, claim)
        if deploy.due_at is None:
            # a person has resolved the rollout meanwhile
            return
        for rollout in progress.changed:
            await tx.save_rollout(rollout)
        await _save_progress(tx, deploy, progress, now)


# a success has landed, and ``offer`` looks at it
_ENDED = frozenset(status for status in Status if not status.open and status is not Status.SUCCEEDED)
FOLLOWED = _ENDED | {Status.ROLLING}
WORK = Work(FOLLOWED, _follow, within=SLOW_POLL)


async def _observe(ports: Ports, claim: Claim) -> _Progress:
    async with ports.store.read() as reading:
        deploy = require(await reading.deploy(claim.deploy_id), f"D-{claim.deploy_id}")
        catalog, active = await catalog_for(reading, deploy), await reading.active_catalog()
        rollouts = await reading.rollouts(deploy.id)
    target = target_of(ports.nomads, catalog, deploy)
    # asked before the look: what happens during it is told. ``nudge`` finds a rolling deploy by the active catalog
    told = deploy.status is Status.ROLLING and same_target(catalog, active.catalog, deploy)
    told = told and target.nomad.quiet(target.namespace, target.job_id) > timedelta(0)
    again_at = ports.clock.now() + (SLOW_POLL if told else POLL)
    after = {rollout.number: rollout for rollout in rollouts}
    for rollout in rollouts:
        if rollout.status is RolloutStatus.RUNNING:
            # only rollouts that run: an ended one keeps its result, whatever happens to the job later
            seen = await target.nomad.observe(target.namespace, target.job_id, rollout, target.show)
            after |= {judged.number: judged for judged in judge(rollout, seen, ports.clock.now())}
            stuck = stuck_at(after[rollout.number], seen)
            again_at = min(again_at, stuck) if stuck > ports.clock.now() else again_at
    progress = _Progress({rollout.number: rollout for rollout in rollouts}, after, deploy.due_at, again_at)
    return replace(progress, log=await _log(target, progress))


async def _log(target: Target, progress: _Progress) -> str:
    """The end of the log of the task that failed the deploy just now, if its environment wants that."""
    ours, lines = progress.ours, target.environment.logs
    if not lines or ours is None or ours not in progress.changed or ours.status is not RolloutStatus.FAILED:
        return ""
    failure = ours.failure
    if failure is None or not failure.task:
        return ""
    return await target.nomad.log_tail(target.namespace, target.job_id, failure, lines, target.show)


async def _save_progress(tx: Transaction, deploy: Deploy, progress: _Progress, now: datetime) -> None:
    """Save the deploy's new state, record events and redraw its message."""
    # an event that came after the observation made the deploy due: to overwrite that would lose the event
    nudged = deploy.due_at != progress.due_at
    due_at = (now if nudged else progress.again_at) if progress.running else None
    ours = progress.ours
    if deploy.status is Status.ROLLING and ours is not None and ours.status is not RolloutStatus.RUNNING:
        # due at once after a success, so that `offer` can offer to promote it; after a failure a revert may still run
        # which no event makes due
        again_at = due_at and min(due_at, now + POLL)
        due_at = now if ours.status is RolloutStatus.SUCCEEDED else again_at
        await _end(tx, deploy, ours, due_at, now, progress.log)
    else:
        await tx.save_deploy(replace(deploy, blocked=(), due_at=due_at))
    for rollout in progress.changed:
        await _record_stuck(tx, deploy, progress.before.get(rollout.number), rollout, now)
        if rollout.kind is RolloutKind.REVERT:
            await _record_revert(tx, deploy, rollout, known=rollout.number in progress.before, now=now)
        if rollout.kind is RolloutKind.LATE and rollout.status is not RolloutStatus.RUNNING:
            how = _LATE_ENDS[rollout.status]
            text = f"{deploy.number}, which Nomad registered after it had ended, {how}: {why_ended(rollout)}"
            await reply(tx, deploy, to_requester(deploy, text), now)
    # `blocked` was cleared above: the message must no longer say that Nomad is unreachable
    if progress.changed or deploy.blocked:
        await redraw(tx, deploy, now)


async def _record_stuck(tx: Transaction, deploy: Deploy, before: Rollout | None, after: Rollout, now: datetime) -> None:
    """Record if a running rollout has become stuck, or makes progress again."""
    was = before is not None and before.stuck
    if after.stuck != was and after.status is RolloutStatus.RUNNING:
        kind = EventType.DEPLOY_STUCK if after.stuck else EventType.DEPLOY_MOVING
        detail = waiting_for(after)[:LONGEST_DETAIL]
        await tx.record(event_of(kind, WORKER, deploy, now, deploy.catalog, detail=detail))


async def _end(
    tx: Transaction, deploy: Deploy, ours: Rollout, due_at: datetime | None, now: datetime, log: str
) -> None:
    status, event = _ENDS[ours.status]
    detail = why_ended(ours)
    words = {
        Status.SUCCEEDED: f"{deploy.service} {deploy.release_name} succeeded in {deploy.environment}: {detail}",
        Status.FAILED: f"{deploy.number} failed: {detail}",
        Status.SUPERSEDED: f"{deploy.number} was superseded: {detail}",
    }
    await transition(
        tx,
        deploy,
        status,
        at=now,
        event=event,
        actor=WORKER,
        catalog=deploy.catalog,
        data={
            "cause": _cause(ours)[:LONGEST_DETAIL],
            "detail": detail[:LONGEST_DETAIL],
            "seconds": int((now - ours.started_at).total_seconds()),
        },
        changes={"detail": detail, "due_at": due_at},
        # the log is in this note only: its secrets cannot all be told
        note=replace(to_requester(deploy, words[status], _failed_event(ours)), code=log),
    )


def _cause(ours: Rollout) -> str:
    """A short reason: the task that failed first, or else Nomad's description."""
    return failed_task(ours.failure) if ours.task_failed and ours.failure else ours.detail


def _failed_event(rollout: Rollout) -> tuple[str, ...]:
    """The first failed task event in Nomad's words, as lines of a note; empty if there is none."""
    failure = rollout.failure
    if failure is None or rollout.status is not RolloutStatus.FAILED:
        return ()
    code = "" if failure.exit_code is None else f" (exit code {failure.exit_code})"
    where = "/".join(part for part in (failure.group, failure.task) if part)
    return (f"{where}, allocation {failure.allocation[:8]}: {failure.event}{code}: {failure.message}",)


async def _record_revert(tx: Transaction, deploy: Deploy, rollout: Rollout, *, known: bool, now: datetime) -> None:
    """Record the start and the end of Nomad's own revert, and tell the requester about its end."""
    # its start has been recorded, and its counters are no news
    if known and rollout.status is RolloutStatus.RUNNING:
        return
    data = {"job_version": rollout.job_version or 0, "status": rollout.status.value}
    await tx.record(event_of(EventType.DEPLOY_REVERTED, WORKER, deploy, now, deploy.catalog, **data))
    if rollout.status is not RolloutStatus.RUNNING:
        text = f"Nomad's own revert of {deploy.number} {rollout.status.value}: {why_ended(rollout)}"
        await reply(tx, deploy, to_requester(deploy, text), now)
