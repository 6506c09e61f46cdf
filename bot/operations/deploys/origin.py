"""The origin of a request: its key against replays, and where its answer goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.errors import StoreError

if TYPE_CHECKING:
    from datetime import datetime

    from bot.errors import AmbiguousCommit
    from bot.ports import Ports
    from bot.ports.store import Transaction


@dataclass(frozen=True, slots=True)
class Origin:
    """A Slack request's signature hash (empty for other surfaces), channel, response_url and thread."""

    signature: str = ""
    channel: str = ""
    response_url: str = ""
    thread_ts: str = ""

    async def remember(self, tx: Transaction, at: datetime) -> None:
        """Record the request, so that it is accepted only once; ``Replayed`` if it was accepted before."""
        if self.signature:
            await tx.remember_request(self.signature, at)

    async def was_committed(self, ports: Ports, doubt: AmbiguousCommit) -> bool:
        """Whether the commit happened, found by the request's signature, which is written in the same transaction.

        Raises ``doubt`` if nobody can tell: the request has no signature, or the database does not answer.
        """
        if not self.signature:
            raise doubt
        try:
            async with ports.store.read() as reading:
                return await reading.knows_request(self.signature)
        except StoreError:
            raise doubt from None


NOWHERE = Origin()
"""The origin of Nomatron's own actions and of commands on the host."""
