"""The one way to decide about an existing deploy: ask Slack first, then lock, read again, and decide on that.

Nothing talks to Slack or Nomad inside a transaction. Where the groups that matter changed between the asking and the
locking (a new catalog, another approver), it starts over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from bot.domain.actor import human_behind
from bot.domain.audit.events import Event, EventType
from bot.domain.audit.evidence import judged_on
from bot.domain.decision import Refused, refuse
from bot.domain.deploy.gates import Facts, fixed_members, interests
from bot.domain.deploy.message import Delivery, Outgoing
from bot.errors import MembershipUnknown, PlaceGone, StaleFence
from bot.operations.deploys.commit import written
from bot.operations.deploys.origin import NOWHERE, Origin
from bot.operations.require import kept

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from datetime import datetime

    from bot.domain.access import Membership
    from bot.domain.actor import Actor
    from bot.domain.catalog.catalog import Catalog
    from bot.domain.deploy.approval import Approval
    from bot.domain.deploy.deploy import Deploy
    from bot.ports import Ports
    from bot.ports.store import Claim, Reading, Transaction

Result = TypeVar("Result")

# a catalog that changes again and again while we ask is a person's typing, not a race: three rounds are plenty
_ROUNDS = 3
_MOST_PEOPLE_ASKED = 20


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a decision is made with: the open transaction, the facts read in it, and the instant."""

    tx: Transaction
    facts: Facts
    now: datetime

    @property
    def deploy(self) -> Deploy:
        """The locked deploy."""
        return self.facts.deploy

    def judged(self, *actors: Actor) -> dict[str, object]:
        """What it was judged on, for the record: the people and their groups, who sits where, what is missing."""
        return judged_on(self.facts, *actors)

    def without(self, approval: Approval) -> Judgement:
        """The same after an approval was taken back."""
        left = tuple(each for each in self.facts.approvals if each != approval)
        return replace(self, facts=replace(self.facts, approvals=left))

    async def record(self, kind: EventType, actor: Actor, **data: object) -> None:
        """The audit event of a change to this deploy."""
        await self.tx.record(event_of(kind, actor, self.deploy, self.now, self.facts.fingerprint, **data))

    async def redraw(self, *, urgent: bool = False) -> None:
        """Have the deploy's message drawn anew."""
        await self.tx.send(Outgoing(kind=Delivery.CARD, deploy_id=self.deploy.id, urgent=urgent), self.now)


def event_of(
    kind: EventType, actor: Actor, deploy: Deploy, at: datetime, catalog: str | None = None, **data: object
) -> Event:
    """An audit event about a deploy."""
    return Event(
        type=kind,
        at=at,
        actor=actor,
        deploy_id=deploy.id,
        service=deploy.service,
        environment=deploy.environment,
        catalog=catalog or deploy.catalog,
        data=data,
    )


async def judge(
    ports: Ports,
    deploy_id: int,
    decide: Callable[[Judgement], Awaitable[Result]],
    *,
    act: str = "",
    actor: Actor | None = None,
    claim: Claim | None = None,
    origin: Origin = NOWHERE,
) -> Result | Refused:
    """Run ``decide`` on the locked deploy with fresh membership, in one transaction, and commit what it wrote.

    ``act`` is what ``actor`` wants, for the record. Refused where there is no such deploy or Slack does not say who is
    who. Raises ``Replayed`` and ``StaleFence``, and ``PlaceGone`` where the catalog no longer has its place.
    """
    for _ in range(_ROUNDS):
        async with ports.store.read() as reading:
            asked = await _gather(reading, deploy_id)
        if asked is None:
            return refuse("unknown-deploy", f"There is no deploy D-{deploy_id}. See `/deploy status`.")
        user = human_behind(actor) if actor else None
        people = asked.people | ({user} if user else set())
        groups = interests(asked.catalog, asked.deploy.service, asked.deploy.environment)
        membership = await ask_membership(ports, groups, people, background=claim is not None)
        if isinstance(membership, Refused):
            return await _unheard(ports, asked, membership, act=act, actor=actor, origin=origin)
        decided = _Deciding(ports, asked, people, membership, claim, origin)
        done = await written(ports, origin, partial(decided.once, decide=decide))
        if done is not None:
            ports.bell.ring()
            return done[0]
    return refuse("catalog-busy", "The catalog changed while this was decided. Try again.")


