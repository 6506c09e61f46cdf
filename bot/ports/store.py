"""What the verbs need from the database: the contract of the store, errors included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bot.ports.audit import AuditReading, DigestReading, DigestWriting

if TYPE_CHECKING:
    from collections.abc import Collection
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime, timedelta

    from bot.domain.audit.events import Event
    from bot.domain.catalog.catalog import Catalog
    from bot.domain.catalog.release import Release
    from bot.domain.deploy.approval import Approval
    from bot.domain.deploy.deploy import Deploy, Status
    from bot.domain.deploy.dispatch import Attempt
    from bot.domain.deploy.message import Outgoing, Posted
    from bot.domain.deploy.plan import Plan
    from bot.domain.deploy.promotion import Run
    from bot.domain.deploy.rollout import Rollout
    from bot.domain.digest.schedule import Edition


@dataclass(frozen=True, slots=True)
class ActiveCatalog:
    """The catalog in force and its fingerprint."""

    fingerprint: str
    catalog: Catalog


@dataclass(frozen=True, slots=True)
class Claim:
    """A deploy that this worker holds until ``until`` (the database's clock); an older ``fence`` writes nothing."""

    deploy_id: int
    status: Status
    owner: str
    fence: int
    until: datetime
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class Parcel:
    """An outgoing intent that this worker holds; ``tries`` counts earlier attempts to send it."""

    id: int
    outgoing: Outgoing
    owner: str
    fence: int
    created_at: datetime
    tries: int


@dataclass(frozen=True, slots=True)
class Ages:
    """Since when the oldest item of each kind has been waiting; None where there is none."""

    unplanned: datetime | None
    undispatched: datetime | None
    unsent: datetime | None


class Reading(AuditReading, DigestReading, Protocol):
    """Reads of one consistent moment. Deploys come newest first unless said otherwise."""

    async def active_catalog(self) -> ActiveCatalog:
        """The catalog in force; ``CatalogMissing`` where none was ever applied."""

    async def catalog(self, fingerprint: str) -> Catalog | None:
        """A catalog that was once active."""

    async def deploy(self, deploy_id: int) -> Deploy | None:
        """One deploy."""

    async def open_deploys(self, service: str | None = None, environment: str | None = None) -> tuple[Deploy, ...]:
        """Deploys whose status is open, oldest request first (turns go by request time, then number)."""

    async def last_succeeded(self, service: str, environment: str) -> Deploy | None:
        """The deploy that succeeded last there, by when it did."""

    async def last_succeeded_of(self, places: Collection[tuple[str, str]]) -> tuple[Deploy, ...]:
        """The same for many (service, environment) at once; none for those where nothing ever did."""

    async def runs(self, service: str, environment: str, limit: int = 500) -> tuple[Run, ...]:
        """What became of the newest deploys of a service there, in order of their numbers."""

    async def release(self, fingerprint: str) -> Release | None:
        """A stored release."""

    async def release_of(self, service: str, version: str, template_name: str) -> Release | None:
        """The first stored release of that version by that template: it keeps the text it was first requested with.

        One that Nomad never took a plan of does not count once its deploys have ended: its text may be broken.
        """

    async def plan(self, deploy_id: int, number: int) -> Plan | None:
        """One plan of a deploy."""

    async def approvals(self, deploy_id: int) -> tuple[Approval, ...]:
        """All approvals ever given to the deploy, void ones too, in order of time."""

    async def attempts(self, deploy_id: int, plan: int) -> tuple[Attempt, ...]:
        """The plan's attempts, in order."""

    async def rollouts(self, deploy_id: int) -> tuple[Rollout, ...]:
        """The deploy's rollouts: ours first, then Nomad's reverts."""

    async def posted(self, deploy_id: int) -> Posted | None:
        """The deploy's Slack message, where one was posted or is being posted."""

    async def knows_request(self, signature: str) -> bool:
        """Whether a Slack request was taken, by its signature's hash: what settles an ``AmbiguousCommit``."""

    async def ages(self) -> Ages:
        """For ``/metrics``: how long the oldest unplanned, undispatched and unsent item has been waiting."""


class Transaction(Reading, DigestWriting, Protocol):
    """A unit of work: returning commits, raising rolls back."""

    async def lock_catalog(self, *, exclusive: bool = False) -> str:
        """Keep the catalog in force until this transaction ends; its fingerprint, empty if none was ever applied.

        ``exclusive`` to replace it. Before any other lock.
        """

    async def lock_service(self, service: str, environment: str) -> None:
        """One request at a time for a service in an environment, so that none misses a deploy that another one adds."""

    async def lock_deploy(self, deploy_id: int, claim: Claim | None = None) -> Deploy | None:
        """The deploy, locked before any decision is made on it; with a claim, ``StaleFence`` if that was taken over."""

    async def add_deploy(self, deploy: Deploy) -> Deploy:
        """The new deploy with the next number; gaps are allowed, reuse never. Its own ``id`` counts for nothing."""

    async def save_deploy(self, deploy: Deploy) -> None:
        """Write all its fields; it must have been locked or added in this transaction.

        Where it moves on, or something else holds it now, those that wait for their turn beside it become due.
        A second deploy of the same service and environment in DISPATCHING is impossible (a partial unique index):
        ``StoreBusy``, and a new try sees why.
        """

    async def add_release(self, release: Release) -> None:
        """Keep a release; one that is already kept is left as it is."""

    async def add_plan(self, plan: Plan) -> None:
        """Keep a plan under its number."""

    async def add_approval(self, approval: Approval) -> None:
        """Record a yes; one person has at most one that is not void on a deploy: ``StoreBusy`` for a second."""

    async def save_approval(self, approval: Approval) -> None:
        """Rewrite ``void`` and ``plan`` of an approval (found by deploy, user and ``at``)."""

    async def add_attempt(self, attempt: Attempt) -> None:
        """Record an attempt before it is sent."""

    async def answer_attempt(self, attempt: Attempt) -> None:
        """Record its answer."""

    async def save_rollout(self, rollout: Rollout) -> None:
        """Insert or rewrite a rollout by (deploy, number)."""

    async def save_posted(self, posted: Posted, parcel: Parcel | None = None) -> None:
        """Insert or rewrite where the deploy's message is; with a parcel, ``StaleFence`` if that was taken over."""

    async def save_edition(self, edition: Edition, parcel: Parcel) -> None:
        """Rewrite the row of a date's digest; ``StaleFence`` where the parcel was taken over."""

    async def apply_catalog(self, catalog: Catalog, at: datetime) -> ActiveCatalog:
        """Store a catalog under its fingerprint and make it the active one."""

    async def record(self, event: Event) -> None:
        """Append the audit event of this change."""

    async def send(self, outgoing: Outgoing, at: datetime) -> None:
        """Put an intent into the outbox. A CARD that is pending already is brought forward, never doubled."""

    async def unsend_card(self, deploy_id: int) -> bool:
        """Take back a pending CARD of a deploy that has no message yet; whether the message was never begun."""

    async def remember_request(self, signature: str, at: datetime) -> None:
        """Keep a Slack request's signature hash for its replay window; ``Replayed`` where it is known already."""


class Store(Protocol):
    """What Nomatron remembers. Every method may raise ``StoreBusy``, ``StoreFull`` or ``StoreUnavailable``."""

    def begin(self) -> AbstractAsyncContextManager[Transaction]:
        """A writing unit of work. The commit is shielded; ``AmbiguousCommit`` where its end is not known."""

    def read(self) -> AbstractAsyncContextManager[Reading]:
        """A reading unit of work that takes no lock."""

    async def claim(self, status: Status, *, owner: str, lease: timedelta, now: datetime) -> Claim | None:
        """Take the oldest deploy in ``status`` that is due at ``now`` and that nobody holds, or whose lease ran out.

        The fence grows with each claim; leases run by the database's clock.
        """

    async def renew(self, claim: Claim, lease: timedelta) -> Claim:
        """Hold it longer; ``StaleFence`` where somebody else took it."""

    async def release(self, claim: Claim, put_off: datetime | None = None) -> None:
        """Let it go, due at ``put_off`` where that is given; nothing happens where it was taken over."""

    async def claim_parcel(self, *, owner: str, lease: timedelta, now: datetime) -> Parcel | None:
        """Take the next outgoing intent: urgent ones first, then cards that tell a state, then the oldest.

        At most one for each Slack message at a time, so that an older rendering never overwrites a newer one; THREAD
        waits while its deploy's first message is still to be posted, and until older THREADs of that deploy are out.
        """

    async def renew_parcel(self, parcel: Parcel, lease: timedelta) -> None:
        """Hold it longer; ``StaleFence`` where somebody else took it."""

    async def parcel_done(self, parcel: Parcel) -> None:
        """It was sent, or will never be; where a CARD was asked for again meanwhile, that one stays pending."""

    async def parcel_later(self, parcel: Parcel, at: datetime) -> None:
        """Try again at ``at``."""

    async def take_over(self) -> None:
        """Being alone on this database: end every lease at once, of claims and parcels alike."""

    async def forget_requests(self, before: datetime) -> None:
        """Drop signature hashes that are older than the replay window."""
