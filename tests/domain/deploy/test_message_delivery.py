from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.deploy.message import Delivery, back_off, worth_sending


def test_a_private_answer_is_of_no_use_an_hour_later():
    assert worth_sending(Delivery.TELL, timedelta(minutes=59, seconds=59))
    assert not worth_sending(Delivery.TELL, timedelta(hours=1))


@pytest.mark.parametrize("kind", [kind for kind in Delivery if kind is not Delivery.TELL])
def test_what_a_channel_should_know_always_is(kind: Delivery):
    assert worth_sending(kind, timedelta(days=30))


def test_waits_double_up_to_a_minute():
    assert [back_off(tries).total_seconds() for tries in (0, 1, 2, 5, 6, 7, 1000)] == [1, 2, 4, 32, 60, 60, 60]
