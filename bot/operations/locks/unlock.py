"""Unlock: lift a lock, with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.domain.audit.events import EventType
from bot.domain.decision import Refused
from bot.domain.locks import Lock, may_lift, not_locked
from bot.operations.deploys.decide import NOWHERE
from bot.operations.locks.change import LockCase, change, end

if TYPE_CHECKING:
    from bot.domain.actor import Actor
    from bot.domain.locks import Target
    from bot.operations.deploys.decide import Origin
    from bot.ports import Ports


async def unlock(ports: Ports, actor: Actor, target: Target, *, origin: Origin = NOWHERE) -> Lock | Refused:
    """End the lock on exactly that; what it held goes on at once. Raises ``Replayed``."""
    return await change(ports, actor, "unlock", target, _decide, origin=origin)


async def _decide(case: LockCase) -> Lock | Refused:
    held = case.current
    if held is None or not held.in_force(case.now):
        others = [each for each in case.locks if each.in_force(case.now)]
        missing = not_locked(case.scope, others)
        allowed = case.may
        both = (*allowed.reasons, *missing.reasons) if isinstance(allowed, Refused) else missing.reasons
        return await case.record_refusal("unlock", Refused(both))
    allowed = may_lift(case.actor, held, case.active.catalog, case.membership)
    if isinstance(allowed, Refused):
        return await case.record_refusal("unlock", allowed)
    how: dict[str, Any] = {"by": case.actor, "at": case.now, "why": case.target.reason.strip(), **case.judged}
    return await end(case.tx, case.active, held, EventType.LOCK_LIFTED, **how)
