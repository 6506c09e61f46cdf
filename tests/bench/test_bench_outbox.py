"""The bench of the outbox runs, with too few messages to say anything about speed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bench.outbox import main

if TYPE_CHECKING:
    import pytest


def test_it_says_what_was_sent_and_that_nothing_was_claimed_in_vain(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--cards", "6", "--channels", "2", "--seconds", "20", "--json"])
    lines = json.loads(capsys.readouterr().out)
    assert [(line["value"], line["unit"]) for line in (lines[0], lines[-1])] == [(6, "messages"), (0, "messages")]
