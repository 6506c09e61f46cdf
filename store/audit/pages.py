"""Pages of the audit log and of requests: a page costs what it shows, however long the log is."""

from __future__ import annotations

from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, Integer, bindparam, select, tuple_
from sqlalchemy import text as sql

from bot.ports.audit import Stored
from store.sql.conditions import REQUESTED
from store.sql.dialects import Instant
from store.sql.scopes import chunks
from store.sql.session import Session
from store.tables import audit_events

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import FromClause, Select

    from bot.ports.audit import AuditQuery

_E: Final = audit_events.c
_NARROWING: Final = ("actor", "service", "environment", "deploy")


class PageReading(Session):
    """Reads of audit events, newest first, and of the timelines of deploys."""

    async def audit_page(self, query: AuditQuery, limit: int) -> tuple[Stored, ...]:
        """The newest ``limit`` events that match, newest first by time and index."""
        await self.flush()
        narrowed = {name: value for name in _NARROWING if (value := getattr(query, name)) is not None}
        bounds = _bounds(query)
        rows = await self._rows(_page((*narrowed, *bounds)), {**narrowed, **bounds, "limit": limit})
        return tuple(Stored(index, body) for index, body in rows)

    async def requested_page(
        self, service: str, environment: str | None, before: int | None, limit: int
    ) -> tuple[int, ...]:
        """The deploy ids of a service's newest requests, newest first; with ``before``, only smaller ids."""
        found = select(_E.deploy).where(sql(REQUESTED), _E.service == service)
        if environment is not None:
            found = found.where(_E.environment == environment)
        if before is not None:
            found = found.where(_E.deploy < before)
        return tuple((await self._run(found.order_by(_E.deploy.desc()).limit(limit))).scalars())

    async def timelines(self, deploys: Collection[int]) -> Mapping[int, tuple[Stored, ...]]:
        """All events of each of those deploys, oldest first; a deploy without events has no entry."""
        found: dict[int, tuple[Stored, ...]] = {}
        for chunk in chunks(deploys):
            asked = select(_E.deploy, _E.index, _E.body).where(_E.deploy.in_(chunk)).order_by(_E.deploy, _E.index)
            for deploy, rows in groupby(await self._rows(asked), key=itemgetter(0)):
                found[deploy] = tuple(Stored(index, body) for _, index, body in rows)
        return found


def _bounds(query: AuditQuery) -> dict[str, Any]:
    """The lower and the upper bound of a page. Never two upper bounds.

    With two, SQLite would start at either of them, and might read everything that the other one excludes.
    """
    span, before = query.span, query.before
    lower = {} if span is None else {"begins": span.begins}
    if before is not None and (span is None or before.at < span.ends):
        return {**lower, "at": before.at, "index": before.index}
    return lower if span is None else {**lower, "ends": span.ends}


@cache
def _page(given: tuple[str, ...]) -> Select[int, bytes]:
    """The statement for these parameters. Cached, because building it takes as long as running it."""
    source = _of_deploy() if "deploy" in given else audit_events
    c = source.c
    conditions = {name: c[name] == bindparam(name) for name in _NARROWING if name != "deploy"}
    conditions |= {"begins": c.at >= bindparam("begins"), "ends": c.at < bindparam("ends")}
    cursor = tuple_(bindparam("at", type_=Instant()), bindparam("index", type_=BigInteger()))
    conditions["at"] = tuple_(c.at, c.index) < cursor
    found = select(c.index, c.body).where(*(conditions[name] for name in given if name in conditions))
    return found.order_by(c.at.desc(), c.index.desc()).limit(bindparam("limit", type_=Integer()))


def _of_deploy() -> FromClause:
    """A deploy's events, which are few, selected before any other condition applies.

    Otherwise a database without statistics reads all events of the deploy's service, because those are in order.
    """
    columns = (_E.index, _E.at, _E.service, _E.environment, _E.actor, _E.body)
    found = select(*columns).where(_E.deploy == bindparam("deploy"))
    return found.cte("of_deploy").prefix_with("MATERIALIZED")
