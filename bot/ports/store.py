"""The port for the database: what the operations need from the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bot.domain.deploy.message import Setback
from bot.ports.audit import AuditReading, DigestReading, DigestWriting

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime, timedelta

    from bot.domain.actor import Actor
    from bot.domain.audit.events import Event
    from bot.domain.catalog.catalog import Catalog
    from bot.domain.catalog.release import Release
    from bot.domain.deploy.approval import Approval, PlanMark
    from bot.domain.deploy.base import Made
    from bot.domain.deploy.deploy import Deploy, Status
    from bot.domain.deploy.dispatch import Attempt
    from bot.domain.deploy.matrix import Recorded
    from bot.domain.deploy.message import Outgoing, Posted, Way
    from bot.domain.deploy.plan import Plan
    from bot.domain.deploy.promotion import Run
    from bot.domain.deploy.rollout import Rollout
    from bot.domain.digest.schedule import Edition
    from bot.domain.locks import Lock, LockScope
    from bot.ports.claims import Claim, Due, Parcel, Wanted


@dataclass(frozen=True, slots=True)
class ActiveCatalog:
    """The active catalog and its fingerprint."""

    fingerprint: str
    catalog: Catalog


@dataclass(frozen=True, slots=True)
class Ages:
    """The time since which the oldest item of each kind has been waiting; None if there is none."""

    unplanned: datetime | None
    undispatched: datetime | None
    unsent: datetime | None


class Reading(AuditReading, DigestReading, Protocol):
    """Reads the database as it was at one moment. Lists of deploys are newest first, unless stated otherwise."""

    async def active_catalog(self) -> ActiveCatalog:
        """The active catalog; ``CatalogMissing`` if none was ever applied."""

    async def catalog(self, fingerprint: str) -> Catalog | None:
        """The catalog with this fingerprint; None if it was never active."""

    async def deploy(self, deploy_id: int) -> Deploy | None:
        """The deploy with this number; None if there is none."""

    async def subject(self, deploy_id: int) -> tuple[Deploy, ActiveCatalog] | None:
        """The deploy with this number and the active catalog; None if there is none. ``CatalogMissing``."""

    async def open_deploys(self, service: str | None = None, environment: str | None = None) -> tuple[Deploy, ...]:
        """The open deploys, oldest request first, then by number: the order in which they take turns."""

    async def open_places(self) -> tuple[tuple[str, str], ...]:
        """The (service, environment) pairs that have an open deploy."""

    async def locks(self) -> tuple[Lock, ...]:
        """The locks that nobody has ended, oldest first; also those whose time has passed since."""

    async def locks_on(self, service: str, environment: str) -> tuple[Lock, ...]:
        """Those of ``locks`` that close the service there."""

    async def any_of(self, statuses: Collection[Status], places: Collection[tuple[str, str]]) -> bool:
        """Whether an open deploy in one of these states is in one of these (service, environment)."""

    async def any_unjudged(self) -> bool:
        """Whether a deploy is still to be judged by the catalog in force (``judge_anew``)."""

    async def overdue(self, now: datetime, latest: Mapping[str, datetime], limit: int = 100) -> tuple[int, ...]:
        """The numbers of undecided deploys whose time is over, oldest first.

        And of those whose time would be over only after the ``latest`` instant for their environment.
        """

    async def requested_by(self, requester: Actor, since: datetime, until: datetime) -> tuple[int, int]:
        """How many deploys of the requester are open, and how many were requested in that time."""

    async def last_succeeded(self, service: str, environment: str) -> Deploy | None:
        """The deploy that succeeded most recently; None if there is none."""

    async def last_succeeded_of(self, places: Collection[tuple[str, str]]) -> tuple[Deploy, ...]:
        """The most recently successful deploy of each (service, environment); pairs without one are omitted."""

    async def runs(
        self, service: str, environment: str, release: str, since: datetime | None = None
    ) -> tuple[Run, ...]:
        """What became of a release in an environment, in order of numbers, however many other deploys there were.

        That is its deploys that are open or changed at ``since`` or later, and the newest before that which passed;
        and for each that passed, the deploy of any release that landed next.
        """

    async def last_passed(self, service: str, environment: str, *, other_than: str = "") -> Run | None:
        """The newest deploy that proves that its release works there; None if there is none.

        Those of the release ``other_than`` (a fingerprint) are left out.
        """

    async def next_landing(self, deploy: Deploy) -> datetime | None:
        """When Nomad first registered a deploy that was requested later in its place; None if it registered none."""

    async def last_landed(self, service: str, environment: str, *, other_than: str = "") -> Run | None:
        """The deploy that landed there last, or the last of a version ``other_than`` this; None if none did."""

    async def last_landing(self, service: str, environment: str) -> Deploy | None:
        """The deploy that Nomad registered last there, whatever became of it; None if it registered none."""

    async def first_landing(self, service: str, environment: str) -> Deploy | None:
        """The deploy that Nomad registered first there; None if it registered none."""

    async def success_before(self, deploy: Deploy) -> Deploy | None:
        """The last deploy that Nomad registered there before this one, and that succeeded; None if there is none."""

    async def first_landed(self, service: str, environment: str, version: str) -> Run | None:
        """The deploy of that version that landed there first; None if none did."""

    async def release(self, fingerprint: str) -> Release | None:
        """The release with this fingerprint; None if it is not stored."""

    async def revisions(self, service: str, version: str, template_name: str) -> tuple[Release, ...]:
        """The releases of a version with a template, one for each text of it that was requested, oldest first.

        Their positions, counted from 1, are their revisions, which never change.
        """

    async def plan(self, deploy_id: int, number: int) -> Plan | None:
        """The plan of a deploy with this number; None if there is none."""

    async def plan_marks(self, deploy_id: int) -> tuple[PlanMark, ...]:
        """What approvals need to know of all plans of the deploy, in the order of their numbers."""

    async def approvals(self, deploy_id: int) -> tuple[Approval, ...]:
        """All approvals that the deploy ever got, void ones too, oldest first."""

    async def attempts(self, deploy_id: int, plan: int | None = None) -> tuple[Attempt, ...]:
        """The attempts to register the plan, or any plan of the deploy, in order."""

    async def rollouts(self, deploy_id: int) -> tuple[Rollout, ...]:
        """The deploy's rollouts: our own first, then Nomad's reverts."""

    async def versions_made(self, service: str, environment: str, since: int, limit: int = 100) -> tuple[Made, ...]:
        """The job versions that deploys of a service made in an environment, or Nomad's reverts of them.

        Only those with a JobModifyIndex from ``since`` on; those of the newest deploys first.
        """

    async def recorded(self, places: Collection[tuple[str, str]]) -> tuple[Recorded, ...]:
        """The job versions of the deploys that succeeded, and that landed, last in each (service, environment).

        Each with what its rollout wanted; and Nomad's reverts of them.
        """

    async def posted(self, deploy_id: int) -> Posted | None:
        """The deploy's Slack message; None unless one was posted or is being posted."""

    async def knows_request(self, signature: str) -> bool:
        """Whether we recorded a Slack request, by the hash of its signature; use it after an ``AmbiguousCommit``."""

    async def ages(self) -> Ages:
        """How long the oldest unplanned, undispatched and unsent items have been waiting, for ``/metrics``."""


