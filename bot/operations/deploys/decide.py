"""The one way to decide about an existing deploy: ask Slack, lock, read again, decide.

No transaction waits for Slack or Nomad. If other groups or people matter after the lock than before (a new catalog,
another approver), everything starts over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from bot.domain.actor import human_behind
from bot.domain.audit.events import EventType, event_of
from bot.domain.audit.evidence import evidence_of
from bot.domain.decision import Allowed, Refused, refuse
from bot.domain.deploy.gates import Facts, fixed_members, interests
from bot.domain.settings import check_settings
from bot.errors import AmbiguousCommit, MembershipUnknown, StaleFence, StoreError
from bot.operations.deploys.target import check_target
from bot.operations.require import require
from bot.ports.claims import Claim, Due

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from datetime import datetime

    from bot.domain.access import Membership
    from bot.domain.actor import Actor
    from bot.domain.catalog.catalog import Catalog
    from bot.domain.decision import Decision
    from bot.domain.deploy.approval import Approval, PlanMark
    from bot.domain.deploy.deploy import Deploy
    from bot.ports import Ports
    from bot.ports.store import ActiveCatalog, Reading, Transaction

Result = TypeVar("Result")

ROUNDS = 3
"""How often a decision is tried: a catalog that changed three times in a row is no race but somebody at work."""
START_OVER = refuse(
    "catalog-busy", "The catalog kept changing, or the database did not confirm this, so nothing was done. Try again."
)
_MOST_PEOPLE_ASKED = 20


@dataclass(frozen=True, slots=True)
class Origin:
    """A Slack request's signature hash (empty for other surfaces), channel, response_url and thread."""

    signature: str = ""
    channel: str = ""
    response_url: str = ""
    thread_ts: str = ""

    async def remember(self, tx: Transaction, at: datetime) -> None:
        """Record the request, so that it is accepted only once; ``Replayed`` if it was accepted before."""
        if self.signature:
            await tx.remember_request(self.signature, at)

    async def was_committed(self, ports: Ports, doubt: AmbiguousCommit) -> bool:
        """Whether the commit happened, found by the request's signature, which is written in the same transaction.

        Raises ``doubt`` if nobody can tell: the request has no signature, or the database does not answer.
        """
        if not self.signature:
            raise doubt
        try:
            async with ports.store.read() as reading:
                return await reading.knows_request(self.signature)
        except StoreError:
            raise doubt from None


NOWHERE = Origin()
"""The origin of Nomatron's own actions and of commands on the host."""


@dataclass(frozen=True, slots=True)
class Case:
    """What a decision gets: the open transaction, the facts that were read in it, and the time."""

    tx: Transaction
    facts: Facts
    now: datetime

    @property
    def deploy(self) -> Deploy:
        """The locked deploy."""
        return self.facts.deploy

    @property
    def settings(self) -> Decision:
        """Whether the catalog still allows the values that the request set; an older version may have let more pass."""
        # the job of a rollback is given
        if self.deploy.rollback is not None:
            return Allowed()
        return check_settings(self.facts.catalog, self.deploy.service, self.deploy.environment, self.deploy.overrides)

    def judged(self, *actors: Actor) -> dict[str, object]:
        """The evidence of the decision for the audit log: people and their groups, who fills which seat."""
        return evidence_of(self.facts, *actors)

    async def marks_since(self, plan: int | None) -> tuple[PlanMark, ...]:
        """The marks of the deploy's plans; none for its current plan, which needs no comparison."""
        return () if plan == self.deploy.plan else await self.tx.plan_marks(self.deploy.id)

    def with_approvals(self, approvals: tuple[Approval, ...]) -> Case:
        """The case with changed approvals."""
        return replace(self, facts=replace(self.facts, approvals=approvals))

    async def record(self, kind: EventType, actor: Actor, **data: object) -> None:
        """Append an audit event about the deploy, without a change of its state."""
        await self.tx.record(event_of(kind, actor, self.deploy, self.now, self.facts.fingerprint, **data))

    async def record_refusal(self, actor: Actor, act: str, refusal: Refused) -> Refused:
        """Record that the actor was not allowed to do that, and why; returns the refusal."""
        data = {"codes": list(refusal.codes), "judged": self.judged(actor), "plan": self.deploy.plan}
        await self.record(EventType.ACTION_REFUSED, actor, act=act, **data)
        return refusal


async def decide_on(
    ports: Ports,
    deploy_id: int,
    decision: Callable[[Case], Awaitable[Result]],
    *,
    act: str = "",
    actor: Actor | None = None,
    claim: Claim | Due | None = None,
    origin: Origin = NOWHERE,
) -> Result | Refused:
    """Run ``decision`` on the locked deploy with fresh membership, in one transaction, and commit what it wrote.

    ``act`` is what ``actor`` wants to do, for the audit log. Refused if there is no such deploy, or if Slack's groups
    are unavailable. Raises ``Replayed`` and ``StaleFence``, ``AmbiguousCommit`` if nobody can tell whether it was
    written, and ``TargetGone`` if the catalog no longer deploys the service there.
    """
    for _ in range(ROUNDS):
        async with ports.store.read() as reading:
            question = await _question(reading, deploy_id, actor)
        if question is None:
            return no_such_deploy(deploy_id)
        # before the transaction: Slack may take seconds, and a lock would stop all other decisions meanwhile
        membership = await ask_membership(ports, question.groups, question.people, background=claim is not None)
        if isinstance(membership, Refused):
            return await _record_unanswered(ports, question, membership, act=act, actor=actor, origin=origin)
        try:
            async with ports.begin() as tx:
                facts = await _locked_facts(tx, question, membership, claim)
                if facts is None:
                    continue
                case = Case(tx, facts, ports.clock.now())
                # in the same transaction as the decision: Slack repeats a request whose answer was lost
                await origin.remember(tx, case.now)
                result = await decision(case)
        except AmbiguousCommit as doubt:
            # nothing was decided, or it was certainly not written: deciding again is safe
            if facts is None or not await origin.was_committed(ports, doubt):
                continue
        return result
    return START_OVER


