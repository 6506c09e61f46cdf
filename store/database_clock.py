"""The database's clock as this process knows it, so that all processes of one database agree on every instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def _host_time() -> datetime:
    return datetime.now(UTC)


class DatabaseClock:
    """This host's clock, put right by what the database says at every poll; implements ``bot.ports.Clock``."""

    def __init__(self, host: Callable[[], datetime] = _host_time) -> None:
        self.host = host
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        """The database's time."""
        return self.host() + self._ahead

    def follow(self, said: datetime, *, since: datetime) -> None:
        """Note that the database said this time, between ``since`` by this host's clock and now."""
        # nobody knows how much of that went by before the answer was made, so only what is certainly wrong is changed
        least, most = said - self.host(), said - since
        self._ahead = min(max(self._ahead, least), most)
