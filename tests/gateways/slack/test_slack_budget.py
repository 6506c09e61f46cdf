from __future__ import annotations

from bot.gateways.slack.budget import Budget
from bot.gateways.slack.methods import GROUPS, METHODS, POST, UPDATE


class Seconds:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def spent_in(budget: Budget, clock: Seconds, seconds: int, method: object = UPDATE, channel: str = "") -> int:
    """How many calls are let through when one is wanted every tenth of a second."""
    let = 0
    for _ in range(seconds * 10):
        let += budget.spend(method, channel) == 0  # type: ignore[arg-type]  # any method of the table
        clock.now += 0.1
    return let


def test_no_method_goes_over_its_tier_in_any_first_minute() -> None:
    for method in METHODS:
        clock = Seconds()
        budget = Budget(clock)
        assert method.per_minute * 0.7 < spent_in(budget, clock, 60, method) <= method.per_minute, method.name


def test_one_post_a_second_for_each_channel() -> None:
    clock = Seconds()
    budget = Budget(clock)

    assert spent_in(budget, clock, 60, POST, "C0PROD0001") <= 65
    assert budget.spend(POST, "C0STAGING1") == 0


def test_how_long_to_wait_is_said_and_nothing_is_spent() -> None:
    clock = Seconds()
    budget = Budget(clock)
    while budget.spend(UPDATE) == 0:
        pass
    wait = budget.wait(UPDATE)

    assert 0 < wait < 2
    assert budget.wait(UPDATE) == wait
    clock.now += wait + 0.001
    assert budget.spend(UPDATE) == 0


def test_a_pause_that_slack_asks_for_holds_that_method_alone() -> None:
    clock = Seconds()
    budget = Budget(clock)
    budget.pause(UPDATE, 30)

    assert budget.spend(UPDATE) == 30
    assert budget.spend(POST, "C0PROD0001") == 0
    clock.now += 30
    assert budget.spend(UPDATE) == 0


def test_where_slack_limits_each_channel_a_pause_holds_that_channel_alone() -> None:
    clock = Seconds()
    budget = Budget(clock)
    budget.pause(POST, 30, "C0PROD0001")

    assert budget.spend(POST, "C0PROD0001") == 30
    assert budget.spend(POST, "C0STAGING1") == 0


def test_a_second_channel_that_has_to_wait_means_the_whole_method() -> None:
    clock = Seconds()
    budget = Budget(clock)
    budget.pause(POST, 30, "C0PROD0001")
    clock.now += 10
    budget.pause(POST, 30, "C0STAGING1")

    assert budget.spend(POST, "C0OPS00001") == 30
    clock.now += 30
    budget.pause(POST, 5, "C0PROD0001")
    assert budget.spend(POST, "C0OPS00001") == 0


def test_what_rests_is_every_channel_or_those_that_have_to_wait() -> None:
    clock = Seconds()
    budget = Budget(clock)
    assert budget.resting(POST) == frozenset()
    while budget.spend(POST, "C0PROD0001") == 0:
        pass
    budget.pause(POST, 30, "C0STAGING1")
    budget.pause(GROUPS, 30)

    assert budget.resting(POST) == {"C0PROD0001", "C0STAGING1"}
    assert budget.resting(GROUPS) == {""}
    clock.now += 1
    assert budget.resting(POST) == {"C0STAGING1"}
    clock.now += 30
    assert budget.resting(POST) == budget.resting(GROUPS) == frozenset()


def test_a_method_that_is_used_up_rests_for_every_channel_unless_only_the_backgrounds_half_is() -> None:
    budget = Budget(Seconds())
    while budget.spend(UPDATE, background=True) == 0:
        pass
    assert budget.resting(UPDATE) == frozenset()
    while budget.spend(UPDATE) == 0:
        pass
    assert budget.resting(UPDATE) == {""}


def test_channels_are_forgotten_once_their_buckets_are_full() -> None:
    clock = Seconds()
    budget = Budget(clock)
    for number in range(5000):
        clock.now += 0.2
        budget.wait(POST, f"C{number}")

    assert len(budget._buckets) < 3000


def test_what_nobody_waits_for_gets_at_most_half_and_people_find_the_rest() -> None:
    clock = Seconds()
    budget = Budget(clock)
    background = clicks = 0
    for second in range(600):
        background += budget.spend(GROUPS, background=True) == 0
        # somebody clicks every ten seconds, whatever goes on behind
        clicks += second % 10 == 0 and budget.spend(GROUPS) == 0
        clock.now += 1

    assert clicks == 60
    assert 0 < background <= GROUPS.per_minute * 10 / 2
