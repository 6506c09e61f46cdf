"""The daily digest: which dates fall due, and a look at one before it is posted."""

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
"""Between two digests of one channel that are due at once, so that the older one stands above the newer one."""


@dataclass(frozen=True, slots=True)
class _Due:
    """A date that fell due and has no row; ``wait`` until it is posted."""

    plan: _Plan
    day: date
    wait: timedelta


@dataclass(frozen=True, slots=True)
class _Plan:
    """A digest as the catalog in force has it."""

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
        """The row of that date, nothing of it posted yet."""
        return Edition(
            channel=self.digest.channel,
            day=day,
            span=span,
            environments=self.digest.environments,
            timezone=self.timezone,
            catalog=self.active.fingerprint,
        )


async def tick(ports: Ports) -> bool:
    """Put every date that fell due and has no row yet into the outbox, oldest first; whether there was any.

    A date has one row for ever, so that a restart, another ticker or a clock that is set back never send it again.
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
    # one after another: each tells of the time from where the one before it ended
    added = [await _add(ports, each, now) for each in due]
    return any(added)


async def _due(reading: Reading, plan: _Plan, since: datetime, now: datetime) -> list[_Due]:
    days = due_days(plan.digest, plan.zone, now, since)
    if not days:
        return []
    there = await reading.edition_days(plan.digest.channel, days[0])
    missing = [day for day in days if day not in there and not await _told(reading, plan, day, there)]
    return [_Due(plan, day, APART * position) for position, day in enumerate(missing)]


async def _told(reading: Reading, plan: _Plan, day: date, there: frozenset[date]) -> bool:
    """Whether the next date that has a row told of this one's time: under another time of day or zone it came first."""
    later = [each for each in there if each > day]
    following = await reading.edition(plan.digest.channel, min(later)) if later else None
    return following is not None and following.span.begins < span_of(plan.digest, plan.zone, day, None).ends


async def _add(ports: Ports, due: _Due, now: datetime) -> bool:
    plan, channel = due.plan, due.plan.digest.channel
    async with ports.store.begin() as tx:
        await tx.lock_catalog()
        if (await tx.active_catalog()).fingerprint != plan.active.fingerprint:
            # another catalog has come into force: what is due under that is for the next tick to say
            return False
        before = await tx.edition(channel, day_before(due.day, plan.zone))
        edition = plan.edition(due.day, span_of(plan.digest, plan.zone, due.day, before))
        added = await tx.add_edition(edition)
        if added:
            intent = Outgoing(kind=Delivery.DIGEST, channel=channel, day=due.day.isoformat(), not_before=now + due.wait)
            await tx.send(intent, now)
    return added


async def preview(ports: Ports, channel: str, day: date | None) -> DigestCard | Refused:
    """The digest of that channel, else the catalog's first: of ``day``, else the one to come as far as it has got.

    A date that has its row is shown as that has it. Refused where the catalog has no digest, and for a date whose time
    has not begun. Raises ``CatalogMissing``.
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
            return refuse("day-to-come", f"The digest of {day} tells of a time that is still to come: name a past day.")
        span = Span(edition.span.begins, min(edition.span.ends, now))
        content = await report_of(reading, replace(edition, span=span), ports.directory.link)
    return DigestCard(day=edition.day, report=content, preview=True)


async def _to_come(reading: Reading, plan: _Plan, now: datetime) -> Edition:
    last = await reading.last_edition(plan.digest.channel, _newest(now))
    return plan.edition(*open_span(plan.digest, plan.zone, now, last))


@dataclass(frozen=True, slots=True)
class Next:
    """The digest of a channel that comes next: its local date, and when that is due, in its own zone."""

    channel: str
    day: date
    due: datetime


async def upcoming(ports: Ports) -> tuple[Next, ...]:
    """When each digest of the catalog in force comes next, in the order of the catalog. Raises ``CatalogMissing``."""
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
    """What that edition says, by the catalog that it fell due under."""
    catalog = require(await reading.catalog(edition.catalog), f"the catalog of the digest of {edition.day}")
    return await report(reading, edition.scope, edition.timezone, catalog, link)


def _newest(now: datetime) -> date:
    """No zone has a later date by now: a row that has one is of a clock that was ahead once."""
    return now.date() + timedelta(days=1)


async def ages(ports: Ports) -> Mapping[str, datetime]:
    """For each channel that has a digest: up to when it has told, and before the first, since when it has one."""
    async with ports.store.read() as reading:
        since, told = await reading.digests_since(), await reading.newest_editions(_newest(ports.clock.now()))
    return {channel: max(begun, told.get(channel, begun)) for channel, begun in since.items()}
