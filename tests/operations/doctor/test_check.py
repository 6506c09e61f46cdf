from __future__ import annotations

import asyncio

import pytest

from bot import errors
from bot.operations.doctor.check import FailedCheck, attempt


async def nothing() -> None:
    """None, which is a result too."""


async def fails(error: Exception) -> str:
    raise error


async def test_a_check_returns_its_result() -> None:
    assert await attempt("x", 5, asyncio.sleep(0, "seen")) == "seen"
    assert await attempt("x", 5, nothing()) is None


@pytest.mark.parametrize(
    ("error", "systemic"),
    [
        (errors.SlackRefused("channel_is_odd"), False),
        (errors.ScopeMissing("missing_scope"), True),
        (errors.SlackUnavailable("away"), True),
        (errors.NomadUnavailable("away"), True),
        (errors.NomadForbidden("no"), True),
        (errors.NomadRefused("line 3: no"), False),
        (KeyError("a bug"), False),
    ],
)
async def test_a_failed_check_is_a_finding(error: Exception, systemic: bool) -> None:  # noqa: FBT001 -- a case
    failed = await attempt("channel C1", 5, fails(error))

    assert isinstance(failed, FailedCheck)
    assert failed.finding.subject == "channel C1"
    assert failed.finding.fix
    assert str(error) in failed.finding.text
    assert failed.systemic is systemic


async def test_a_check_that_never_ends_is_a_finding() -> None:
    failed = await attempt("cluster eu", 0.01, asyncio.Event().wait())

    assert isinstance(failed, FailedCheck)
    assert failed.systemic
    assert "took longer than" in failed.finding.text


async def test_cancellation_is_not_a_finding() -> None:
    task = asyncio.create_task(attempt("x", 60, asyncio.Event().wait()))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
