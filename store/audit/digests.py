"""The daily digests: which channels have a digest, and one row for each channel and date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select
from sqlalchemy import text as sql

from bot.domain.digest.schedule import Edition, Span
from store.outbox.fences import Fencing
from store.sql.conditions import TABLE_REFUSED
from store.sql.dialects import insert
from store.sql.mapping import columns_of, record_of
from store.sql.session import Session
from store.tables import digests, editions

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date, datetime

    from sqlalchemy import RowMapping, Select

    from bot.ports.claims import Parcel

_KEY: Final = ("channel", "day")


class DigestReading(Session):
    """Reads of the daily digests."""

    async def digests_since(self) -> Mapping[str, datetime]:
        """The time from which each channel has had a digest in the catalog without a break."""
        return dict(await self._rows(select(digests.c.channel, digests.c.since)))

    async def edition(self, channel: str, day: date) -> Edition | None:
        """The digest of a channel for a date; None if there is none."""
        return await self._edition(_of(channel).where(editions.c.day == day))

    async def last_edition(self, channel: str, until: date) -> Edition | None:
        """The newest digest of a channel for a date up to ``until``; None if there is none."""
        newest = _of(channel).where(editions.c.day <= until).order_by(editions.c.day.desc())
        return await self._edition(newest.limit(1))

    async def edition_days(self, channel: str, since: date) -> frozenset[date]:
        """The dates from ``since`` on for which the channel has a digest."""
        found = select(editions.c.day).where(editions.c.channel == channel, editions.c.day >= since)
        return frozenset((await self._run(found)).scalars())

    async def table_refused(self, since: datetime) -> bool:
        """Whether Slack has refused a digest's table in any channel since then."""
        refused = select(editions.c.day).where(sql(TABLE_REFUSED), editions.c.refused_table >= since)
        found: bool = (await self._run(select(refused.exists()))).scalar_one()
        return found

    async def newest_editions(self, until: date) -> Mapping[str, datetime]:
        """For each channel of the catalog, the end of the newest posted span, for dates up to ``until``."""
        # one index lookup for each channel, because there is a row for every day
        ends = (
            select(editions.c.ends)
            .where(editions.c.channel == digests.c.channel, editions.c.day <= until, editions.c.ts != "")
            .order_by(editions.c.day.desc())
            .limit(1)
            .correlate(digests)
            .scalar_subquery()
        )
        rows = await self._rows(select(digests.c.channel, ends.label("ends")))
        return {channel: newest for channel, newest in rows if newest is not None}

    async def _edition(self, statement: Select[Any]) -> Edition | None:
        row = await self._row(statement)
        return None if row is None else edition_of(row)


class DigestWriting(DigestReading, Fencing):
    """Writes of the daily digests."""

    async def keep_digests(self, channels: Collection[str], at: datetime) -> None:
        """Set which channels have a digest from ``at`` on; a channel that has one already keeps its earlier time."""
        await self._run(digests.delete().where(digests.c.channel.not_in(sorted(channels))))
        for channel in sorted(channels):
            kept = insert(self._dialect, digests).values(channel=channel, since=at)
            await self._run(kept.on_conflict_do_nothing(index_elements=["channel"]))

    async def add_edition(self, edition: Edition) -> bool:
        """Insert a digest; returns False and writes nothing if that channel and date have one already."""
        kept = insert(self._dialect, editions).values(row_of(edition))
        return (await self._run(kept.on_conflict_do_nothing(index_elements=list(_KEY)))).rowcount == 1

    async def save_edition(self, edition: Edition, parcel: Parcel) -> None:
        """Update a digest; raises ``StaleFence`` if another worker has taken over the parcel."""
        await self._hold(parcel)
        same = (editions.c.channel == edition.channel, editions.c.day == edition.day)
        await self._run(editions.update().where(*same).values(row_of(edition, without=_KEY)))


def row_of(edition: Edition, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The columns of an edition; the start and end of its span have a column each."""
    span = {"begins": edition.span.begins, "ends": edition.span.ends}
    return {**columns_of(edition, without=("span", *without)), **span}


def edition_of(row: RowMapping) -> Edition:
    """The edition in a row."""
    return record_of(Edition, row, span=Span(row["begins"], row["ends"]))


def _of(channel: str) -> Select[Any]:
    return select(editions).where(editions.c.channel == channel)
