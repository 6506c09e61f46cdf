"""Lock: close a service in an environment, an environment or everything, with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.decision import Allowed, Refused, every
from bot.domain.locks import Lock, already_locked, ends_at
from bot.operations.deploys.decide import NOWHERE
from bot.operations.locks.change import LockCase, change, current_lock, place

if TYPE_CHECKING:
    from bot.domain.actor import Actor
    from bot.domain.locks import Target
    from bot.operations.deploys.decide import Origin
    from bot.ports import Ports


async def lock(ports: Ports, actor: Actor, target: Target, *, origin: Origin = NOWHERE) -> Lock | Refused:
    """Place a lock. Whatever is ready waits from now on; what is on its way to Nomad finishes. Raises ``Replayed``."""
    return await change(ports, actor, "lock", target, _decide, origin=origin)


async def _decide(case: LockCase) -> Lock | Refused:
    current, catalog = case.current, case.active.catalog
    taken = already_locked(current, catalog) if current is not None and current.in_force(case.now) else Allowed()
    decision = every([case.may, taken])
    if isinstance(decision, Refused):
        return await case.record_refusal("lock", decision)
    await current_lock(case.tx, case.active, case.scope, case.now)
    placed = Lock(
        service=case.scope.service,
        environment=case.scope.environment,
        reason=case.target.reason.strip(),
        holder=case.actor,
        placed_at=case.now,
        until=ends_at(case.target, case.now),
    )
    return await place(case.tx, case.active, placed, **case.judged)
