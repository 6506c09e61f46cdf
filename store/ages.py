"""How long the oldest item of each queue has been waiting, for ``/metrics`` and ``doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy import text as sql

from bot.domain.deploy.deploy import Status
from bot.ports.store import Ages
from store.sql.conditions import IS_OPEN
from store.sql.session import Session
from store.tables import deploys, outbox

if TYPE_CHECKING:
    from sqlalchemy import ScalarSelect


class AgesReading(Session):
    """Reads the ages of all three queues."""

    async def ages(self) -> Ages:
        """When the oldest item of each queue started to wait; items that are not due yet do not count."""
        unsent = select(func.min(func.coalesce(outbox.c.not_before, outbox.c.created_at))).scalar_subquery()
        look = select(
            _oldest(Status.PLANNING).label("unplanned"),
            _oldest(Status.READY).label("undispatched"),
            unsent.label("unsent"),
        )
        row = (await self._run(look)).mappings().one()
        return Ages(unplanned=row["unplanned"], undispatched=row["undispatched"], unsent=row["unsent"])


def _oldest(status: Status) -> ScalarSelect[Any]:
    return select(func.min(deploys.c.changed_at)).where(sql(IS_OPEN), deploys.c.status == status).scalar_subquery()
