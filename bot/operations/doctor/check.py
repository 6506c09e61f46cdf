"""Runs a single check: bounded in time, and a failure becomes a finding."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from bot.domain.diagnosis.finding import Finding, check_bug, check_failure, check_timeout
from bot.errors import AppRefused, NomadRefused, NomatronError, SlackRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class FailedCheck:
    """A check that failed; ``systemic`` if more checks of its kind would fail the same way, and slowly."""

    finding: Finding
    systemic: bool


async def attempt(subject: str, seconds: float, check: Awaitable[Result]) -> Result | FailedCheck:
    """The result of a check, or why it failed. Only cancellation is raised, so that one check never hides another."""
    try:
        async with asyncio.timeout(seconds):
            (result,) = await asyncio.gather(check, return_exceptions=True)
    except TimeoutError:
        return FailedCheck(check_timeout(subject, seconds), systemic=True)
    if isinstance(result, NomatronError):
        own = isinstance(result, NomadRefused) or (
            isinstance(result, SlackRefused) and not isinstance(result, AppRefused)
        )
        return FailedCheck(check_failure(subject, result), systemic=not own)
    if isinstance(result, BaseException):
        return FailedCheck(check_bug(subject, result), systemic=False)
    return result
