from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.slack.app import build

if TYPE_CHECKING:
    import pytest


def test_bolt_says_nothing_of_the_token_that_it_is_not_to_use(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-not-for-bolt")

    assert build().client.token is None
    assert not caplog.records
