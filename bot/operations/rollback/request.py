"""Roll back: request what ran before, lock the service there, and let the rollback go first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.domain.access import Permission
from bot.domain.actor import Operator, human_behind
from bot.domain.audit.evidence import membership_of
from bot.domain.decision import Allowed, Refused
from bot.domain.deploy.deploy import BASELINE, Deploy
from bot.domain.deploy.gates import Ask, check_requester, interests, seats_of
from bot.domain.locks import Lock, LockScope
from bot.domain.rollback import check_rollback, in_the_way, in_words, rollback_of
from bot.errors import AmbiguousCommit
from bot.operations.deploys.decide import (
    NOWHERE,
    ROUNDS,
    START_OVER,
    ask_membership,
    no_such_deploy,
    people_to_ask,
)
from bot.operations.deploys.request import Requested, add, refusal_event, refuse_ask
from bot.operations.deploys.target import check_target, lane_of
from bot.operations.deploys.transitions import held_now, reply, to_requester
from bot.operations.locks.change import current_lock, place
from bot.operations.rollback.way_back import Found, changed_outside, find

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.access import Membership
    from bot.domain.actor import Actor
    from bot.domain.decision import Decision, Reason
    from bot.domain.rollback import Rollback
    from bot.operations.deploys.decide import Origin
    from bot.ports import Ports
    from bot.ports.store import ActiveCatalog, Transaction


async def request_rollback(
    ports: Ports, actor: Actor, asked: Rollback, *, origin: Origin = NOWHERE
) -> Requested | Refused:
    """Record a rollback and lock the service there with its reason; refused with every reason.

    If the same rollback is open already, that is returned, whoever requested it. An operator on the host needs no
    permission. Raises ``CatalogMissing``, ``Replayed``, and ``AmbiguousCommit`` if nobody can tell whether it was
    written.
    """
    for _ in range(ROUNDS):
        async with ports.store.read() as reading:
            active = await reading.active_catalog()
        service, environment, well_formed = check_rollback(active.catalog, asked)
        if isinstance(well_formed, Refused):
            return await refuse_ask(ports, actor, _ask(asked), well_formed, origin)
        membership = await _membership(ports, active, service, environment, actor)
        if isinstance(membership, Refused):
            return await refuse_ask(ports, actor, _ask(asked), membership, origin)
        # whoever clicked on a message means what that deploy did
        outside = asked.undoes is None and await changed_outside(ports, active.catalog, service, environment)
        answer: Requested | Refused | None = None
        try:
            async with ports.begin() as tx:
                # whoever places a lock holds the catalog exclusively
                unchanged = await tx.lock_catalog(exclusive=True) == active.fingerprint
                await tx.lock_service(service, environment)
                request = _Request(
                    outside, tx, active, asked, service, environment, actor, membership, origin, ports.clock.now()
                )
                answer = await request.decide() if unchanged else None
        except AmbiguousCommit as doubt:
            if answer is None or not await origin.was_committed(ports, doubt):
                continue
        if answer is not None:
            return answer
    return START_OVER


async def preview(ports: Ports, deploy_id: int) -> Deploy | Refused:
    """The rollback that the button on a deploy's message would request, not recorded; refused if there is none."""
    now = ports.clock.now()
    async with ports.store.read() as reading:
        subject = await reading.subject(deploy_id)
        if subject is None:
            return no_such_deploy(deploy_id)
        deploy, active = subject
        await check_target(reading, active.catalog, deploy)
        asked = rollback_of(deploy)
        found = await find(reading, active.catalog, asked, deploy.service, deploy.environment, now)
    return found if isinstance(found, Refused) else draft(found, asked, active, deploy.requester, NOWHERE, now)


def draft(found: Found, asked: Rollback, active: ActiveCatalog, actor: Actor, origin: Origin, now: datetime) -> Deploy:
    """The rollback as a deploy: release and settings are those of what it goes back to."""
    back, target = found.back, found.target
    service, environment = target.service, target.environment
    return Deploy(
        service=service,
        environment=environment,
        version=BASELINE if back.baseline else target.version,
        release="" if back.baseline else target.release,
        revision=1 if back.baseline else target.revision,
        overrides={} if back.baseline else target.overrides,
        reason=asked.reason.strip(),
        requester=actor,
        requested_at=now,
        expires_at=now + active.catalog.environments[environment].expires,
        catalog=active.fingerprint,
        asked_in=origin.channel,
        asked_via=origin.response_url,
        changed_at=now,
        due_at=now,
        lane=lane_of(active.catalog, environment),
        # what it undoes may still be rolling out, and the sooner that ends the better
        replaces=True,
        rollback=back,
    )


