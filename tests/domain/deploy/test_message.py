from __future__ import annotations

from bot.domain.deploy.deploy import Status
from bot.domain.deploy.message import STATE_WORDS


def test_every_state_has_a_word_of_its_own():
    assert len({STATE_WORDS[status] for status in Status}) == len(Status)
