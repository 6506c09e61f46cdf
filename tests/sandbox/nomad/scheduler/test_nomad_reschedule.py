"""When failed allocations may be placed again."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.nomad.records import SECOND, rfc3339
from sandbox.nomad.scheduler.reschedule import Timing, delay_of, due_at, fibonacci, reschedule_tracker

NOW = 1_800_000_000 * SECOND
SPEED = 10
TIMING = Timing(NOW, lambda nanoseconds: nanoseconds // SPEED)
CONSTANT = {"Attempts": 2, "Interval": 3600 * SECOND, "Delay": 30 * SECOND, "DelayFunction": "constant"}


def failed(policy: dict[str, Any], *, attempts: list[int] | None = None, ended: int = NOW) -> dict[str, Any]:
    """A failed allocation with reschedules at these instants behind it."""
    events = [{"RescheduleTime": at, "PrevAllocID": "a", "PrevNodeID": "n", "Delay": 0} for at in attempts or []]
    group = {"Name": "web", "ReschedulePolicy": {"Unlimited": False, "MaxDelay": 0, **policy}}
    return {
        "ID": "failed",
        "NodeID": "node",
        "TaskGroup": "web",
        "Job": {"TaskGroups": [group]},
        "ClientStatus": "failed",
        "TaskStates": {"app": {"FinishedAt": rfc3339(ended)}},
        "RescheduleTracker": {"Events": events} if events else None,
        "ModifyTime": ended,
    }


def test_the_delay_counts_from_the_end_and_shrinks_with_the_clock():
    assert due_at(failed(CONSTANT, ended=NOW - SECOND), TIMING) == NOW - SECOND + 3 * SECOND


def test_attempts_run_out_within_their_interval():
    assert due_at(failed(CONSTANT, attempts=[NOW - SECOND]), TIMING) is not None
    assert due_at(failed(CONSTANT, attempts=[NOW - 2 * SECOND, NOW - SECOND]), TIMING) is None
    long_ago = NOW - 3601 * SECOND // SPEED
    assert due_at(failed(CONSTANT, attempts=[long_ago, NOW - SECOND]), TIMING) is not None


def test_what_runs_is_not_rescheduled():
    assert due_at({**failed(CONSTANT), "ClientStatus": "running"}, TIMING) is None


@pytest.mark.parametrize(
    ("kind", "tries", "seconds"),
    [
        ("constant", 5, 30),
        ("exponential", 0, 30),
        ("exponential", 2, 120),
        ("exponential", 9, 3600),
        ("fibonacci", 3, 90),
    ],
)
def test_delays_grow_as_their_function_says(kind: str, tries: int, seconds: int):
    policy = {**CONSTANT, "Unlimited": True, "DelayFunction": kind, "MaxDelay": 3600 * SECOND}
    assert delay_of(failed(policy, attempts=[NOW] * tries)) == seconds * SECOND


def test_fibonacci_starts_with_two_ones():
    assert [fibonacci(number) for number in range(6)] == [1, 1, 2, 3, 5, 8]


def test_a_replacement_remembers_every_attempt():
    tracker = reschedule_tracker(failed(CONSTANT, attempts=[NOW - SECOND]), TIMING)
    assert [event["PrevAllocID"] for event in tracker["Events"]] == ["a", "failed"]
    assert tracker["Events"][-1]["RescheduleTime"] == NOW
