from __future__ import annotations

import asyncio
import re

import pytest

from bot.errors import SlackUnavailable, StoreBusy
from bot.gateways.blocks.parts import Message
from handlers.slack.guard import Finished
from handlers.slack.respond import Background, failure


async def test_an_unexpected_failure_has_a_code_that_the_log_has_too(caplog: pytest.LogCaptureFixture) -> None:
    text = failure(RuntimeError("secret detail")).text
    found = re.search(r"Something broke \(code ([0-9a-f]{4})\)\.", text)

    assert found
    assert f"code {found[1]}" in caplog.text
    assert "secret detail" not in text


async def test_expected_trouble_is_said_plainly(caplog: pytest.LogCaptureFixture) -> None:
    assert "The database is busy, so nothing was recorded" in failure(StoreBusy("locked")).text
    assert not caplog.records


async def test_draining_waits_for_what_is_under_way_and_ends_what_takes_too_long() -> None:
    background, done = Background(), []
    held = asyncio.Event()

    async def quick() -> None:
        await asyncio.sleep(0)
        done.append("quick")

    async def stuck() -> None:
        try:
            await held.wait()
        finally:
            done.append("ended")

    background.spawn(quick(), "quick")
    background.spawn(stuck(), "stuck")
    await background.drain(0.05)
    await background.drain(0.05)

    assert done == ["quick", "ended"]


async def test_draining_waits_for_the_word_about_what_went_wrong_meanwhile() -> None:
    background, told = Background(), list[str]()

    async def say(message: Message) -> None:
        await asyncio.sleep(0)
        told.append(message.text)

    async def fail() -> None:
        await asyncio.sleep(0)
        raise StoreBusy("locked")

    background.spawn(fail(), "plan", tell=lambda message: background.spawn(say(message), "answer"))
    await background.drain(60)

    assert len(told) == 1


async def test_too_much_at_once_is_left_undone_and_said(caplog: pytest.LogCaptureFixture) -> None:
    background, held = Background(most=1), asyncio.Event()

    async def wait() -> None:
        await held.wait()

    background.spawn(wait(), "first")
    background.spawn(wait(), "second")
    held.set()
    await background.drain(1)

    assert "too many background tasks" in caplog.text


@pytest.mark.parametrize(("error", "says"), [(SlackUnavailable("away"), "did not reach"), (KeyError("x"), "broke")])
async def test_what_goes_wrong_in_the_background_is_logged(
    error: Exception, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> None:
        raise error

    background = Background()
    background.spawn(fail(), "answer")
    await background.drain(1)

    assert says in caplog.text


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (SlackUnavailable("away"), []),
        (StoreBusy("locked"), ["The database is busy, so nothing was recorded. Try again in a moment."]),
        (KeyError("x"), ["Give an operator this code: the details are in the log."]),
    ],
)
async def test_who_waits_for_it_is_told_unless_it_is_the_telling_that_went_wrong(
    error: Exception, says: list[str]
) -> None:
    async def fail() -> None:
        raise error

    background, told = Background(), list[Message]()
    background.spawn(fail(), "preview", tell=told.append)
    await background.drain(1)

    assert [message.text.endswith(expected) for message, expected in zip(told, says, strict=True)] == [True] * len(says)


def test_finished_requests_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    finished = Finished(most=2, seconds=10)
    for key in ("a", "b", "c"):
        finished.add(key)
    assert [key in finished for key in ("a", "b", "c")] == [False, True, True]

    monkeypatch.setattr("handlers.slack.guard.time.monotonic", lambda: 1e12)
    finished.add("d")
    assert [key in finished for key in ("b", "c", "d")] == [False, False, True]
