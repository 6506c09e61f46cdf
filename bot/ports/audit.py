"""The port for the database's audit log and daily digests: a part of ``bot.ports.store``."""

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
    buttons of a page and the store. ``steps``: a page also lists the steps that Nomatron took by itself, which it
    otherwise counts; the store always reads them.
    """

    span: Span | None = None
    service: str | None = None
    environment: str | None = None
    actor: Actor | None = None
    deploy: int | None = None
    before: Cursor | None = None
    steps: bool = False


class AuditReading(Protocol):
    """Reads of the audit log. Each costs as much as it returns, however long the log is."""

    async def events(self, deploy_id: int | None = None, limit: int = 100) -> tuple[Stored, ...]:
        """Audit events, oldest first, of one deploy or of all (then the newest ``limit``)."""

    async def audit_page(self, query: AuditQuery, limit: int) -> tuple[Stored, ...]:
        """The newest ``limit`` events that match, newest first by time and index."""

    async def requested_page(
        self, service: str, environment: str | None, before: int | None, limit: int
    ) -> tuple[int, ...]:
        """The deploy ids of a service's newest requests, newest first; with ``before``, only smaller ids."""

    async def timelines(self, deploys: Collection[int]) -> Mapping[int, tuple[Stored, ...]]:
        """All events of those deploys, oldest first; deploys without events are omitted."""

    async def tally(self, scope: Scope) -> Tally:
        """The numbers that the scope's events add up to."""

    async def deploys_with(
        self, scope: Scope, types: Collection[EventType], after: EventType | None = None
    ) -> tuple[int, ...]:
        """Deploys with an event of these types in the scope, each once, in the order of their first such event.

        With ``after``, only deploys with an earlier event of that type.
        """

    async def events_of(self, scope: Scope, types: Collection[EventType]) -> tuple[Stored, ...]:
        """The scope's events of these types, oldest first."""

    async def approvals_in(self, scope: Scope) -> tuple[Sign, ...]:
        """The scope's approvals, oldest first: who approved what and when."""

    async def own_approvals_in(self, scope: Scope) -> tuple[Sign, ...]:
        """The scope's approvals of the approver's own request, oldest first."""

    async def maybe_open(self, scope: Scope) -> tuple[int, ...]:
        """Deploys of the scope's environments that may have been open at its end; only their events say for certain."""

    async def all_posted(self, deploys: Collection[int]) -> tuple[Posted, ...]:
        """The Slack messages of those deploys; deploys without a message are omitted."""


class DigestReading(Protocol):
    """Reads of the daily digests."""

    async def digests_since(self) -> Mapping[str, datetime]:
        """Since when each channel has had a digest in the catalog, without a break."""

    async def edition(self, channel: str, day: date) -> Edition | None:
        """The digest of a channel and date; None if there is none."""

    async def last_edition(self, channel: str, until: date) -> Edition | None:
        """The digest of the newest date, not later than ``until``; None if there is none."""

    async def edition_days(self, channel: str, since: date) -> frozenset[date]:
        """The dates from ``since`` on that have a digest."""

    async def table_refused(self, since: datetime) -> bool:
        """Whether Slack has refused a digest's table since then, in any channel."""

    async def newest_editions(self, until: date) -> Mapping[str, datetime]:
        """The end of each channel's newest posted span, for dates not later than ``until``; for ``/metrics``."""


class DigestWriting(Protocol):
    """Writes of the daily digests."""

    async def keep_digests(self, channels: Collection[str], at: datetime) -> None:
        """Record that only those channels have a digest from ``at`` on; a channel that had one keeps its old start."""

    async def add_edition(self, edition: Edition) -> bool:
        """Add a digest; False, and nothing is written, if that channel and date already have one."""
