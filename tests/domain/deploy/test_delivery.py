from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.deploy.delivery import Fate, back_off, fate, worth_sending
from bot.domain.deploy.message import Delivery


@pytest.mark.parametrize(
    ("error", "becomes"),
    [
        ("token_revoked", Fate.LATER),
        ("invalid_auth", Fate.LATER),
        ("missing_scope", Fate.LATER),
        ("ratelimited", Fate.LATER),
        ("internal_error", Fate.LATER),
        ("invalid_blocks", Fate.PLAIN),
        ("msg_too_long", Fate.PLAIN),
        ("message_not_found", Fate.ANEW),
        ("cant_update_message", Fate.ANEW),
        ("channel_not_found", Fate.ELSEWHERE),
        ("is_archived", Fate.ELSEWHERE),
        ("not_in_channel", Fate.ELSEWHERE),
        ("user_not_found", Fate.DROP),
        ("whatever_slack_thinks_of_next", Fate.DROP),
        ("", Fate.DROP),
    ],
)
def test_slacks_error_decides_what_becomes_of_a_message(error: str, becomes: Fate):
    assert fate(error) is becomes


def test_a_private_answer_is_of_no_use_an_hour_later():
    assert worth_sending(Delivery.TELL, timedelta(minutes=59, seconds=59))
    assert not worth_sending(Delivery.TELL, timedelta(hours=1))


@pytest.mark.parametrize("kind", [kind for kind in Delivery if kind is not Delivery.TELL])
def test_what_a_channel_should_know_always_is(kind: Delivery):
    assert worth_sending(kind, timedelta(days=30))


def test_waits_double_up_to_a_minute():
    assert [back_off(tries).total_seconds() for tries in (0, 1, 2, 5, 6, 7, 1000)] == [1, 2, 4, 32, 60, 60, 60]
