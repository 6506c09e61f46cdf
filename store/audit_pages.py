"""Pages of the audit log and of requests: each costs what it shows, however long the log is."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from sqlalchemy import literal, select, tuple_
from sqlalchemy import text as sql

from bot.audit_ports import Stored
from store.dialects import Instant
from store.scopes import chunks
from store.session import Session
from store.tables import REQUESTED, audit_events

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from sqlalchemy import ColumnElement

    from bot.audit_ports import AuditQuery, Place

_E: Final = audit_events.c


class PageReading(Session):
    """Reads of what happened, newest first, and of all that happened to some deploys."""

    async def audit_page(self, query: AuditQuery, before: Place | None, limit: int) -> tuple[Stored, ...]:
        """The newest ``limit`` events that fit, newest first by time and index; those after ``before`` where given."""
        found = select(_E.index, _E.body).where(*_narrowed(query), *_within(query, before))
        rows = await self._plain(found.order_by(_E.at.desc(), _E.index.desc()).limit(limit))
        return tuple(Stored(index, body) for index, body in rows)

    async def requested_page(
        self, service: str, environment: str | None, before: int | None, limit: int
    ) -> tuple[int, ...]:
        """The newest requests of a service, as deploy ids, newest first; those below the id ``before`` where given."""
        found = select(_E.deploy).where(sql(REQUESTED), _E.service == service)
        if environment is not None:
            found = found.where(_E.environment == environment)
        if before is not None:
            found = found.where(_E.deploy < before)
        return tuple((await self._run(found.order_by(_E.deploy.desc()).limit(limit))).scalars())

    async def timelines(self, deploys: Collection[int]) -> Mapping[int, tuple[Stored, ...]]:
        """All events of those deploys, oldest first; a deploy without any is not there."""
        found: dict[int, tuple[Stored, ...]] = {}
        for chunk in chunks(deploys):
            asked = select(_E.deploy, _E.index, _E.body).where(_E.deploy.in_(chunk)).order_by(_E.deploy, _E.index)
            for deploy, rows in groupby(await self._plain(asked), key=itemgetter(0)):
                found[deploy] = tuple(Stored(index, body) for _, index, body in rows)
        return found


def _narrowed(query: AuditQuery) -> Iterator[ColumnElement[bool]]:
    if query.actor is not None:
        yield _E.actor == query.actor
    if query.service is not None:
        yield _E.service == query.service
    if query.environment is not None:
        yield _E.environment == query.environment


def _within(query: AuditQuery, before: Place | None) -> Iterator[ColumnElement[bool]]:
    span = query.span
    if span is not None:
        yield _E.at >= span.begins
    # one upper bound, never two: SQLite would begin at the one it likes and read all that the other one excludes
    if before is not None and (span is None or before.at < span.ends):
        yield tuple_(_E.at, _E.index) < tuple_(literal(before.at, Instant()), before.index)
    elif span is not None:
        yield _E.at < span.ends
