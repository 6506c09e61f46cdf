"""Audit events, which are appended and never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from bot.ports.audit import Stored
from store.sql.session import Session
from store.tables import audit_events

if TYPE_CHECKING:
    from bot.domain.audit.events import Event


class EventReading(Session):
    """Reads of the audit log."""

    async def events(self, deploy_id: int | None = None, limit: int = 100) -> tuple[Stored, ...]:
        """The newest ``limit`` audit events, of one deploy or of all deploys, oldest first."""
        found = select(audit_events.c.index, audit_events.c.body)
        if deploy_id is not None:
            found = found.where(audit_events.c.deploy == deploy_id)
        newest = await self._all(Stored, found.order_by(audit_events.c.index.desc()).limit(limit))
        return newest[::-1]


class EventWriting(EventReading):
    """Appends to the audit log."""

    async def record(self, event: Event) -> None:
        """Append the audit event of this change; raises ``ValueError`` if its data has no canonical form."""
        await self._run(
            audit_events.insert().values(
                body=event.body(),
                at=event.at,
                type=event.type,
                deploy=event.deploy_id,
                service=event.service,
                environment=event.environment,
                actor=event.actor,
            )
        )
