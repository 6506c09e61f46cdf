"""Resolve: say what became of a deploy whose outcome Nomad cannot tell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from bot.domain.access import Permission
from bot.domain.actor import human_behind
from bot.domain.audit.events import EventType, event_of
from bot.domain.decision import Allowed, Refused, refuse
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.dispatch import Resolution, Result, how_to_resolve
from bot.domain.deploy.follow import settle
from bot.domain.deploy.gates import not_open
from bot.domain.deploy.rollout import Rollout, RolloutStatus
from bot.operations.deploys.decide import decide_on, no_such_deploy
from bot.operations.deploys.transitions import LONGEST_DETAIL, redraw, reply, to_requester, transition
from bot.operations.require import require

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.actor import Actor, Operator
    from bot.domain.decision import Decision
    from bot.domain.deploy.deploy import Deploy
    from bot.operations.deploys.decide import Case, Origin
    from bot.ports import Ports
    from bot.ports.store import Transaction

_ENDS = {
    Result.SUCCEEDED: (Status.SUCCEEDED, EventType.DEPLOY_SUCCEEDED, RolloutStatus.SUCCEEDED),
    Result.FAILED: (Status.FAILED, EventType.DEPLOY_FAILED, RolloutStatus.FAILED),
}


@dataclass(frozen=True, slots=True)
class Resolve:
    """What somebody says became of a deploy, and why."""

    deploy_id: int
    resolution: Resolution
    reason: str


async def resolve(ports: Ports, actor: Actor, asked: Resolve, *, origin: Origin) -> Deploy | Refused:
    """Settle what rolls out, or record what became of a dispatching deploy for the worker. Raises ``Replayed``."""
    decision = partial(_decide, actor=actor, asked=asked)
    return await decide_on(ports, asked.deploy_id, decision, act="resolve", actor=actor, origin=origin)


async def resolve_on_host(ports: Ports, operator: Operator, asked: Resolve) -> Deploy | Refused:
    """Do the same for an operator on the host, who needs no permission and no Slack."""
    async with ports.begin() as tx:
        catalog = await tx.lock_catalog()
        deploy = await tx.lock_deploy(asked.deploy_id)
        if deploy is None:
            return no_such_deploy(asked.deploy_id)
        unfit = await _unfit(tx, deploy, asked.resolution)
        if unfit is not None:
            return unfit
        return await _record(tx, deploy, operator, asked, ports.clock.now(), catalog)


async def _decide(case: Case, *, actor: Actor, asked: Resolve) -> Deploy | Refused:
    decision = _may_resolve(case, actor)
    if isinstance(decision, Allowed):
        decision = await _unfit(case.tx, case.deploy, asked.resolution) or decision
    if isinstance(decision, Refused):
        return await case.record_refusal(actor, "resolve", decision)
    return await _record(case.tx, case.deploy, actor, asked, case.now, case.facts.fingerprint)


def _may_resolve(case: Case, actor: Actor) -> Decision:
    facts = case.facts
    allowed = facts.may(actor, Permission.RESOLVE)
    if isinstance(allowed, Allowed) and facts.requester and human_behind(actor) == facts.requester:
        text = "You requested this deploy, so somebody else with the `resolve` permission has to say what became of it."
        return refuse("resolve-own", text)
    return allowed


def _wrong_state(deploy: Deploy) -> Refused:
    if deploy.status in {Status.DISPATCHING, Status.ROLLING}:
        doing = "on its way to Nomad" if deploy.status is Status.DISPATCHING else "rolling out"
        return refuse("cannot-resolve", f"{deploy.number} is {doing}. {how_to_resolve(deploy)}")
    if deploy.status.undecided:
        text = f"{deploy.number} was not sent to Nomad. To end it: `/deploy withdraw {deploy.number}`."
        return refuse("cannot-resolve", text)
    return not_open(deploy, "resolve")


async def _unfit(tx: Transaction, deploy: Deploy, resolution: Resolution) -> Refused | None:
    """The refusal of a word that does not fit the deploy's state, or of a job version that it cannot have made."""
    if deploy.status is not resolution.result.needs:
        goes_on = resolution.result in _ENDS and not deploy.status.open and await _running(tx, deploy)
        return None if goes_on else _wrong_state(deploy)
    # by check-and-set, only the version after the base is possible
    if resolution.result is not Result.LANDED:
        return None
    plan = require(await tx.plan(deploy.id, deploy.plan), f"the plan of {deploy.number}")
    only = 0 if plan.base_version is None else plan.base_version + 1
    if resolution.version == only:
        return None
    text = f"{deploy.number} can only have become job version {only}. If that is not its job: `not-landed`."
    return refuse("resolve-version", text)


async def _record(tx: Transaction, deploy: Deploy, actor: Actor, asked: Resolve, now: datetime, catalog: str) -> Deploy:
    """Record who said what, and why; end what rolls out, and leave a dispatching deploy to the worker."""
    resolution, reason = asked.resolution, asked.reason
    data = {"reason": reason[:LONGEST_DETAIL], "resolution": str(resolution), "plan": deploy.plan}
    running = await _running(tx, deploy)
    if not deploy.status.open:
        data["rollout"] = running[0].number
    await tx.record(event_of(EventType.DEPLOY_RESOLVED, actor, deploy, now, catalog, **data))
    if resolution.result not in _ENDS:
        # nothing leaves DISPATCHING while an attempt can still be on its way: the worker knows when that is
        saved = replace(deploy, resolution=str(resolution), due_at=now)
        await tx.save_deploy(saved)
        await redraw(tx, saved, now, urgent=True)
        said = f"said that {deploy.number} {_WORDS[resolution.result]}: {reason}"
        await reply(tx, saved, replace(to_requester(saved, _PENDING), said=_said(actor, said)), now)
        return saved
    status, event, ended = _ENDS[resolution.result]
    detail = f"Resolved by a person, not by Nomad: {reason}"
    for rollout in running:
        await tx.save_rollout(settle(rollout, ended, detail, now))
    if not deploy.status.open:
        # how the deploy itself ended stands; its message shows the rollout that went on
        saved = replace(deploy, blocked=(), due_at=None)
        await tx.save_deploy(saved)
        await redraw(tx, saved, now, urgent=True)
        text = f"The rollout of {deploy.number} {ended}. {detail}"
        said = f"resolved the rollout of {deploy.number} as {ended}."
        await reply(tx, saved, replace(to_requester(saved, text), said=_said(actor, said)), now)
        return saved
    note = to_requester(deploy, f"{deploy.number} {status}. {detail}")
    return await transition(
        tx,
        deploy,
        status,
        at=now,
        event=event,
        actor=actor,
        catalog=catalog,
        data={"detail": detail[:LONGEST_DETAIL]},
        changes={"detail": detail, "resolution": str(resolution)},
        note=replace(note, said=_said(actor, f"resolved {deploy.number} as {status}.")),
    )


async def _running(tx: Transaction, deploy: Deploy) -> list[Rollout]:
    """The rollouts that Nomad has not ended: its own revert and a late landing may go on after the deploy."""
    return [each for each in await tx.rollouts(deploy.id) if each.status is RolloutStatus.RUNNING]


_WORDS = {Result.LANDED: "landed", Result.NOT_LANDED: "did not land"}
_PENDING = (
    "This counts as soon as no attempt can still be on its way, unless Nomad itself shows what happened. If Nomad does "
    "not answer, it counts ten minutes after the last attempt."
)


def _said(actor: Actor, words: str) -> tuple[tuple[str, str], ...]:
    """Who said it, for the thread."""
    user = human_behind(actor)
    return ((user, words),) if user else ()