async def _unheard(
    ports: Ports, asked: _Asked, refusal: Refused, *, act: str, actor: Actor | None, origin: Origin
) -> Refused:
    """Slack did not say who is who: what a person wanted is recorded all the same; a worker only looks again."""
    if actor is not None:
        now = ports.clock.now()
        data = {"act": act, "codes": list(refusal.codes), "plan": asked.deploy.plan}
        async with ports.store.begin() as tx:
            await origin.remember(tx, now)
            await tx.record(event_of(EventType.ACTION_REFUSED, actor, asked.deploy, now, asked.fingerprint, **data))
    return refusal


@dataclass(frozen=True, slots=True)
class _Asked:
    deploy: Deploy
    fingerprint: str
    catalog: Catalog
    approvals: tuple[Approval, ...]

    @property
    def people(self) -> frozenset[str]:
        requester = human_behind(self.deploy.requester)
        return frozenset({a.user.id for a in self.approvals if not a.void} | ({requester} if requester else set()))


async def _gather(reading: Reading, deploy_id: int) -> _Asked | None:
    deploy = await reading.deploy(deploy_id)
    if deploy is None:
        return None
    active = await reading.active_catalog()
    if active.catalog.placement(deploy.service, deploy.environment) is None:
        raise PlaceGone(f"{deploy.service} is no longer deployed to {deploy.environment}")
    return _Asked(deploy, active.fingerprint, active.catalog, await reading.approvals(deploy_id))


@dataclass(frozen=True, slots=True)
class _Deciding:
    """What a decision was prepared with, before the deploy is locked."""

    ports: Ports
    asked: _Asked
    people: frozenset[str]
    membership: Membership
    claim: Claim | None
    origin: Origin

    async def once(self, tx: Transaction, *, decide: Callable[[Judgement], Awaitable[Result]]) -> tuple[Result] | None:
        """What was decided on the locked deploy; None where Slack was asked about something else than holds now."""
        facts = await _facts(tx, self.asked, self.people, self.membership, self.claim)
        if facts is None:
            return None
        now = self.ports.clock.now()
        await self.origin.remember(tx, now)
        return (await decide(Judgement(tx, facts, now)),)


async def ask_membership(
    ports: Ports, groups: Iterable[str], people: Iterable[str], *, background: bool = False
) -> Membership | Refused:
    """A fresh snapshot, or the refusal that says Slack could not be asked: closed, and nothing was counted."""
    try:
        return await ports.directory.membership(frozenset(groups), frozenset(people), background=background)
    except MembershipUnknown:
        return refuse(
            "membership-unknown",
            "Slack does not say right now who is in which group, so nothing was counted. Try again in a moment.",
        )


def people_to_ask(catalog: Catalog, service: str, environment: str, user: str | None) -> frozenset[str]:
    """Whom a request asks Slack about: the requester, and short fixed lists, so that the numbers it says are right."""
    fixed = fixed_members(catalog, service, environment)
    return (fixed if len(fixed) <= _MOST_PEOPLE_ASKED else frozenset()) | ({user} if user else frozenset())


async def _facts(
    tx: Transaction, asked: _Asked, people: frozenset[str], membership: Membership, claim: Claim | None
) -> Facts | None:
    """The facts read under the lock; None where they are not those that Slack was asked about."""
    await tx.lock_catalog()
    deploy = kept(await tx.lock_deploy(asked.deploy.id, claim), asked.deploy.number)
    if claim is not None and deploy.status is not claim.status:
        raise StaleFence(f"{deploy.number} is no longer {claim.status}")
    active = await tx.active_catalog()
    approvals = await tx.approvals(deploy.id)
    # by who was asked about, not by who is known: Slack knows nothing of somebody who was removed
    seen = {approval.user.id for approval in approvals if not approval.void} <= people
    if active.fingerprint != asked.fingerprint or not seen:
        return None
    return Facts(
        fingerprint=active.fingerprint,
        catalog=active.catalog,
        membership=membership,
        deploy=deploy,
        approvals=tuple(approval for approval in approvals if approval.plan == deploy.plan),
    )


async def refused(judgement: Judgement, actor: Actor, act: str, refusal: Refused) -> Refused:
    """Record that a click was refused, and why; the refusal itself."""
    await judgement.record(
        EventType.ACTION_REFUSED,
        actor,
        act=act,
        codes=list(refusal.codes),
        judged=judgement.judged(actor),
        plan=judgement.deploy.plan,
    )
    return refusal
