"""The daily digest: put due dates into the outbox, and preview a digest before it is posted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from bot.domain.decision import refuse
from bot.domain.deploy.message import Delivery, Outgoing
from bot.domain.digest.report import DigestCard
from bot.domain.digest.schedule import Edition, Span, day_before, due_days, instant, open_span, span_of
from bot.errors import CatalogMissing
from bot.operations.digest.report import report
from bot.operations.require import require

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from bot.domain.catalog.digest import Digest
    from bot.domain.decision import Refused
    from bot.domain.digest.report import Report
    from bot.ports import Ports
    from bot.ports.store import ActiveCatalog, Reading

APART: Final = timedelta(seconds=5)
"""The time between two digests of one channel that are due at once, so that they are posted in order."""


@dataclass(frozen=True, slots=True)
class _Due:
    """A date that is due and has no row yet; it is posted after ``wait``."""

    plan: _Plan
    day: date
    wait: timedelta


@dataclass(frozen=True, slots=True)
class _Plan:
    """A digest of the active catalog."""

    digest: Digest
    active: ActiveCatalog

    @property
    def timezone(self) -> str:
        """Its IANA name."""
        return self.digest.timezone or self.active.catalog.timezone

    @property
    def zone(self) -> ZoneInfo:
        """The zone itself."""
        return ZoneInfo(self.timezone)

    def due(self, day: date) -> datetime:
        """When that date's digest is due, in the digest's zone."""
        return instant(day, time.fromisoformat(self.digest.at), self.zone).astimezone(self.zone)

    def edition(self, day: date, span: Span) -> Edition:
        """A new row for that date, with nothing posted yet."""
        return Edition(
            channel=self.digest.channel,
            day=day,
            span=span,
            environments=self.digest.environments,
            timezone=self.timezone,
            catalog=self.active.fingerprint,
        )


async def tick(ports: Ports) -> bool:
    """Put every due date without a row into the outbox, oldest first; returns whether there was one.

    A date keeps its row for ever, so that a restart, a second ticker or a clock set back never sends it again.
    """
    now = ports.clock.now()
    async with ports.store.read() as reading:
        try:
            active = await reading.active_catalog()
        except CatalogMissing:
            return False
        since = await reading.digests_since()
        plans = [_Plan(digest, active) for digest in active.catalog.digests if digest.channel in since]
        due = [each for plan in plans for each in await _due(reading, plan, since[plan.digest.channel], now)]
    # one after another: each span starts where the one before it ended
    added = [await _add(ports, each, now) for each in due]
    return any(added)


async def _due(reading: Reading, plan: _Plan, since: datetime, now: datetime) -> list[_Due]:
    days = due_days(plan.digest, plan.zone, now, since)
    if not days:
        return []
    there = await reading.edition_days(plan.digest.channel, days[0])
    missing = [day for day in days if day not in there and not await _is_covered(reading, plan, day, there)]
    return [_Due(plan, day, APART * position) for position, day in enumerate(missing)]


async def _is_covered(reading: Reading, plan: _Plan, day: date, there: frozenset[date]) -> bool:
    """Whether the next date with a row covers this date's span, because the digest's time or zone has changed."""
    later = [each for each in there if each > day]
    following = await reading.edition(plan.digest.channel, min(later)) if later else None
    return following is not None and following.span.begins < span_of(plan.digest, plan.zone, day, None).ends


async def _add(ports: Ports, due: _Due, now: datetime) -> bool:
    plan, channel = due.plan, due.plan.digest.channel
    async with ports.begin() as tx:
        await tx.lock_catalog()
        if (await tx.active_catalog()).fingerprint != plan.active.fingerprint:
            # another catalog is active now: the next tick finds what is due by that one
            return False
        before = await tx.edition(channel, day_before(due.day, plan.zone))
        edition = plan.edition(due.day, span_of(plan.digest, plan.zone, due.day, before))
        added = await tx.add_edition(edition)
        if added:
            intent = Outgoing(kind=Delivery.DIGEST, channel=channel, day=due.day.isoformat(), not_before=now + due.wait)
            await tx.send(intent, now)
    return added


async def preview(ports: Ports, channel: str, day: date | None) -> DigestCard | Refused:
    """The digest of that channel, or else the catalog's first one: of ``day``, or else the next one, up to now.

    A date with a row is shown by that row. Refused if the catalog has no digest, or if the span of the date has not
    begun. Raises ``CatalogMissing``.
    """
    now = ports.clock.now()
    async with ports.store.read() as reading:
        active = await reading.active_catalog()
        digests = active.catalog.digests
        if not digests:
            return refuse(
                "digest-missing",
                "The catalog has no digest: add one under `digests` in nomatron.yaml, then run `nomatron apply`.",
            )
        plan = _Plan(next((each for each in digests if each.channel == channel), digests[0]), active)
        edition = await (_to_come(reading, plan, now) if day is None else _of(reading, plan, day))
        if edition.span.begins >= now and day is not None:
            return refuse("day-to-come", f"The time that the digest of {day} covers has not begun. Name a past day.")
        span = Span(edition.span.begins, min(edition.span.ends, now))
        content = await report_of(reading, replace(edition, span=span), ports.directory.link)
    return DigestCard(day=edition.day, report=content, preview=True)


async def _to_come(reading: Reading, plan: _Plan, now: datetime) -> Edition:
    last = await reading.last_edition(plan.digest.channel, _newest(now))
    return plan.edition(*open_span(plan.digest, plan.zone, now, last))


@dataclass(frozen=True, slots=True)
class Next:
    """A channel's next digest: its local date, and when it is due, in its own time zone."""

    channel: str
    day: date
    due: datetime


async def upcoming(ports: Ports) -> tuple[Next, ...]:
    """When each digest of the active catalog is due next, in the order of the catalog. Raises ``CatalogMissing``."""
    now = ports.clock.now()
    async with ports.store.read() as reading:
        active = await reading.active_catalog()
        plans = [_Plan(digest, active) for digest in active.catalog.digests]
        days = [(plan, (await _to_come(reading, plan, now)).day) for plan in plans]
    return tuple(Next(plan.digest.channel, day, plan.due(day)) for plan, day in days)


async def _of(reading: Reading, plan: _Plan, day: date) -> Edition:
    stored = await reading.edition(plan.digest.channel, day)
    if stored is not None:
        return stored
    before = await reading.edition(plan.digest.channel, day_before(day, plan.zone))
    return plan.edition(day, span_of(plan.digest, plan.zone, day, before))


async def report_of(reading: Reading, edition: Edition, link: Callable[[str, str], str]) -> Report:
    """The content of that edition, by the catalog that was active when it was due."""
    catalog = require(await reading.catalog(edition.catalog), f"the catalog of the digest of {edition.day}")
    return await report(reading, edition.scope, edition.timezone, catalog, link)


def _newest(now: datetime) -> date:
    """The latest date in any time zone now; a row with a later date comes from a clock that was ahead."""
    return now.date() + timedelta(days=1)


async def ages(ports: Ports) -> Mapping[str, datetime]:
    """For each channel with a digest: the end of its newest posted span, or since when it has a digest."""
    async with ports.store.read() as reading:
        since, posted = await reading.digests_since(), await reading.newest_editions(_newest(ports.clock.now()))
    return {channel: max(begun, posted.get(channel, begun)) for channel, begun in since.items()}
