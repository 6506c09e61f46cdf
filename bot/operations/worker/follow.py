"""Follow: look at a rollout until Nomad says how it ended, and a revert that Nomad makes by itself to its own end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.actor import human_behind
from bot.domain.audit.events import EventType
from bot.domain.decision import Reason
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.follow import is_stuck, judge
from bot.domain.deploy.message import Delivery, Note, Outgoing
from bot.domain.deploy.rollout import RolloutKind, RolloutStatus
from bot.errors import NomadForbidden, NomadUnavailable
from bot.operations.deploys.decide import event_of
from bot.operations.deploys.target import catalog_for, target_of
from bot.operations.require import kept
from bot.operations.worker.claim import WORKER, held_deploy, hold, work_on

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.rollout import Rollout
    from bot.ports import Ports
    from bot.ports.store import Claim, Transaction

POLL = timedelta(seconds=10)
"""How soon a rollout is looked at again where the event stream says nothing: the truth, should the stream be broken."""
RETRY_AFTER = timedelta(seconds=3)

_ENDS = {
    RolloutStatus.SUCCEEDED: (Status.SUCCEEDED, EventType.DEPLOY_SUCCEEDED),
    RolloutStatus.FAILED: (Status.FAILED, EventType.DEPLOY_FAILED),
    RolloutStatus.SUPERSEDED: (Status.SUPERSEDED, EventType.DEPLOY_SUPERSEDED),
}


@dataclass(frozen=True, slots=True)
class _Followed:
    """A deploy's rollouts as they were stored, and as Nomad makes them now."""

    before: dict[int, Rollout]
    after: dict[int, Rollout]
    due_at: datetime | None

    @property
    def changed(self) -> tuple[Rollout, ...]:
        return tuple(each for number, each in self.after.items() if self.before.get(number) != each)

    @property
    def running(self) -> bool:
        return any(each.status is RolloutStatus.RUNNING for each in self.after.values())


async def step(ports: Ports) -> bool:
    """Look at the rollout that is due: of a rolling deploy, or of a failed one that Nomad is reverting."""
    return await work_on(ports, Status.ROLLING, _follow) or await work_on(ports, Status.FAILED, _follow)


async def _follow(ports: Ports, claim: Claim) -> None:
    try:
        followed = await _observed(ports, claim)
    except (NomadUnavailable, NomadForbidden) as error:
        await hold(ports, claim, (Reason(error.code, f"Nomad: {error}"),), RETRY_AFTER)
        return
    now = ports.clock.now()
    async with ports.store.begin() as tx:
        deploy = await held_deploy(tx, claim)
        for rollout in followed.changed:
            await tx.save_rollout(rollout)
        await _told(tx, deploy, followed, now)
    ports.bell.ring()


async def _observed(ports: Ports, claim: Claim) -> _Followed:
    async with ports.store.read() as reading:
        deploy = kept(await reading.deploy(claim.deploy_id), f"D-{claim.deploy_id}")
        catalog = await catalog_for(reading, deploy)
        rollouts = await reading.rollouts(deploy.id)
    target = target_of(ports.nomads, catalog, deploy)
    after = {rollout.number: rollout for rollout in rollouts}
    for rollout in rollouts:
        if rollout.status is RolloutStatus.RUNNING:
            seen = await target.nomad.observe(target.namespace, target.job_id, rollout)
            after |= {judged.number: judged for judged in judge(rollout, seen, ports.clock.now())}
    return _Followed({rollout.number: rollout for rollout in rollouts}, after, deploy.due_at)


async def _told(tx: Transaction, deploy: Deploy, followed: _Followed, now: datetime) -> None:
    """Write what it means for the deploy, and have it shown."""
    nudged = deploy.due_at != followed.due_at
    due_at = (now if nudged else now + POLL) if followed.running else None
    ours = next((each for each in followed.after.values() if each.kind is RolloutKind.DEPLOY), None)
    if deploy.status is Status.ROLLING and ours is not None and ours.status is not RolloutStatus.RUNNING:
        # what succeeded may go on, now or when it has soaked (``offer``)
        await _end(tx, deploy, ours, now if ours.status is RolloutStatus.SUCCEEDED else due_at, now)
    else:
        await tx.save_deploy(replace(deploy, blocked=(), due_at=due_at))
    for rollout in followed.changed:
        await _stuck(tx, deploy, followed.before.get(rollout.number), rollout, now)
        if rollout.kind is RolloutKind.REVERT:
            await _reverting(tx, deploy, rollout, known=rollout.number in followed.before, now=now)
    if followed.changed or deploy.blocked:
        await tx.send(Outgoing(kind=Delivery.CARD, deploy_id=deploy.id), now)


async def _stuck(tx: Transaction, deploy: Deploy, before: Rollout | None, after: Rollout, now: datetime) -> None:
    """Record that a running rollout is stuck now, or moves again."""
    was, stuck = before is not None and is_stuck(before), is_stuck(after)
    if stuck != was and after.status is RolloutStatus.RUNNING:
        kind = EventType.DEPLOY_STUCK if stuck else EventType.DEPLOY_MOVING
        await tx.record(event_of(kind, WORKER, deploy, now, detail=after.note[:500]))


async def _end(tx: Transaction, deploy: Deploy, ours: Rollout, due_at: datetime | None, now: datetime) -> None:
    status, kind = _ENDS[ours.status]
    ended = deploy.advance(status, now, detail=ours.detail, due_at=due_at)
    await tx.save_deploy(ended)
    took = int((now - ours.started_at).total_seconds())
    await tx.record(event_of(kind, WORKER, ended, now, detail=ours.detail[:500], seconds=took))
    await tx.send(Outgoing(kind=Delivery.CARD, deploy_id=deploy.id, urgent=True), now)
    words = {
        Status.SUCCEEDED: f"{deploy.service} {deploy.version} succeeded in {deploy.environment}: {ours.detail}",
        Status.FAILED: f"{deploy.number} failed: {ours.detail}",
        Status.SUPERSEDED: f"{deploy.number} was overtaken: {ours.detail}",
    }
    await _thread(tx, deploy, Note(text=words[status], lines=_failure(ours), mention=_requester(deploy)), now)


def _failure(rollout: Rollout) -> tuple[str, ...]:
    """The first failed task event, in Nomad's words."""
    failure = rollout.failure
    if failure is None or rollout.status is not RolloutStatus.FAILED:
        return ()
    code = "" if failure.exit_code is None else f" (exit code {failure.exit_code})"
    return (f"{failure.group}/{failure.task}: {failure.event}{code}: {failure.message}",)


async def _reverting(tx: Transaction, deploy: Deploy, rollout: Rollout, *, known: bool, now: datetime) -> None:
    """Nomad's own revert: recorded when it begins and when it ends, and said when it ends."""
    if known and rollout.status is RolloutStatus.RUNNING:
        return
    data = {"job_version": rollout.job_version or 0, "status": rollout.status.value}
    await tx.record(event_of(EventType.DEPLOY_REVERTED, WORKER, deploy, now, None, **data))
    if rollout.status is not RolloutStatus.RUNNING:
        text = f"Nomad's own revert of {deploy.number} {rollout.status.value}: {rollout.detail}"
        await _thread(tx, deploy, Note(text=text, mention=_requester(deploy)), now)


def _requester(deploy: Deploy) -> tuple[str, ...]:
    user = human_behind(deploy.requester)
    return (user,) if user else ()


async def _thread(tx: Transaction, deploy: Deploy, note: Note, now: datetime) -> None:
    await tx.send(Outgoing(kind=Delivery.THREAD, deploy_id=deploy.id, note=note), now)
