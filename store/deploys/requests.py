"""The replay cache: Slack requests that were accepted, stored in the transaction of the change that they caused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from bot.errors import Replayed
from store.sql.dialects import insert
from store.sql.session import Session
from store.tables import refusals, requests

if TYPE_CHECKING:
    from datetime import datetime


class RequestReading(Session):
    """Reads the replay cache."""

    async def knows_request(self, signature: str) -> bool:
        """Whether a Slack request was accepted before, by the hash of its signature."""
        return await self._row(select(requests.c.signature).where(requests.c.signature == signature)) is not None


class RequestWriting(RequestReading):
    """Adds requests to the replay cache and removes old ones."""

    async def remember_request(self, signature: str, at: datetime) -> None:
        """Store the hash of a Slack request's signature; raises ``Replayed`` if it is stored already."""
        kept = insert(self._dialect, requests).values(signature=signature, at=at).on_conflict_do_nothing()
        if (await self._run(kept)).rowcount == 0:
            raise Replayed("this Slack request was accepted before: nothing was written")

    async def forget_requests(self, before: datetime) -> None:
        """Delete the signature hashes from before that time, and the refusals that were not repeated since."""
        await self._run(requests.delete().where(requests.c.at < before))
        # a count waits for the next refusal of its kind, which says it
        await self._run(refusals.delete().where(refusals.c.at < before, refusals.c.repeated == 0))
