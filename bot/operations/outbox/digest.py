"""Post a day's digest, then its CSV in the thread: once, or marked as a possible duplicate if Slack did not confirm."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from bot.domain.deploy.message import Delivery, Note, Outgoing
from bot.domain.digest.csv import csv_of
from bot.domain.digest.report import DigestCard, Layout
from bot.domain.digest.schedule import NEWEST, FileState
from bot.errors import AppRefused, FileRefused, SlackError, SlackRefused, SlackUnavailable
from bot.operations.digest.report import all_entries
from bot.operations.digest.schedule import report_of
from bot.operations.outbox.posting import may_have_arrived, post_somewhere, surely
from bot.operations.require import require

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.digest.schedule import Edition
    from bot.ports import Ports
    from bot.ports.claims import Parcel
    from bot.ports.store import Reading

log = logging.getLogger(__name__)

TABLE_TRIED_AGAIN: Final = timedelta(days=30)
"""How long no digest is posted with a table, in any channel, after Slack refused one."""
TOO_OLD: Final = "too_old"
"""Why a digest is given up that was never posted while as many newer ones as are ever posted late fell due."""
_NO_FILE = "The CSV is missing: Slack refused the file. The operators know why."


@dataclass(slots=True)
class _Row:
    """An edition and the parcel that owns it; ``edition`` is the row as it was last written."""

    ports: Ports
    parcel: Parcel
    edition: Edition

    async def save(self, *notes: Note, **changes: Any) -> None:
        """Write the changes, with notes for the operators. ``StaleFence`` if the parcel is somebody else's now."""
        changed = replace(self.edition, **changes)
        async with self.ports.begin() as tx:
            await tx.save_edition(changed, self.parcel)
            for note in notes:
                await tx.send(Outgoing(kind=Delivery.ADMIN, note=note), self.ports.clock.now())
        self.edition = changed

    async def save_surely(self, *notes: Note, **changes: Any) -> None:
        """``save``, repeated for the length of a lease while the database fails: a lost result means a duplicate."""
        await surely(self.ports, lambda: self.save(*notes, **changes))


@dataclass(slots=True)
class _Posting:
    """A digest on its way to Slack; ``refused_table`` is when Slack refused its table, if it ever did."""

    ports: Ports
    card: DigestCard
    layout: Layout
    refused_table: datetime | None

    async def post(self, channel: str) -> str:
        """Its ``ts``. A refused table is noted even if what was sent instead failed, too."""
        try:
            ts, plainer = await self.ports.chat.post_digest(self.card, channel, self.layout)
        except SlackError as error:
            self._note_layout(plainer=error.plainer)
            raise
        self._note_layout(plainer=plainer)
        return ts

    def _note_layout(self, *, plainer: bool) -> None:
        if plainer and self.layout is Layout.TABLE:
            self.layout, self.refused_table = Layout.CLASSIC, self.ports.clock.now()


async def post(ports: Ports, parcel: Parcel) -> None:
    """Post the parcel's digest unless it is posted already, then its CSV.

    If Slack refuses the digest for good, it is given up and the operators are told. Raises ``SlackUnavailable``,
    ``AppRefused`` if somebody has to fix the app first, ``StaleFence`` if somebody else owns the parcel now.
    """
    channel, day = parcel.outgoing.channel, date.fromisoformat(parcel.outgoing.day)
    async with ports.store.read() as reading:
        row = _Row(ports, parcel, require(await reading.edition(channel, day), f"the digest of {day} for {channel}"))
        newer = await _newer(reading, row.edition, ports.clock.now())
    if not row.edition.ts and not row.edition.given_up:
        # after weeks without Slack nobody wants a digest of each day at once
        await (_drop_as_too_old(row) if newer >= NEWEST else _post_or_give_up(row))
    if row.edition.ts and row.edition.file in {FileState.NONE, FileState.BEGUN}:
        await _attach(row)


async def _newer(reading: Reading, edition: Edition, now: datetime) -> int:
    """How many newer digests fell due by now. A clock that once ran ahead may have left some of later days."""
    today = now.astimezone(ZoneInfo(edition.timezone)).date()
    days = await reading.edition_days(edition.channel, edition.day)
    return sum(edition.day < each <= today for each in days)


async def _post_or_give_up(row: _Row) -> None:
    try:
        await _post(row)
    except AppRefused:
        raise
    except SlackRefused as error:
        await _give_up(row, error)


