"""The poll: which kinds of work are due, in one statement, because an idle process asks every second."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy import text as sql

from bot.ports.claims import JUDGING, MESSAGES
from store.deploys.claims import is_any_due, latest
from store.outbox.parcels import at_instant, is_any_parcel_due
from store.sql.conditions import UNJUDGED
from store.sql.session import Session
from store.tables import deploys

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.sql import Executable

    from bot.ports.claims import Wanted


class Polling(Session):
    """Reads what is due."""

    async def due(self, wanted: Sequence[Wanted], now: datetime) -> frozenset[str]:
        """The states of the wanted deploys that are due and free, and whether messages and judging are; no lock."""
        values = {"now": now, **at_instant(now)}
        for number, each in enumerate(wanted):
            values |= latest(each, now, f"_{number}")
        asked = tuple(tuple(sorted(each.statuses)) for each in wanted)
        (found,) = await self._rows(_due(self._dialect, asked), values)
        kinds = [*(each.statuses for each in wanted), frozenset({MESSAGES}), frozenset({JUDGING})]
        return frozenset().union(*(work for work, is_due in zip(kinds, found, strict=True) if is_due))


@cache
def _due(dialect: str, wanted: tuple[tuple[str, ...], ...]) -> Executable:
    lanes = (is_any_due(dialect, statuses, f"_{number}") for number, statuses in enumerate(wanted))
    unjudged = select(deploys.c.id).where(sql(UNJUDGED)).exists()
    return select(*lanes, is_any_parcel_due(dialect), unjudged)
