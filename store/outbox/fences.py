"""Checks that a worker still owns its parcel, in the transaction that writes the result of sending it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from bot.errors import StaleFence
from store.sql.session import Session
from store.tables import outbox

if TYPE_CHECKING:
    from bot.ports.claims import Parcel


class Fencing(Session):
    """Checks the fences of parcels."""

    async def _hold(self, parcel: Parcel) -> None:
        """Lock the parcel until this transaction ends; raises ``StaleFence`` if another worker has taken it over."""
        mine = select(outbox.c.id).where(outbox.c.id == parcel.id, outbox.c.fence == parcel.fence)
        if await self._row(mine.with_for_update()) is None:
            raise StaleFence(f"parcel {parcel.id} was taken over: nothing was written")