async def _post(row: _Row) -> None:
    """Commit the attempt, post, commit where the digest is. An unfinished attempt is repeated, marked as a repost."""
    ports, edition = row.ports, row.edition
    posting = await _posting(ports, edition)
    await row.save(posting=ports.clock.now(), twice=posting.card.twice)
    try:
        channel, ts, notes = await post_somewhere(ports, f"The digest of {edition.day}", edition.channel, posting.post)
    except (SlackUnavailable, SlackRefused) as error:
        # if Slack said no, or was never reached, nothing was posted: the next attempt is not a repost
        begun = row.edition.posting if may_have_arrived(error) else None
        await row.save_surely(posting=begun, refused_table=posting.refused_table)
        raise
    await row.save_surely(
        *notes,
        posting=None,
        posted_in=channel,
        ts=ts,
        posted_at=ports.clock.now(),
        refused_table=posting.refused_table,
    )


async def _posting(ports: Ports, edition: Edition) -> _Posting:
    now = ports.clock.now()
    # links need our workspace's address: if Slack does not tell it, they are missing, and the post shows what is wrong
    with suppress(SlackError):
        await ports.directory.introduce()
    async with ports.store.read() as reading:
        report = await report_of(reading, edition, ports.directory.link)
        layout = await likely_layout(reading, now)
    twice = edition.twice or edition.posting is not None
    card = DigestCard(day=edition.day, report=report, late=edition.late(now), twice=twice)
    return _Posting(ports, card, layout, edition.refused_table)


async def likely_layout(reading: Reading, now: datetime) -> Layout:
    """The richest layout that Slack has not refused lately."""
    return Layout.CLASSIC if await reading.table_refused(now - TABLE_TRIED_AGAIN) else Layout.TABLE


async def _give_up(row: _Row, error: SlackRefused) -> None:
    """Nobody will see the digest in its channel: tell the operators."""
    day, channel = row.edition.day, row.edition.channel
    log.warning("slack refused a digest", extra={"channel": channel, "day": day.isoformat(), "error": error.error})
    lines = (f"Invite the app to {channel}, unarchive it, or name another channel.", _how_to_see(day))
    note = Note(text=f"Slack refuses the digest of {day} in {channel}: {error}.", lines=lines)
    await row.save(note, given_up=error.error)


async def _drop_as_too_old(row: _Row) -> None:
    """Slack could not be reached until as many newer digests had fallen due as are ever posted late."""
    day, channel = row.edition.day, row.edition.channel
    log.warning("a digest is too old to be posted", extra={"channel": channel, "day": day.isoformat()})
    text = f"The digest of {day} for {channel} was skipped: {NEWEST} newer ones are due."
    await row.save(Note(text=text, lines=(_how_to_see(day),)), given_up=TOO_OLD)


def _how_to_see(day: date) -> str:
    return f"See what it would have said with /deploy digest preview {day}."


async def _attach(row: _Row) -> None:
    """Put the CSV into the digest's thread, if there is anything to list.

    An unfinished upload is repeated under a title that says so, since the first file may be there.
    """
    ports, edition = row.ports, row.edition
    async with ports.store.read() as reading:
        entries = await all_entries(reading, edition.scope)
    if not entries:
        return
    again = " (again: Slack did not confirm the first one)" if edition.file is FileState.BEGUN else ""
    content = csv_of(entries, ZoneInfo(edition.timezone))
    await row.save(file=FileState.BEGUN)
    name, title = f"deployments-{edition.day}.csv", f"Deployments of {edition.day}{again}"
    try:
        await ports.chat.upload(edition.posted_in, edition.ts, name=name, title=title, content=content)
    except FileRefused as error:
        await row.save(_without_file(edition, error), file=FileState.GIVEN_UP)
        # the digest promises a file: whoever looks for it reads why it is missing
        with suppress(SlackError):
            await ports.chat.reply(edition.posted_in, edition.ts, Note(text=_NO_FILE))
    except (SlackUnavailable, SlackRefused) as error:
        await row.save_surely(file=FileState.BEGUN if may_have_arrived(error) else edition.file)
        raise
    else:
        await row.save_surely(file=FileState.SENT)


def _without_file(edition: Edition, error: FileRefused) -> Note:
    text = f"The digest of {edition.day} in {edition.channel} has no CSV: Slack refused the file ({error})."
    fix = "`nomatron history SERVICE` and `nomatron audit list` show what it would have listed."
    if error.lacks_scope:
        fix = (
            "The app needs files:write. Paste the output of `nomatron manifest --url URL` into the app's manifest, "
            "then reinstall the app."
        )
    return Note(text=text, lines=(fix,))
