"""Shown: who has been shown which plan, so that a typed approval is of a change that the person knows.

It is recorded in the audit log, as the evidence of the approval that may follow, and only if a deploy's change is no
longer its first: before that there is nothing else that a person could mean.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bot.domain.audit.events import EventType, event_of
from bot.domain.deploy.approval import is_same_change
from bot.ports.audit import AuditQuery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.actor import Actor
    from bot.domain.deploy.approval import PlanMark
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.plan import Plan
    from bot.ports import Ports
    from bot.ports.store import Reading

_MOST_READ = 100
"""A person's newest events about a deploy that are read; one who did more since then is shown the plan again."""


async def has_seen(reading: Reading, actor: Actor, deploy: Deploy, marks: Sequence[PlanMark]) -> bool:
    """Whether the person can only mean the deploy's current change, or has been shown it."""
    if not any(mark.changed for mark in marks):
        return True
    found = await reading.audit_page(AuditQuery(deploy=deploy.id, actor=actor), _MOST_READ)
    bodies = [json.loads(each.body) for each in found]
    shown = [body["data"]["plan"] for body in bodies if body["type"] == EventType.DEPLOY_SHOWN]
    return any(is_same_change(marks, plan, deploy.plan) for plan in shown)


async def depends_on_a_look(ports: Ports, actor: Actor, deploy: Deploy) -> bool:
    """Whether a typed approval by this person counts only after they have been shown the deploy's current plan."""
    if not deploy.status.undecided:
        return False
    async with ports.store.read() as reading:
        return not await has_seen(reading, actor, deploy, await reading.plan_marks(deploy.id))


async def record_shown(ports: Ports, actor: Actor, deploy: Deploy, plan: Plan) -> None:
    """Record that the person has been shown this plan, if a typed approval depends on that.

    To be called once Slack has taken the message: an answer that was lost is no look.
    """
    if not await depends_on_a_look(ports, actor, deploy):
        return
    async with ports.begin() as tx:
        fingerprint = (await tx.active_catalog()).fingerprint
        at = ports.clock.now()
        await tx.record(event_of(EventType.DEPLOY_SHOWN, actor, deploy, at, fingerprint, plan=plan.number))