class Transaction(Reading, DigestWriting, Protocol):
    """A transaction: it commits when the block ends, and rolls back if the block raises."""

    def left(self, now: datetime) -> frozenset[str]:
        """The work that its writes have made due: the ``Status`` of deploys, ``MESSAGES``, ``JUDGING``.

        Not that of deploys that a worker keeps: they are due when it releases them.
        """

    async def lock_catalog(self, *, exclusive: bool = False) -> str:
        """Keep the catalog in force until this transaction ends; its fingerprint, empty if none was ever applied.

        ``exclusive`` to replace it. Before any other lock.
        """

    async def lock_service(self, service: str, environment: str) -> None:
        """One request at a time for a service in an environment, so that none misses a deploy that another one adds."""

    async def lock_deploy(self, deploy_id: int, claim: Claim | None = None) -> Deploy | None:
        """Lock and return a deploy before a decision about it; ``StaleFence`` if the claim was taken over."""

    async def lock_subject(self, deploy_id: int, claim: Claim | None = None) -> tuple[Deploy, str] | None:
        """``lock_catalog`` and ``lock_deploy`` at once: the deploy, and the fingerprint of the catalog in force."""

    async def lock_free(self, deploy_id: int) -> Deploy | None:
        """Lock and return a deploy before a decision about it; None if a worker keeps it, or if there is none."""

    async def keep(self, deploy: Deploy, owner: str, lease: timedelta) -> Claim:
        """Claim a deploy that this transaction has locked while it was free, in the state that it has now."""

    async def let_go(self, claim: Claim) -> None:
        """End the lease of a claim in this transaction; does nothing if it was taken over."""

    async def add_deploy(self, deploy: Deploy) -> Deploy:
        """The new deploy with the next number; gaps are allowed, reuse never. Its own ``id`` counts for nothing."""

    async def save_deploy(self, deploy: Deploy) -> None:
        """Write all fields of a deploy that this transaction has locked or added.

        If its status or what blocks it changed, the deploys that wait for their turn after it become due. Raises
        ``StoreBusy`` if another deploy of the same service and environment is in DISPATCHING (a partial unique index).
        """

    async def judge_anew(self, at: datetime) -> None:
        """Mark every undecided deploy, in one statement however many there are: another catalog is in force."""

    async def add_lock(self, lock: Lock) -> Lock:
        """The new lock with the next number. ``StoreBusy`` if exactly the same is locked already."""

    async def save_lock(self, lock: Lock) -> None:
        """Write all fields of a lock; the row of an ended one stays."""

    async def judge_under(self, scope: LockScope, at: datetime) -> None:
        """Mark every undecided deploy in the scope as ``judge_anew`` does, and make the ready ones due ``at`` once.

        In one statement. Whoever changes locks holds the catalog exclusively: then no deploy is half-way in a decision.
        """

    async def take_unjudged(self, limit: int) -> tuple[Deploy, ...]:
        """Lock at most so many of the marked deploys, the oldest requests first, and take their mark."""

    async def offer_anew(self, places: Collection[tuple[str, str]], at: datetime) -> None:
        """Make the deploys due that succeeded last in each (service, environment), in one statement.

        And those that had before them, which may offer what they no longer should.
        """

    async def follow_now(self, statuses: Collection[Status], places: Collection[tuple[str, str]], at: datetime) -> int:
        """Make the open deploys in these states due that are in these (service, environment); returns how many.

        One that a worker keeps is moved, too, so that the worker sees it; one that is due keeps its turn.
        """

    async def follow_anew(self, statuses: Collection[Status], lane: str, at: datetime) -> None:
        """Make what is followed of a lane due, in one statement: deploys in these states that are not, or are kept."""

    async def add_release(self, release: Release) -> None:
        """Store a release; does nothing if it is already stored."""

    async def add_plan(self, plan: Plan) -> None:
        """Store a plan under its number."""

    async def save_plan(self, plan: Plan) -> None:
        """Replace the plan with the same deploy and number: only for one of which nothing but scaled counts moved."""

    async def add_approval(self, approval: Approval) -> None:
        """Store an approval. ``StoreBusy`` if the person already has one on this deploy that is not void."""

    async def save_approval(self, approval: Approval) -> None:
        """Update ``void`` and ``plan`` of the approval with the same deploy, user and ``at``."""

    async def add_attempt(self, attempt: Attempt) -> None:
        """Store an attempt to register, before the request is sent."""

    async def answer_attempt(self, attempt: Attempt) -> None:
        """Store the answer to an attempt."""

    async def save_rollout(self, rollout: Rollout) -> None:
        """Insert or update the rollout with this deploy and number."""

    async def save_posted(self, posted: Posted, parcel: Parcel | None = None) -> None:
        """Insert or update the location of the deploy's message; ``StaleFence`` if the parcel was taken over."""

    async def save_edition(self, edition: Edition, parcel: Parcel) -> None:
        """Update the row of a day's digest; ``StaleFence`` if the parcel was taken over."""

    async def apply_catalog(self, catalog: Catalog, at: datetime) -> ActiveCatalog:
        """Store a catalog under its fingerprint and make it the active catalog."""

    async def record(self, event: Event) -> None:
        """Append an event to the audit log, in this transaction: all its events in one statement before the commit.

        A refusal of the same person, act and reason is only counted for a minute after the one that was appended; the
        next one that is appended has the count as ``data.repeated``.
        """

    async def send(self, outgoing: Outgoing, at: datetime) -> None:
        """Put a message into the outbox, with all others of this transaction in one statement before the commit.

        A CARD that is already pending is moved forward instead of added twice.
        """

    async def unsend_card(self, deploy_id: int) -> bool:
        """Remove the pending CARD of a deploy that has no message yet; returns whether nothing was posted for it."""

    async def remember_request(self, signature: str, at: datetime) -> None:
        """Remember the hash of a Slack request's signature; ``Replayed`` if it is already known."""


