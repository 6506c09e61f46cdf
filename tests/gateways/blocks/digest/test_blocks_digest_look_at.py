from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.actor import CiIdentity, Operator
from bot.domain.audit.history import Word
from bot.domain.digest.report import Layout, Listed, Sign, Signs
from bot.gateways.blocks.digest.message import render
from tests.builders import BOB, SAM
from tests.gateways.blocks.digests import (
    BEGINS,
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
:rotating_light: *Nomad's own revert failed*: <{link_to(5)}|D-5> *web* v1.6.0 in production: possibly neither \
this version nor the previous one is running
|
:hourglass_flowing_sand: *Rollout stuck*: D-8 *search* v1.9.0 in production: no progress since Fri 09:00: No \
capacity
|
:red_circle: *Failed*: <{link_to(5)}|D-5> *web* v1.6.0 in production, its revert failed: task app of web: \
Terminated: Exit Code: 1
|
:bell: *Approval overdue*: <{link_to(9)}|D-9> *checkout* v1.4.2 in production: requested by <@U0ALICE001> \
Fri 09:00, expires Sat 09:00
|
:busts_in_silhouette: *Self-approved*: <{link_to(3)}|D-3> *catalogue* in production: <@U0ALICE001>, Fri 12:00
|
:crescent_moon: *Approved out of hours*: <{link_to(4)}|D-4> *search* in canada: <@U0SAM00001>, Sat 03:00
|
:lock: *Locks* · 3
• production locked by <@U0SAM00001>, Fri 09:00, until Fri 11:00: the database moves
• production unlocked by `root` on the host, Fri 10:00: it has moved
• checkout in canada no longer locked, Fri 10:00: it loses orders
|
:scroll: *Catalog changed* · 2
• `0a0a0a0a0a0a` by `root` on the host, Fri 09:00
• `0a0a0a0a0a0a` → `b1b1b1b1b1b1` by <@U0SAM00001>, Fri 10:00
|
:no_entry: *Refused* · 8: 7 × no permission, 2 × own request""".split("\n|\n")


def test_what_to_look_at_has_the_worst_first() -> None:
    said = mrkdwn(render(a_day_with_everything(), Layout.TABLE))
    start = said.index(":warning: *What to look at*") + 1

    assert said[start : start + len(WORST_FIRST)] == WORST_FIRST


@pytest.mark.parametrize(
    ("cause", "said"),
    [("task web of web: no image", "task web of web: no image"), ("", "Permission denied; ask an operator")],
)
def test_the_reason_is_the_shortest_that_says_it(cause: str, said: str) -> None:
    entry = failing(3, timedelta(hours=2), "", cause=cause, detail="Permission denied; ask an operator")
    report = a_report(tally=tallied(1, 9), outcomes=counted(failed=1), failures=Listed((entry,), 1))

    assert next(text for text in mrkdwn(render(a_digest(report), Layout.TABLE)) if "*Failed*" in text).endswith(
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
    entry = failing(3, timedelta(hours=2), reverted, cause="", detail="Exit Code: 1")
    report = a_report(tally=tallied(1, 9), outcomes=counted(failed=1), failures=Listed((entry,), 1))

    assert said in str(mrkdwn(render(a_digest(report), Layout.TABLE)))


def test_a_revert_that_is_stuck_is_told_as_such() -> None:
    entry = failing(3, timedelta(hours=2), "running", cause="", detail="", stuck_at=ENDS)
    report = a_report(tally=tallied(1, 9), outcomes=counted(reverted=1), stuck=Listed((entry,), 1))

    assert "Nomad's revert has made no progress since Sat 09:00" in str(mrkdwn(render(a_digest(report), Layout.TABLE)))


def test_of_many_a_few_are_named_and_all_are_counted() -> None:
    said = mrkdwn(render(a_day_with_two_thousand(), Layout.TABLE))
    failed = next(text for text in said if text.startswith(":red_circle: *Failed*")).split("\n")
    hours = next(text for text in said if text.startswith(":crescent_moon:")).split("\n")

    assert failed[0].endswith(" · 167")
    assert failed[-1] == "… and 162 more"
    assert hours[0] == ":crescent_moon: *Approved out of hours* · 212 approvals"
    assert (len(hours), hours[-1]) == (7, "… and 207 more")


def test_rules_beyond_six_are_counted() -> None:
    rules = {f"rule-{letter}": number for number, letter in enumerate("abcdefgh", 1)}
    report = a_report(refusals=rules, refused=36)

    first = "8 × rule h, 7 × rule g, 6 × rule f, 5 × rule e, 4 × rule d, 3 × rule c"
    assert f":no_entry: *Refused* · 36: {first}, 2 more rules" in mrkdwn(render(a_digest(report), Layout.TABLE))


def test_who_approved_a_deploy_together_stands_together() -> None:
    first, second = BEGINS + timedelta(hours=14), BEGINS + timedelta(hours=14, minutes=3)
    signs = (
        Sign(4, "search", "canada", BOB, first),
        Sign(5, "web", "canada", SAM, first),
        Sign(4, "search", "canada", SAM, second),
        Sign(4, "search", "canada", BOB, second),
    )
    report = a_report(tally=tallied(2, 9), outcomes=counted(deployed=2), out_of_hours=Signs(signs, 6))
    (found,) = [text for text in mrkdwn(render(a_digest(report), Layout.TABLE)) if "out of hours" in text]

    assert found.split("\n") == [
        ":crescent_moon: *Approved out of hours* · 6 approvals",
        "• D-4 *search* in canada: <@U0BOB00001>, <@U0SAM00001>, Fri 23:00",
        "• D-5 *web* in canada: <@U0SAM00001>, Fri 23:00",
        "… and 2 more",
    ]


def test_rules_are_told_in_words() -> None:
    report = a_report(refusals={"person-guest": 2, "not-an-approver": 1}, refused=3)

    assert ":no_entry: *Refused* · 3: 2 × guest, 1 × not an approver" in mrkdwn(render(a_digest(report), Layout.TABLE))


def test_a_kind_with_long_lines_names_fewer_and_cuts_none() -> None:
    pipelines = [CiIdentity("https://ci.example", f"{number}" + "&" * 200) for number in range(10)]
    signs = tuple(Sign(each // 2, "s" * 200, "e" * 200, who, BEGINS) for each, who in enumerate(pipelines))
    posted = dict.fromkeys(range(5), f"https://nomatron.slack.com/{'a' * 900}")
    report = a_report(tally=tallied(1, 9), outcomes=counted(deployed=1), self_approved=Signs(signs, 10), posted=posted)
    (found,) = [text for text in mrkdwn(render(a_digest(report), Layout.TABLE)) if "Self-approved" in text]

    head, *lines, more = found.split("\n")
    assert (head, more) == (":busts_in_silhouette: *Self-approved* · 10 approvals", "… and 6 more")
    assert len(lines) == 2
    assert all(line.endswith(", Fri 09:00") for line in lines)


def test_of_those_who_approved_one_deploy_four_are_named() -> None:
    signs = tuple(Sign(4, "search", "canada", Operator(f"op{number}"), BEGINS) for number in range(6))
    report = a_report(tally=tallied(1, 9), outcomes=counted(deployed=1), self_approved=Signs(signs, 6))

    said = str(mrkdwn(render(a_digest(report), Layout.TABLE)))
    assert "`op2` on the host, `op3` on the host and 2 more, Fri 09:00" in said


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (Word("failed", SAM, "the node is gone"), ": as `failed` by <@U0SAM00001>: the node is gone"),
        (Word("landed 4", Operator("root"), ""), ": as `landed 4` by `root` on the host"),
        (
            Word("not-landed", SAM, "seen", stands=False),
            ": as `not-landed` by <@U0SAM00001>, which did not stand: failed: seen",
        ),
        (None, ""),
    ],
)
def test_who_resolved_what_and_as_what_is_told(word: Word | None, said: str) -> None:
    entry = failing(3, timedelta(hours=2), "", word=word)
    report = a_report(tally=tallied(1, 9), outcomes=counted(failed=1), resolved=Listed((entry,), 1))

    shown = mrkdwn(render(a_digest(report), Layout.TABLE))
    assert f":speech_balloon: *Resolved by a person*: D-3 *search* v1.4.0 in production{said}" in shown


@pytest.mark.parametrize(("at", "said"), [(ENDS, " Sat 09:00"), (None, "")])
def test_what_landed_after_its_end_is_told(at, said: str) -> None:
    entry = failing(3, timedelta(hours=2), "", landed_late_at=at)
    report = a_report(tally=tallied(1, 9), outcomes=counted(failed=1), landed_late=Listed((entry,), 1))

    shown = mrkdwn(render(a_digest(report), Layout.TABLE))
    assert (
        f":rotating_light: *Landed after its end*: D-3 *search* v1.4.0 in production: failed, and found in Nomad{said}"
        in shown
    )
