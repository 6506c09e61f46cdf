"""Slack requests that were taken: the replay cache, kept with the change that a request caused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from bot.errors import Replayed
from store.sql.dialects import insert
from store.sql.session import Session
from store.tables import requests

if TYPE_CHECKING:
    from datetime import datetime


class RequestReading(Session):
    """Whether a request was taken."""

    async def knows_request(self, signature: str) -> bool:
        """Whether a Slack request was taken, by its signature's hash."""
        return await self._row(select(requests.c.signature).where(requests.c.signature == signature)) is not None


class RequestWriting(RequestReading):
    """Remembering and forgetting requests."""

    async def remember_request(self, signature: str, at: datetime) -> None:
        """Keep a Slack request's signature hash for its replay window; ``Replayed`` where it is known already."""
        kept = insert(self._dialect, requests).values(signature=signature, at=at).on_conflict_do_nothing()
        if (await self._run(kept)).rowcount == 0:
            raise Replayed("this Slack request was taken before: nothing was written")

    async def forget_requests(self, before: datetime) -> None:
        """Drop signature hashes that are older."""
        await self._run(requests.delete().where(requests.c.at < before))