def no_such_deploy(deploy_id: int) -> Refused:
    """The refusal for an unknown deploy number."""
    return refuse("unknown-deploy", f"There is no deploy D-{deploy_id}. For open deploys: `/deploy status`.")


@dataclass(frozen=True, slots=True)
class _Question:
    """What to ask Slack before a decision, and what was read from the database to know that."""

    deploy: Deploy
    active: ActiveCatalog
    people: frozenset[str]

    @property
    def groups(self) -> frozenset[str]:
        rollback = self.deploy.rollback is not None
        return interests(self.active.catalog, self.deploy.service, self.deploy.environment, rollback=rollback)


async def _question(reading: Reading, deploy_id: int, actor: Actor | None) -> _Question | None:
    subject = await reading.subject(deploy_id)
    if subject is None:
        return None
    deploy, active = subject
    await check_target(reading, active.catalog, deploy)
    approvers = [each.user.id for each in await reading.approvals(deploy_id) if not each.void]
    others = [human_behind(each) for each in (deploy.requester, actor) if each is not None]
    return _Question(deploy, active, frozenset([*approvers, *(each for each in others if each)]))


async def _locked_facts(
    tx: Transaction, question: _Question, membership: Membership, claim: Claim | Due | None
) -> Facts | None:
    """The facts, read under the lock; None if Slack was asked about other groups or people than matter now."""
    # the catalog first, as everywhere: two transactions that lock in different orders could block each other
    if isinstance(claim, Due):
        fingerprint, deploy = await tx.lock_catalog(), await lock_claimed(tx, claim)
    else:
        deploy, fingerprint = require(await tx.lock_subject(question.deploy.id, claim), question.deploy.number)
        if claim is not None and deploy.status is not claim.status:
            raise StaleFence(f"{deploy.number} is no longer {claim.status}")
    approvals = await tx.approvals(deploy.id)
    # compare with the people asked about, not with those found: Slack does not find somebody who was removed
    known = {approval.user.id for approval in approvals if not approval.void} <= question.people
    if fingerprint != question.active.fingerprint or not known:
        return None
    return Facts(
        fingerprint=fingerprint,
        catalog=question.active.catalog,
        membership=membership,
        deploy=deploy,
        # approvals of older plans stay in the table, but were given to another change
        approvals=tuple(approval for approval in approvals if approval.plan == deploy.plan),
    )


async def lock_claimed(tx: Transaction, claim: Claim | Due) -> Deploy:
    """Lock a deploy that was claimed, or found without a claim.

    Raises ``StaleFence`` if it is no longer in the state in which that was, or another worker keeps it now.
    """
    if isinstance(claim, Claim):
        deploy = await tx.lock_deploy(claim.deploy_id, claim)
    else:
        deploy = await tx.lock_free(claim.deploy_id)
        # another worker has put it off meanwhile, or something has made it due again
        deploy = None if deploy is None or deploy.due_at != claim.due_at else deploy
    if deploy is None or deploy.status is not claim.status:
        raise StaleFence(f"D-{claim.deploy_id} is no longer {claim.status}, or another worker keeps it")
    return deploy


async def _record_unanswered(
    ports: Ports, question: _Question, refusal: Refused, *, act: str, actor: Actor | None, origin: Origin
) -> Refused:
    """Record what a person wanted to do while Slack was unavailable; a worker tries again and needs no record."""
    if actor is not None:
        now, deploy = ports.clock.now(), question.deploy
        data = {"act": act, "codes": list(refusal.codes), "plan": deploy.plan}
        async with ports.begin() as tx:
            await origin.remember(tx, now)
            kind, decided_by = EventType.ACTION_REFUSED, question.active.fingerprint
            await tx.record(event_of(kind, actor, deploy, now, decided_by, **data))
    return refusal


async def ask_membership(
    ports: Ports, groups: Iterable[str], people: Iterable[str], *, background: bool = False
) -> Membership | Refused:
    """A fresh snapshot of groups and people; refused if Slack is unavailable, because then nobody may count."""
    try:
        return await ports.directory.membership(frozenset(groups), frozenset(people), background=background)
    except MembershipUnknown:
        return refuse(
            "membership-unknown",
            "Slack group membership is unavailable right now, so nothing was counted. Try again in a minute.",
        )


def people_to_ask(
    catalog: Catalog, service: str, environment: str, user: str | None, *, rollback: bool = False
) -> frozenset[str]:
    """The people to ask Slack about for a request: the requester, and those in short fixed lists of approvers."""
    fixed = fixed_members(catalog, service, environment, rollback=rollback)
    # without them a deactivated approver in a fixed list would seem able to approve; a long list costs too many calls
    return (fixed if len(fixed) <= _MOST_PEOPLE_ASKED else frozenset()) | ({user} if user else frozenset())
