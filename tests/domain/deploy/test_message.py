from __future__ import annotations

from bot.domain.deploy.deploy import Status
from bot.domain.deploy.message import STATE_WORDS


def test_every_state_has_the_word_that_others_rely_on():
    assert STATE_WORDS.keys() == set(Status)
    assert list(STATE_WORDS.values()) == [
        "Planning",
        "Approval needed",
        "Ready",
        "Dispatching",
        "Rolling out",
        "Succeeded",
        "Failed",
        "Rejected",
        "Expired",
        "Withdrawn",
        "Superseded",
        "Invalid",
        "Nothing to do",
    ]
    assert [STATE_WORDS[status] for status in (Status.WAITING, Status.ROLLING, Status.UNCHANGED)] == [
        "Approval needed",
        "Rolling out",
        "Nothing to do",
    ]
