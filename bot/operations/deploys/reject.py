"""Reject: end a deploy with a reason. Anyone who may approve it can reject it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from bot.domain.actor import human_behind
from bot.domain.audit.events import EventType
from bot.domain.decision import Allowed, Refused, every, instead, refuse
from bot.domain.deploy.approval import mentions, stale_plan
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import LONGEST_REASON, SHORTEST_REASON, not_open
from bot.operations.deploys.decide import decide_on
from bot.operations.deploys.transitions import to_requester, transition

if TYPE_CHECKING:
    from bot.domain.actor import Actor
    from bot.domain.decision import Decision
    from bot.domain.deploy.deploy import Deploy
    from bot.operations.deploys.decide import Case, Origin
    from bot.ports import Ports


async def reject(
    ports: Ports, actor: Actor, deploy_id: int, *, plan: int | None, reason: str, origin: Origin
) -> Deploy | Refused:
    """End the deploy as rejected, with the reason (3 to 1,000 characters). Raises ``Replayed``."""
    decision = partial(_reject, actor=actor, plan=plan, reason=reason.strip())
    return await decide_on(ports, deploy_id, decision, act="reject", actor=actor, origin=origin)


async def check_reject(
    ports: Ports, actor: Actor, deploy_id: int, *, plan: int | None, origin: Origin
) -> Deploy | Refused:
    """The deploy, if the person can reject it now; else refused, and recorded. For surfaces that ask for the reason.

    Raises ``Replayed``.
    """
    decision = partial(_check_reject, actor=actor, plan=plan)
    return await decide_on(ports, deploy_id, decision, act="reject", actor=actor, origin=origin)


async def _check_reject(case: Case, *, actor: Actor, plan: int | None) -> Deploy | Refused:
    decision = await _may_reject(case, actor, plan)
    return await case.record_refusal(actor, "reject", decision) if isinstance(decision, Refused) else case.deploy


async def _reject(case: Case, *, actor: Actor, plan: int | None, reason: str) -> Deploy | Refused:
    decision = await _may_reject(case, actor, plan, _is_reason(reason))
    if isinstance(decision, Refused):
        return await case.record_refusal(actor, "reject", decision)
    who = human_behind(actor)
    note = to_requester(case.deploy, f"{case.deploy.number} was rejected: {reason}")
    return await transition(
        case.tx,
        case.deploy,
        Status.REJECTED,
        at=case.now,
        event=EventType.DEPLOY_REJECTED,
        actor=actor,
        catalog=case.facts.fingerprint,
        data={"judged": case.judged(actor), "reason": reason},
        changes={"detail": reason},
        note=replace(note, users=(who,) if who else ()),
    )


async def _may_reject(case: Case, actor: Actor, plan: int | None, *more: Decision) -> Decision:
    deploy = case.deploy
    if deploy.status not in {Status.WAITING, Status.READY}:
        return not_open(deploy, "reject")
    marks = await case.marks_since(plan)
    return every([stale_plan(deploy, plan, marks), _is_approver(case, actor), *more])


def _is_approver(case: Case, actor: Actor) -> Decision:
    facts, user = case.facts, human_behind(actor) or ""
    if not facts.seats:
        number = facts.deploy.number
        return refuse(
            "not-an-approver", f"{number} needs no approval, so nobody rejects it. Its requester can withdraw it."
        )
    standing = facts.membership.standing(user)
    if isinstance(standing, Refused):
        return instead(standing, **mentions(facts.seats))
    if any(user in facts.membership.members(each.group) for each in facts.seats):
        return Allowed()
    return refuse(
        "not-an-approver",
        "Only people who may approve this deploy can reject it. Its requester can withdraw it.",
        **mentions(facts.seats),
    )


def _is_reason(reason: str) -> Decision:
    if SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        return Allowed()
    return refuse("reject-reason", f"Give a reason of {SHORTEST_REASON} to {LONGEST_REASON} characters.")
