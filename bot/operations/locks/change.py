"""What placing and lifting a lock share: who asks, the transaction that decides, and what it writes.

A change of locks holds the catalog exclusively, and every decision about a deploy holds it shared. So a lock that is
placed before a deploy is claimed for dispatch holds it, and one that is placed after that changes nothing about it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.domain.actor import Operator, human_behind
from bot.domain.audit.events import Event, EventType
from bot.domain.audit.evidence import membership_of
from bot.domain.decision import Refused
from bot.domain.deploy.message import Delivery, Note, Outgoing
from bot.domain.locks import LockScope, check_words, locate, lock_groups, may_lock, places_of, reason_of, touches
from bot.errors import AmbiguousCommit
from bot.operations.deploys.decide import NOWHERE, ROUNDS, START_OVER, ask_membership
from bot.operations.deploys.transitions import EXPIRY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from datetime import datetime

    from bot.domain.access import Membership
    from bot.domain.actor import Actor
    from bot.domain.catalog.catalog import Catalog
    from bot.domain.decision import Decision
    from bot.domain.locks import Lock, Target
    from bot.operations.deploys.decide import Origin
    from bot.ports import Ports
    from bot.ports.store import ActiveCatalog, Transaction

_MOST_OTHERS = 5


@dataclass(frozen=True, slots=True)
class LockCase:
    """What a decision about a lock gets: the transaction, the locks that were read in it, and who asks for what.

    ``membership`` is None for an operator on the host, who needs no permission and no Slack.
    """

    tx: Transaction
    active: ActiveCatalog
    locks: tuple[Lock, ...]
    scope: LockScope
    target: Target
    actor: Actor
    membership: Membership | None
    now: datetime

    @property
    def current(self) -> Lock | None:
        """The lock on exactly that which nobody has ended."""
        return next((lock for lock in self.locks if lock.scope == self.scope), None)

    @property
    def may(self) -> Decision:
        """Whether the actor has the permission for all of the scope."""
        return may_lock(self.actor, self.scope, self.active.catalog, self.membership)

    @property
    def judged(self) -> dict[str, object]:
        """The evidence of the decision for the audit log."""
        if self.membership is None:
            return {}
        return {"judged": membership_of([human_behind(self.actor)], self.active.catalog, self.membership)}

    async def record_refusal(self, act: str, refusal: Refused) -> Refused:
        """Record that the actor was not allowed to do that, and why; returns the refusal."""
        data = {"act": act, "codes": list(refusal.codes), "target": self.scope.name, **self.judged}
        kind, decided_by = EventType.ACTION_REFUSED, self.active.fingerprint
        await self.tx.record(event_about(self.scope, kind, self.actor, self.now, decided_by, **data))
        return refusal


async def change(
    ports: Ports,
    actor: Actor,
    act: str,
    target: Target,
    decision: Callable[[LockCase], Awaitable[Lock | Refused]],
    *,
    origin: Origin = NOWHERE,
) -> Lock | Refused:
    """Run ``decision`` with fresh membership in one transaction, and commit what it wrote.

    Refused, and recorded, if the words are wrong or Slack's groups are unavailable. An operator is asked for neither.
    Raises ``CatalogMissing``, ``Replayed``, and ``AmbiguousCommit`` if nobody can tell whether it was written.
    """
    for _ in range(ROUNDS):
        async with ports.store.read() as reading:
            active, known = await reading.active_catalog(), await reading.locks()
        # what the catalog no longer has can be unlocked, but not locked
        services, environments = places_of(active.catalog, known if act == "unlock" else ())
        scope = locate(target, services=services, environments=environments)
        wrong = check_words(target)
        reasons = [reason for each in (scope, wrong) if isinstance(each, Refused) for reason in each.reasons]
        if isinstance(scope, Refused) or reasons:
            return await _refuse_words(ports, actor, act, target, Refused(tuple(reasons)), origin)
        membership = await _membership(ports, active.catalog, scope, actor)
        if isinstance(membership, Refused):
            return await _refuse_words(ports, actor, act, target, membership, origin)
        result: Lock | Refused | None = None
        try:
            async with ports.begin() as tx:
                unchanged = await tx.lock_catalog(exclusive=True) == active.fingerprint
                now, locks = ports.clock.now(), await tx.locks()
                case = LockCase(tx, active, locks, scope, target, actor, membership, now)
                result = await _decided(case, decision, origin) if unchanged else None
        except AmbiguousCommit as doubt:
            if result is None or not await origin.was_committed(ports, doubt):
                continue
        if result is not None:
            return result
    return START_OVER


async def _decided(
    case: LockCase, decision: Callable[[LockCase], Awaitable[Lock | Refused]], origin: Origin
) -> Lock | Refused:
    await origin.remember(case.tx, case.now)
    return await decision(case)


async def _membership(ports: Ports, catalog: Catalog, scope: LockScope, actor: Actor) -> Membership | Refused | None:
    if isinstance(actor, Operator):
        return None
    user = human_behind(actor)
    groups = [group.usergroup for group in lock_groups(catalog, scope) if group.usergroup]
    return await ask_membership(ports, groups, [user] if user else [])


async def _refuse_words(
    ports: Ports, actor: Actor, act: str, target: Target, refusal: Refused, origin: Origin
) -> Refused:
    """Record a refusal that no transaction decided."""
    now = ports.clock.now()
    where = f" in {target.environment}" if target.environment else ""
    data = {"act": act, "codes": list(refusal.codes), "target": f"{target.word}{where}"[:128]}
    async with ports.begin() as tx:
        await origin.remember(tx, now)
        await tx.record(Event(type=EventType.ACTION_REFUSED, at=now, actor=actor, data=data))
    return refusal


def event_about(scope: LockScope, kind: EventType, actor: Actor, at: datetime, catalog: str, **data: object) -> Event:
    """An audit event about a scope, decided by the catalog of that fingerprint."""
    service, environment = scope.service or None, scope.environment or None
    return Event(type=kind, at=at, actor=actor, service=service, environment=environment, catalog=catalog, data=data)


async def place(tx: Transaction, active: ActiveCatalog, lock: Lock, **data: object) -> Lock:
    """Add a lock, record and announce it, and have what it closes judged anew; returns it with its number.

    The transaction must hold the catalog exclusively, and nothing may lock exactly the same. ``data`` is evidence.
    """
    placed = await tx.add_lock(lock)
    known = {"lock": placed.id, "reason": placed.reason, "until": placed.until, "rollback": placed.rollback, **data}
    told = {key: value for key, value in known.items() if value is not None}
    kind, at = EventType.LOCK_PLACED, placed.placed_at
    await tx.record(event_about(placed.scope, kind, placed.holder, at, active.fingerprint, **told))
    note = Note(
        text="A lock was placed. Deploys that are ready wait now. Rollouts that run finish.",
        reasons=(reason_of(placed, active.catalog),),
        lines=(f"To lift the lock: `/deploy unlock {placed.scope.name} because TEXT`.",),
    )
    await _announce(tx, active.catalog, placed.scope, note, at)
    await tx.judge_under(placed.scope, at)
    return placed


async def current_lock(tx: Transaction, active: ActiveCatalog, scope: LockScope, now: datetime) -> Lock | None:
    """The lock on exactly that which is in force. One whose time is over is ended first.

    The transaction must hold the catalog exclusively.
    """
    held = next((lock for lock in await tx.locks() if lock.scope == scope), None)
    if held is None or held.in_force(now):
        return held
    # nobody has said so yet
    await end(tx, active, held, EventType.LOCK_EXPIRED, by=EXPIRY, at=now)
    return None


async def end(
    tx: Transaction, active: ActiveCatalog, lock: Lock, kind: EventType, *, by: Actor, at: datetime, why: str = "",
    **data: object,
) -> Lock:  # fmt: skip
    """Store, record and announce that a lock has ended, and let what it held go on; returns it as stored.

    The transaction must hold the catalog exclusively.
    """
    ended = replace(lock, ended_at=at, ended_by=by, ended_because=why)
    await tx.save_lock(ended)
    told = {"lock": lock.id, "placed_by": lock.holder.key, "placed_at": lock.placed_at, "locked": lock.reason, **data}
    reason = {"reason": why} if why else {}
    await tx.record(event_about(lock.scope, kind, by, at, active.fingerprint, **told, **reason))
    others = [each for each in await tx.locks() if each.in_force(at) and touches(lock.scope, each)]
    await _announce(tx, active.catalog, lock.scope, _ended_note(ended, by, others, active.catalog), at)
    await tx.judge_under(lock.scope, at)
    return ended


def _ended_note(lock: Lock, actor: Actor, others: Iterable[Lock], catalog: Catalog) -> Note:
    reasons = tuple(reason_of(each, catalog) for each in others)[:_MOST_OTHERS]
    user, holder = human_behind(actor), human_behind(lock.holder)
    name, because = lock.scope.name, lock.ended_because
    lines = [f"It was placed because: {lock.reason}"]
    if isinstance(actor, Operator):
        lines.append(f"{actor.name} lifted it on the host: {because}")
    how = "was lifted" if because else "has ended: its time is over"
    goes_on = "Other locks still close some or all of it:" if reasons else "What waited for it goes on."
    return Note(
        text=f"The lock on {name} {how}. {goes_on}",
        reasons=reasons,
        lines=tuple(lines),
        said=((user, f"lifted it: {because}"),) if user else (),
        # whoever placed it should know that somebody else ended it
        mention=(holder,) if holder and holder != user else (),
    )


async def _announce(tx: Transaction, catalog: Catalog, scope: LockScope, note: Note, at: datetime) -> None:
    """Queue the note for each channel in which deploys of the scope have their messages."""
    for channel in _channels(catalog, scope):
        await tx.send(Outgoing(kind=Delivery.NOTICE, channel=channel, note=note), at)


def _channels(catalog: Catalog, scope: LockScope) -> tuple[str, ...]:
    if not scope.environment:
        return tuple(dict.fromkeys(each.channel for each in catalog.environments.values()))
    if scope.environment not in catalog.environments:
        return (catalog.admin_channel,) if catalog.admin_channel else ()
    return (catalog.channel_for(scope.service, scope.environment),)
