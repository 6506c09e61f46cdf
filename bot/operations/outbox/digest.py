"""Post a date's digest, and its CSV under it: once, or marked as a second copy where the first may stand unseen."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from bot.domain.deploy.delivery import Fate, fate
from bot.domain.deploy.message import Delivery, Note, Outgoing
from bot.domain.digest.csv import csv_of
from bot.domain.digest.report import DigestCard, Look
from bot.domain.digest.schedule import NEWEST, FileState
from bot.errors import SlackError, SlackRefused, SlackUnavailable, StaleFence, StoreError
from bot.operations.digest.report import all_entries
from bot.operations.digest.schedule import report_of
from bot.operations.outbox.posting import may_stand, post_somewhere
from bot.operations.require import require

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.digest.schedule import Edition
    from bot.ports import Ports
    from bot.ports.store import Parcel, Reading

log = logging.getLogger(__name__)

TABLE_TRIED_AGAIN: Final = timedelta(days=30)
"""So long after Slack refused a table none is tried, whatever the channel."""
PLAINER: Final = {Look.TABLE: Look.CLASSIC, Look.CLASSIC: Look.PLAIN}
"""What to try where Slack refused a look."""
TOO_OLD: Final = "too_old"
"""Why one is given up that as many newer ones as are ever posted late came after."""
_PAUSE = 0.2
_NO_SCOPE = "missing_scope"
_NO_FILE = "The CSV is missing: Slack refuses the file, and the operators are told why."


@dataclass(slots=True)
class _Row:
    """An edition and the parcel that holds it; ``edition`` is the row as it was last written."""

    ports: Ports
    parcel: Parcel
    edition: Edition

    async def keep(self, *notes: Note, **changes: Any) -> None:
        """Write what changed, and what the operators have to know of it; ``StaleFence`` where it is another's."""
        changed = replace(self.edition, **changes)
        async with self.ports.store.begin() as tx:
            await tx.save_edition(changed, self.parcel)
            for note in notes:
                await tx.send(Outgoing(kind=Delivery.ADMIN, note=note), self.ports.clock.now())
        self.edition = changed

    async def keep_surely(self, *notes: Note, **changes: Any) -> None:
        """The same for what Slack has done or not: tried for a lease's time, as losing it would mean a second copy."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + self.ports.limits.lease.total_seconds()
        while True:
            try:
                return await self.keep(*notes, **changes)
            except StaleFence:
                raise
            except StoreError:
                if loop.time() >= ends:
                    raise
                await asyncio.sleep(_PAUSE)


@dataclass(slots=True)
class _Drawing:
    """A digest on its way to Slack: ``look`` is the richest that was not refused, ``refused_table`` when one was."""

    ports: Ports
    card: DigestCard
    look: Look
    refused_table: datetime | None

    async def post(self, channel: str) -> str:
        """Its ts; what is refused for its blocks is drawn plainer at once."""
        while True:
            try:
                return await self.ports.chat.post_digest(self.card, channel, self.look)
            except SlackRefused as error:
                if fate(error.error) is not Fate.PLAIN or self.look not in PLAINER:
                    raise
                if self.look is Look.TABLE:
                    self.refused_table = self.ports.clock.now()
                log.warning("slack refused a digest's look", extra={"look": self.look.value, "error": str(error)})
                self.look = PLAINER[self.look]


async def post(ports: Ports, parcel: Parcel) -> None:
    """Post the parcel's digest where it does not stand yet, then its CSV.

    What Slack refuses for good is given up, and the operators are told. Raises ``SlackUnavailable``, ``SlackRefused``
    for what a person has to mend first, ``StaleFence`` where the parcel was taken over.
    """
    channel, day = parcel.outgoing.channel, date.fromisoformat(parcel.outgoing.day)
    async with ports.store.read() as reading:
        row = _Row(ports, parcel, require(await reading.edition(channel, day), f"the digest of {day} for {channel}"))
        newer = await _newer(reading, row.edition, ports.clock.now())
    if not row.edition.ts and not row.edition.given_up:
        # as after a long absence: whoever comes back to Slack after weeks wants no more than that at once
        await (_overtaken(row) if newer >= NEWEST else _post_or_give_up(row))
    if row.edition.ts and row.edition.file in {FileState.NONE, FileState.BEGUN}:
        await _attach(row)


async def _newer(reading: Reading, edition: Edition, now: datetime) -> int:
    """How many newer ones fell due; those of a clock that was ahead once are no reason to withhold this one."""
    today = now.astimezone(ZoneInfo(edition.timezone)).date()
    days = await reading.edition_days(edition.channel, edition.day)
    return sum(edition.day < each <= today for each in days)


async def _post_or_give_up(row: _Row) -> None:
    try:
        await _post(row)
    except SlackRefused as error:
        if fate(error.error) is Fate.LATER:
            raise
        await _give_up(row, error)


async def _post(row: _Row) -> None:
    """Commit the attempt, post, commit where it is; an attempt found unfinished is posted again, and says so."""
    ports, edition = row.ports, row.edition
    drawing = await _drawn(ports, edition)
    await row.keep(posting=ports.clock.now(), twice=drawing.card.twice)
    try:
        posted_in, ts, lost = await post_somewhere(ports, f"The digest of {edition.day}", edition.channel, drawing.post)
    except (SlackUnavailable, SlackRefused) as error:
        # nothing stands where Slack said no, or was never reached: the next attempt is not a second one
        posting = row.edition.posting if may_stand(error) else None
        await row.keep_surely(posting=posting, refused_table=drawing.refused_table)
        raise
    told = ports.clock.now()
    stands = {"posted_in": posted_in, "ts": ts, "posted_at": told, "refused_table": drawing.refused_table}
    await row.keep_surely(*lost, posting=None, **stands)


async def _drawn(ports: Ports, edition: Edition) -> _Drawing:
    now = ports.clock.now()
    # links need to know our workspace; where Slack does not tell, they are missing, and the post shows what is wrong
    with suppress(SlackError):
        await ports.directory.introduce()
    async with ports.store.read() as reading:
        report = await report_of(reading, edition, ports.directory.link)
        look = await likely_look(reading, now)
    twice = edition.twice or edition.posting is not None
    card = DigestCard(day=edition.day, report=report, late=edition.late(now), twice=twice)
    return _Drawing(ports, card, look, edition.refused_table)


async def likely_look(reading: Reading, now: datetime) -> Look:
    """The richest look that Slack has not refused lately."""
    return Look.CLASSIC if await reading.table_refused(now - TABLE_TRIED_AGAIN) else Look.TABLE


async def _give_up(row: _Row, error: SlackRefused) -> None:
    """Nobody will see it there: the operators hear of it."""
    day, channel = row.edition.day, row.edition.channel
    log.warning("slack refused a digest", extra={"channel": channel, "day": day.isoformat(), "error": error.error})
    lines = (
        f"Channel {channel}: invite the app, unarchive it, or name another.",
        f"Look at what it would have said with /deploy digest preview {day}.",
    )
    note = Note(text=f"The digest of {day} for {channel} cannot be posted: Slack refuses it ({error}).", lines=lines)
    await row.keep(note, given_up=error.error)


async def _overtaken(row: _Row) -> None:
    """Slack did not take it until as many newer ones had fallen due as are ever posted late."""
    day, channel = row.edition.day, row.edition.channel
    log.warning("a digest is too old to be posted", extra={"channel": channel, "day": day.isoformat()})
    text = f"The digest of {day} for {channel} is not posted any more: {NEWEST} newer ones are due by now."
    lines = (f"Look at what it would have said with /deploy digest preview {day}.",)
    await row.keep(Note(text=text, lines=lines), given_up=TOO_OLD)


async def _attach(row: _Row) -> None:
    """Put the CSV under it; none where there is nothing to list. One found unfinished may be there: it says so."""
    ports, edition = row.ports, row.edition
    async with ports.store.read() as reading:
        entries = await all_entries(reading, edition.scope)
    if not entries:
        return
    again = " (again: the first may have arrived)" if edition.file is FileState.BEGUN else ""
    content = csv_of(entries, ZoneInfo(edition.timezone))
    await row.keep(file=FileState.BEGUN)
    name, title = f"deployments-{edition.day}.csv", f"Deployments of {edition.day}{again}"
    try:
        await ports.chat.upload(edition.posted_in, edition.ts, name=name, title=title, content=content)
    except (SlackUnavailable, SlackRefused) as error:
        if isinstance(error, SlackRefused) and (fate(error.error) is not Fate.LATER or error.error == _NO_SCOPE):
            await row.keep(_without_file(edition, error), file=FileState.GIVEN_UP)
            # the digest promises a file: who looks for it finds why there is none
            with suppress(SlackError):
                await ports.chat.reply(edition.posted_in, edition.ts, Note(text=_NO_FILE))
            return
        await row.keep_surely(file=FileState.BEGUN if may_stand(error) else edition.file)
        raise
    await row.keep_surely(file=FileState.SENT)


def _without_file(edition: Edition, error: SlackRefused) -> Note:
    where = f"The digest of {edition.day} for {edition.channel}"
    text = f"{where} is without its CSV: Slack refuses the file ({error})."
    mend = "`nomatron history SERVICE` and `nomatron audit list` tell what it would have listed."
    if error.error == _NO_SCOPE:
        mend = (
            "It takes files:write: paste what `nomatron manifest --url URL` prints into the app, then install it anew."
        )
    return Note(text=text, lines=(mend,))
