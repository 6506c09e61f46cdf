"""The store's audit log and daily digests as Protocols: a part of ``bot.ports``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date, datetime

    from bot.domain.actor import Actor
    from bot.domain.audit.events import EventType
    from bot.domain.deploy.message import Posted
    from bot.domain.digest.report import Sign, Tally
    from bot.domain.digest.schedule import Edition, Scope, Span


@dataclass(frozen=True, slots=True)
class Stored:
    """An audit event as it is stored; ``index`` orders them."""

    index: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position in the audit log, newest first: the time and the index of the last event that was read."""

    at: datetime
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which audit events to list, newest first; each condition narrows.

    With ``before``, only events that come after that position, so older ones. One record for the command, the CLI, the
    buttons of a page and the store.
    """

    span: Span | None = None
    service: str | None = None
    environment: str | None = None
    actor: Actor | None = None
    deploy: int | None = None
    before: Cursor | None = None


class AuditReading(Protocol):
    """Reads of the audit log that cost what they return, however long the log is."""

    async def events(self, deploy_id: int | None = None, limit: int = 100) -> tuple[Stored, ...]:
        """Audit events, oldest first, of one deploy or of all (then the newest ``limit``)."""

    async def audit_page(self, query: AuditQuery, limit: int) -> tuple[Stored, ...]:
        """The newest ``limit`` events that match, newest first by time and index."""

    async def requested_page(
        self, service: str, environment: str | None, before: int | None, limit: int
    ) -> tuple[int, ...]:
        """The deploy ids of a service's newest requests, newest first; with ``before``, only smaller ids."""

    async def timelines(self, deploys: Collection[int]) -> Mapping[int, tuple[Stored, ...]]:
        """All events of those deploys, oldest first; deploys without any are omitted."""

    async def tally(self, scope: Scope) -> Tally:
        """What the scope's events add up to (``bot.domain.digest.report.Tally``)."""

    async def deploys_with(
        self, scope: Scope, types: Collection[EventType], after: EventType | None = None
    ) -> tuple[int, ...]:
        """Deploys with an event of these types in the scope, each once, in the order of their first such event.

        With ``after``, only if an event of that type came before it.
        """

    async def events_of(self, scope: Scope, types: Collection[EventType]) -> tuple[Stored, ...]:
        """The scope's events of these types, oldest first."""

    async def approvals_in(self, scope: Scope) -> tuple[Sign, ...]:
        """The scope's approvals, oldest first: who approved what and when."""

    async def own_approvals_in(self, scope: Scope) -> tuple[Sign, ...]:
        """The scope's approvals of which the approver is also the requester, oldest first."""

    async def maybe_open(self, scope: Scope) -> tuple[int, ...]:
        """Deploys of the scope's environments that may have been open at the end of its span; their events tell."""

    async def all_posted(self, deploys: Collection[int]) -> tuple[Posted, ...]:
        """The Slack messages of those deploys, of those that have one."""


class DigestReading(Protocol):
    """Reads of the daily digests."""

    async def digests_since(self) -> Mapping[str, datetime]:
        """Since when each channel has had a digest in the catalog, without a break."""

    async def edition(self, channel: str, day: date) -> Edition | None:
        """The digest of a channel and a date; None if there is none."""

    async def last_edition(self, channel: str, until: date) -> Edition | None:
        """The channel's newest digest of a date up to ``until``; None if there is none."""

    async def edition_days(self, channel: str, since: date) -> frozenset[date]:
        """The dates from ``since`` on that have a digest in that channel."""

    async def table_refused(self, since: datetime) -> bool:
        """Whether Slack refused a digest's table since then, whatever its channel."""

    async def newest_editions(self, until: date) -> Mapping[str, datetime]:
        """The end of the span of each channel's newest posted digest of a date up to ``until``; for ``/metrics``."""


class DigestWriting(Protocol):
    """Writes of the daily digests."""

    async def keep_digests(self, channels: Collection[str], at: datetime) -> None:
        """Make these the channels with a digest: new ones from ``at`` on, the others since when they had it."""

    async def add_edition(self, edition: Edition) -> bool:
        """Add a digest; False if that channel and date already have one, and then nothing is written."""
