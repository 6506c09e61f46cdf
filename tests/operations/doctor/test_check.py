from __future__ import annotations

import asyncio

import pytest

from bot import errors
from bot.operations.doctor.check import Unseen, looked


async def nothing() -> None:
    """There is nothing there, which is an answer."""


async def fails(error: Exception) -> str:
    raise error


async def test_what_is_seen_comes_back() -> None:
    assert await looked("x", 5, asyncio.sleep(0, "seen")) == "seen"
    assert await looked("x", 5, nothing()) is None


@pytest.mark.parametrize(
    ("error", "alike"),
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
async def test_a_look_that_fails_is_a_finding(error: Exception, alike: bool) -> None:  # noqa: FBT001 -- a case
    unseen = await looked("channel C1", 5, fails(error))

    assert isinstance(unseen, Unseen)
    assert unseen.finding.subject == "channel C1"
    assert unseen.finding.mend
    assert str(error) in unseen.finding.trouble
    assert unseen.alike is alike


async def test_a_look_that_never_ends_is_a_finding() -> None:
    unseen = await looked("cluster eu", 0.01, asyncio.Event().wait())

    assert isinstance(unseen, Unseen)
    assert unseen.alike
    assert "did not end within" in unseen.finding.trouble


async def test_being_cancelled_is_no_finding() -> None:
    task = asyncio.create_task(looked("x", 60, asyncio.Event().wait()))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
