"""A clock that stands still until it is moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class FixedClock:
    """The time stands at ``instant``; ``advance`` moves it."""

    def __init__(self, instant: datetime = NOON) -> None:
        self.instant = instant

    def now(self) -> datetime:
        return self.instant

    def advance(self, by: timedelta | None = None, **units: float) -> datetime:
        """Move it on (``advance(seconds=5)``); the new instant."""
        self.instant += by if by is not None else timedelta(**units)
        return self.instant