class Store(Protocol):
    """The database. Every method may raise ``StoreBusy``, ``StoreFull`` or ``StoreUnavailable``."""

    def begin(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that writes. The commit cannot be cancelled; ``AmbiguousCommit`` if its result is unknown."""

    def read(self) -> AbstractAsyncContextManager[Reading]:
        """A transaction that only reads, and takes no lock."""

    async def due(self, wanted: Sequence[Wanted], now: datetime) -> frozenset[str]:
        """The kinds of work that is due, for the bell: states of the wanted deploys, messages, judging."""

    async def claim(self, wanted: Wanted, *, owner: str, lease: timedelta, now: datetime) -> Claim | None:
        """Lease the wanted deploy that is due first, at ``now`` or before, and not leased; None if there is none.

        Each claim has a higher fence. Leases run by the database's clock.
        """

    async def find(self, wanted: Wanted, now: datetime) -> Due | None:
        """The wanted deploy that ``claim`` would lease, without a lease and without a lock; None if there is none."""

    async def put_off(self, due: Due, at: datetime) -> None:
        """Make a deploy due at that instant, if it is as it was found and no worker keeps it."""

    async def renew(self, claim: Claim, lease: timedelta) -> Claim:
        """Extend the lease of a claim; ``StaleFence`` if it was taken over."""

    async def release(self, claim: Claim, put_off: datetime | None = None) -> tuple[Status, datetime] | None:
        """End the lease of a claim, due again at ``put_off`` if given; does nothing if it was taken over.

        The deploy's state, and when it is due in it; None if it is not due, or is another worker's.
        """

    async def claim_parcel(
        self, *, owner: str, lease: timedelta, now: datetime, resting: Collection[tuple[Way, str]] = ()
    ) -> Parcel | None:
        """Lease the next outgoing message: urgent ones, first cards, other cards, then the rest; in each, by requester.

        Requesters take turns, whatever the number of their messages. It leases only one per Slack message at a time,
        so that an older version never overwrites a newer one, and at most two per channel, so that a channel that
        hangs holds up no other. A THREAD waits for its deploy's first message, and for older THREADs of the same
        deploy. None is leased whose way to its channel is ``resting`` (an empty channel is every one). One that is due
        at an instant that was reckoned in the future, because a clock was set back since, is due now.
        """

    async def renew_parcel(self, parcel: Parcel, lease: timedelta) -> None:
        """Extend the lease of a parcel; ``StaleFence`` if it was taken over."""

    async def parcel_done(self, parcel: Parcel) -> None:
        """Remove a parcel that was sent, or never will be. A CARD that was requested again meanwhile stays pending."""

    async def begin_parcel(self, parcel: Parcel) -> None:
        """Note that the parcel may reach Slack from now on; ``StaleFence`` if it was taken over."""

    async def parcel_later(
        self,
        parcel: Parcel,
        now: datetime,
        wait: timedelta,
        setback: Setback = Setback.OUTAGE,
        *,
        begun: bool | None = None,
    ) -> None:
        """Put a parcel back, to be sent after ``wait``; ``begun`` as known now, None to leave it."""

    async def take_over(self) -> None:
        """End all leases, of claims and parcels. Only for a process that is alone on this database."""

    async def forget_requests(self, before: datetime) -> None:
        """Delete the remembered signatures of requests that are older than ``before``."""

    async def empty_plans(self, before: datetime) -> int:
        """Empty the JSON of some plans of deploys that ended before that time; the number of plans, 0 if none is left.

        Not of the last six deploys of a place that Nomad registered, as it keeps as many versions of a job itself; not
        of the first one there, which may have replaced a job of before; not of the last four that succeeded there, nor
        of the last two that changed nothing: the way back, and its proof.
        """
