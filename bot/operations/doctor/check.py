"""One look at one thing: bounded in time, and a finding of its own where it fails."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from bot.domain.diagnosis.finding import Finding, broken, unexpected, unfinished
from bot.errors import AppRefused, NomadRefused, NomatronError, SlackRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable

Seen = TypeVar("Seen")


@dataclass(frozen=True, slots=True)
class Unseen:
    """A look that failed; ``alike`` says that more of its kind would fail the same way, one slow look after another."""

    finding: Finding
    alike: bool


async def looked(subject: str, seconds: float, look: Awaitable[Seen]) -> Seen | Unseen:
    """What is there, or why that could not be seen. Never raises but for being cancelled: no look hides another."""
    try:
        async with asyncio.timeout(seconds):
            (seen,) = await asyncio.gather(look, return_exceptions=True)
    except TimeoutError:
        return Unseen(unfinished(subject, seconds), alike=True)
    if isinstance(seen, NomatronError):
        own = isinstance(seen, NomadRefused) or (isinstance(seen, SlackRefused) and not isinstance(seen, AppRefused))
        return Unseen(broken(subject, seen), alike=not own)
    if isinstance(seen, BaseException):
        return Unseen(unexpected(subject, seen), alike=False)
    return seen
