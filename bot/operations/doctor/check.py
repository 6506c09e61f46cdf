"""Runs a single check: bounded in time, and a failure becomes a finding."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from bot.domain.diagnosis.finding import Finding, check_bug, check_failure, check_timeout
from bot.errors import NomadRefused, NomatronError, SlackRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable

Result = TypeVar("Result")

_SYSTEMIC: Final = frozenset(
    {"missing_scope", "invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"}
)
"""Slack's error codes that the next check of the same kind would get, too."""


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
        own = isinstance(result, NomadRefused) or (isinstance(result, SlackRefused) and result.error not in _SYSTEMIC)
        return FailedCheck(check_failure(subject, result), systemic=not own)
    if isinstance(result, BaseException):
        return FailedCheck(check_bug(subject, result), systemic=False)
    return result