def _ask(asked: Rollback) -> Ask:
    """What was asked, as far as it is known, for the audit event of a refusal."""
    return Ask(
        service=asked.service,
        version=asked.target,
        environment=asked.environment,
        overrides={},
        reason=asked.reason,
    )


async def _membership(
    ports: Ports, active: ActiveCatalog, service: str, environment: str, actor: Actor
) -> Membership | Refused | None:
    if isinstance(actor, Operator):
        return None
    groups = interests(active.catalog, service, environment, rollback=True)
    people = people_to_ask(active.catalog, service, environment, human_behind(actor), rollback=True)
    return await ask_membership(ports, groups, people)


@dataclass(frozen=True, slots=True)
class _Request:
    outside: bool
    tx: Transaction
    active: ActiveCatalog
    asked: Rollback
    service: str
    environment: str
    actor: Actor
    membership: Membership | None
    origin: Origin
    now: datetime

    async def decide(self) -> Requested | Refused:
        await self.origin.remember(self.tx, self.now)
        found = await self._find()
        allowed = self._may(None if isinstance(found, Refused) else self._deploy(found))
        reasons = [each for one in (allowed, found) if isinstance(one, Refused) for each in one.reasons]
        if isinstance(found, Refused) or reasons:
            return await self._refuse(Refused(tuple(reasons)))
        others = await self.tx.open_deploys(self.service, self.environment)
        other = in_the_way(others, found.back)
        if isinstance(other, Refused):
            return await self._refuse(other)
        if other is not None:
            return Requested(other, existing=True, holds=await self._holds(other))
        return await self._add(self._deploy(found))

    async def _find(self) -> Found | Refused:
        where = self.service, self.environment
        return await find(self.tx, self.active.catalog, self.asked, *where, self.now, outside=self.outside)

    def _may(self, deploy: Deploy | None) -> Decision:
        """Whether the actor may roll back there, and whether the approvals that it needs could be given."""
        if self.membership is None:
            return Allowed()
        return check_requester(
            self.actor,
            Permission.ROLLBACK,
            service=self.service,
            environment=self.environment,
            catalog=self.active.catalog,
            membership=self.membership,
            seats=() if deploy is None else seats_of(self.active.catalog, deploy),
        )

    async def _refuse(self, refused: Refused) -> Refused:
        event = refusal_event(self.actor, _ask(self.asked), self.environment, refused, self.now)
        judged = {}
        if self.membership is not None:
            judged = {"judged": membership_of([human_behind(self.actor)], self.active.catalog, self.membership)}
        await self.tx.record(replace(event, catalog=self.active.fingerprint, data={**event.data, **judged}))
        return refused

    def _deploy(self, found: Found) -> Deploy:
        return draft(found, self.asked, self.active, self.actor, self.origin, self.now)

    async def _add(self, deploy: Deploy) -> Requested:
        # no quota: in a bad night somebody may have to roll back everything, and of each place one is open at most
        deploy = await add(self.tx, deploy)
        await self._tell_undone(deploy)
        scope = LockScope(self.service, self.environment)
        lift = f"To lift the lock: `/deploy unlock {scope.name} because TEXT`."
        note = f"{scope.name} was locked already, so no lock was added. {lift}"
        if await current_lock(self.tx, self.active, scope, self.now) is None:
            lock = Lock(
                service=self.service,
                environment=self.environment,
                reason=deploy.reason or "",
                holder=self.actor,
                placed_at=self.now,
                rollback=deploy.id,
            )
            await place(self.tx, self.active, lock)
            note = f"{scope.name} is locked with this reason: other deploys wait. {lift}"
        notes = (*in_words(deploy), note)
        return Requested(deploy, existing=False, notes=notes, holds=await self._holds(deploy))

    async def _tell_undone(self, deploy: Deploy) -> None:
        """Say in the thread of what is rolled back who does that, and why."""
        number = deploy.rollback.undoes_deploy if deploy.rollback is not None else None
        undone = await self.tx.deploy(number) if number is not None else None
        if undone is None:
            return
        user = human_behind(self.actor)
        note = to_requester(undone, f"{undone.number} is rolled back: {deploy.number}.", in_words(deploy)[:1])
        said = ((user, f"asked for it: {deploy.reason}"),) if user else ()
        await reply(self.tx, undone, replace(note, said=said), self.now)

    async def _holds(self, deploy: Deploy) -> tuple[Reason, ...]:
        """What will delay the rollback, as far as that is known now."""
        held = await held_now(self.tx, deploy, self.now) if deploy.status.undecided else Allowed()
        return held.reasons if isinstance(held, Refused) else ()
