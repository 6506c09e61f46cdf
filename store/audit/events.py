"""Audit events, which are appended and never changed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from bot.domain.audit.events import EventType
from bot.ports.audit import Stored
from store.sql.session import Session
from store.tables import audit_events, refusals

if TYPE_CHECKING:
    from bot.domain.audit.events import Event


class EventReading(Session):
    """Reads of the audit log."""

    async def events(self, deploy_id: int | None = None, limit: int = 100) -> tuple[Stored, ...]:
        """The newest ``limit`` audit events, of one deploy or of all deploys, oldest first."""
        await self.flush()
        found = select(audit_events.c.index, audit_events.c.body)
        if deploy_id is not None:
            found = found.where(audit_events.c.deploy == deploy_id)
        newest = await self._all(Stored, found.order_by(audit_events.c.index.desc()).limit(limit))
        return newest[::-1]


_APPEND = audit_events.insert()
_KNOWN_REFUSAL = select(refusals).where(refusals.c.key == bindparam("known")).with_for_update()
_REFUSALS = frozenset({EventType.DEPLOY_REFUSED, EventType.ACTION_REFUSED})
_COUNTED_FOR = timedelta(minutes=1)


def _key_of(event: Event) -> str:
    """Names the person, the act and the reason, whatever the length of the names that were typed."""
    what = (event.deploy_id, event.service, event.environment, event.data.get("act"), event.data.get("codes"))
    return hashlib.sha256(json.dumps([event.actor.key, event.type, *what]).encode()).hexdigest()


class EventWriting(EventReading):
    """Appends to the audit log."""

    async def record(self, event: Event) -> None:
        """Append the audit event of this change; raises ``ValueError`` if its data has no canonical form.

        A refusal that repeats one of the last minute is only counted; the next that is appended has the count.
        """
        if event.type in _REFUSALS:
            repeated = await self._repeated(event)
            if repeated is None:
                return
            event = replace(event, data={**event.data, "repeated": repeated}) if repeated else event
        row = {
            "body": event.body(),
            "at": event.at,
            "type": event.type,
            "deploy": event.deploy_id,
            "service": event.service,
            "environment": event.environment,
            "actor": event.actor,
        }
        self._write_later(_APPEND, row)

    async def _repeated(self, event: Event) -> int | None:
        """How many repetitions of the refusal were counted since it was last appended; None if this is one, too."""
        key = _key_of(event)
        known = await self._row(_KNOWN_REFUSAL, {"known": key})
        # a clock that was set back counts nothing for longer than a minute
        if known is not None and abs(event.at - known["at"]) < _COUNTED_FOR:
            counted = {"repeated": refusals.c.repeated + 1}
            await self._run(refusals.update().where(refusals.c.key == key).values(counted))
            return None
        await self._upsert(refusals, {"key": key, "at": event.at, "repeated": 0}, ("key",))
        return known["repeated"] if known is not None else 0
