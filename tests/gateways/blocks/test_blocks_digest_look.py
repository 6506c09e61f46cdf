from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.report import Listed, Look
from bot.gateways.blocks.digest import render
from tests.gateways.blocks.digests import (
    ENDS,
    a_day_with_everything,
    a_day_with_two_thousand,
    a_digest,
    a_report,
    counted,
    failing,
    link_to,
    tallied,
)
from tests.gateways.blocks.taken import mrkdwn

WORST_FIRST = f"""\
:rotating_light: *Nomad's own revert failed*: <{link_to(5)}|D-5> *web* v1.6.0 in production: neither this \
version nor the one before may be running
|
:hourglass_flowing_sand: *Rollout stuck*: D-8 *search* v1.9.0 in production: no progress since Fri 09:00: No \
capacity
|
:red_circle: *Failed*: <{link_to(5)}|D-5> *web* v1.6.0 in production, its revert failed: task app of web: \
Terminated: Exit Code: 1
|
:bell: *Approval overdue*: <{link_to(9)}|D-9> *checkout* v1.4.2 in production: asked by <@U0ALICE001> Fri \
09:00, until Sat 09:00
|
:busts_in_silhouette: *Self-approved*: <{link_to(3)}|D-3> *catalogue* in production: <@U0ALICE001>, Fri 12:00
|
:crescent_moon: *Approved out of hours*: <{link_to(4)}|D-4> *search* in canada: <@U0SAM00001>, Sat 03:00
|
:scroll: *Catalog changed* · 2
• `0a0a0a0a0a0a` by `root` on the host, Fri 09:00
• `0a0a0a0a0a0a` → `b1b1b1b1b1b1` by <@U0SAM00001>, Fri 10:00
|
:no_entry: *Refused* · 8: 7 × no permission, 2 × own request""".split("\n|\n")


def test_what_to_look_at_has_the_worst_first() -> None:
    said = mrkdwn(render(a_day_with_everything(), Look.TABLE))
    start = said.index(":warning: *What to look at*") + 1

    assert said[start : start + 8] == WORST_FIRST


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        ("Failed as it had to - rolling back to job version 3; Nomad reverted to version 3", "Failed as it had to"),
        ("Failed; task web of web: Driver Failure: no image; no", "task web of web: Driver Failure: no image; no"),
        ("Permission denied; ask an operator", "Permission denied; ask an operator"),
    ],
)  # fmt: skip
def test_the_reason_is_the_shortest_that_says_it(detail: str, said: str) -> None:
    entry = failing(3, timedelta(hours=2), "", detail=detail)
    report = a_report(tally=tallied(1, 9), outcomes=counted(failed=1), failures=Listed((entry,), 1))

    assert next(text for text in mrkdwn(render(a_digest(report), Look.TABLE)) if "*Failed*" in text).endswith(
        f" in production: {said}"
    )


@pytest.mark.parametrize(
    ("reverted", "said"),
    [
        ("", "production: Exit"),
        ("running", "production, being reverted: Exit"),
        ("succeeded", "production, reverted: Exit"),
        ("superseded", "production, its revert was overtaken: Exit"),
    ],
)
def test_a_failure_says_what_became_of_its_revert(reverted: str, said: str) -> None:
    entry = failing(3, timedelta(hours=2), reverted, detail="Exit Code: 1")
    report = a_report(tally=tallied(1, 9), outcomes=counted(failed=1), failures=Listed((entry,), 1))

    assert said in str(mrkdwn(render(a_digest(report), Look.TABLE)))


def test_a_revert_that_is_stuck_is_told_as_such() -> None:
    entry = failing(3, timedelta(hours=2), "running", detail="", stuck_at=ENDS)
    report = a_report(tally=tallied(1, 9), outcomes=counted(reverted=1), stuck=Listed((entry,), 1))

    assert "Nomad's revert makes no progress since Sat 09:00" in str(mrkdwn(render(a_digest(report), Look.TABLE)))


def test_of_many_a_few_are_named_and_all_are_counted() -> None:
    said = mrkdwn(render(a_day_with_two_thousand(), Look.TABLE))
    failed = next(text for text in said if text.startswith(":red_circle: *Failed*")).split("\n")
    hours = next(text for text in said if text.startswith(":crescent_moon:")).split("\n")

    assert failed[0].endswith(" · 167")
    assert failed[-1] == "… and 162 more"
    assert (hours[0], len(hours), hours[-1]) == (":crescent_moon: *Approved out of hours* · 212", 7, "… and 207 more")


def test_rules_beyond_six_are_counted() -> None:
    rules = {f"rule-{letter}": number for number, letter in enumerate("abcdefgh", 1)}
    report = a_report(refusals=rules, refused=36)

    first = "8 × rule h, 7 × rule g, 6 × rule f, 5 × rule e, 4 × rule d, 3 × rule c"
    assert f":no_entry: *Refused* · 36: {first}, 2 more rules" in mrkdwn(render(a_digest(report), Look.TABLE))
