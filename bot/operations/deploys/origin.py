"""Where a request came from: its replay key, and the surface that its answer goes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from bot.ports.store import Transaction


@dataclass(frozen=True, slots=True)
class Origin:
    """A Slack request's signature hash (empty for other surfaces), channel, response_url and thread."""

    signature: str = ""
    channel: str = ""
    response_url: str = ""
    thread_ts: str = ""

    async def remember(self, tx: Transaction, at: datetime) -> None:
        """Keep the request from being taken twice; ``Replayed`` where it was taken before."""
        if self.signature:
            await tx.remember_request(self.signature, at)


NOWHERE = Origin()
"""The origin of what Nomatron does by itself and of commands on the host."""
