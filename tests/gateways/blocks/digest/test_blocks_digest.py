from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.domain.digest.report import Layout
from bot.domain.digest.schedule import Scope, Span
from bot.gateways.blocks.digest.message import render
from tests.gateways.blocks.digests import (
    CALENDAR_DAY,
    GOLDEN,
    GOLDEN_NAMES,
    a_day_with_everything,
    a_day_with_forty,
    a_day_with_one,
    a_day_with_two_thousand,
    a_digest,
    a_preview,
    a_quiet_day,
    a_report,
    counted,
    golden_digest,
    tallied,
)
from tests.gateways.blocks.taken import mrkdwn, taken

MADE = {
    "quiet": a_quiet_day(),
    "one": a_day_with_one(),
    "forty": a_day_with_forty(),
    "two thousand": a_day_with_two_thousand(),
    "everything": a_day_with_everything(),
    "preview": a_preview(),
}


@pytest.mark.parametrize("name", GOLDEN_NAMES)
def test_golden_digests(name: str) -> None:
    """Where this fails on purpose: ``python -m tests.gateways.blocks.digests`` writes them anew; look at the diff."""
    assert golden_digest(name) == (GOLDEN / f"{name}.json").read_text("utf-8")


def test_every_golden_digest_has_its_file() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(GOLDEN_NAMES)


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("name", MADE)
def test_every_digest_is_taken_in_every_layout(name: str, layout: Layout) -> None:
    message = render(MADE[name], layout)

    taken(message)
    kinds = {block["type"] for block in message.blocks}
    assert ("table" in kinds) is (layout is Layout.TABLE and bool(MADE[name].report.changes.total))
    assert bool(kinds) is (layout is not Layout.PLAIN)


def test_the_text_has_the_numbers_that_are_not_zero() -> None:
    report = a_report(tally=tallied(12, 90), outcomes=counted(deployed=9, failed=1, reverted=1, rejected=1))

    message = render(a_digest(report), Layout.TABLE)
    assert message.text == (
        "Deployments until Saturday 22 November 09:00: 12 requested, 9 deployed, 1 failed, 1 reverted, 1 rejected"
    )
    none = render(a_digest(replace(report, tally=tallied(1_234, 9), outcomes=counted(open=1_234))), Layout.TABLE)
    assert none.text.endswith(": 1,234 requested, 0 deployed, 1,234 still open")


@pytest.mark.parametrize("layout", [Layout.TABLE, Layout.CLASSIC])
def test_what_to_act_on_comes_before_the_numbers(layout: Layout) -> None:
    names = [block["block_id"].partition(":")[0] for block in render(a_day_with_everything(), layout).blocks]

    assert names.index("look") < names.index("changes") < names.index("numbers")
    assert names[-2:] == ["numbers", "foot"]


@pytest.mark.parametrize("layout", [Layout.TABLE, Layout.CLASSIC])
def test_a_quiet_day_is_one_line(layout: Layout) -> None:
    message = render(a_quiet_day(), layout)

    (line,) = mrkdwn(message)
    assert line == message.text
    assert message.text == (
        "Deployments until Saturday 22 November 09:00: a quiet day. No requests, no deploys, nothing open."
    )
    late = render(replace(a_quiet_day(), late=True, twice=True), layout)
    assert len(mrkdwn(late)) == 3


def test_a_whole_calendar_day_is_named_as_that_day() -> None:
    message = render(a_digest(a_report(scope=CALENDAR_DAY, tally=tallied(1, 2))), Layout.TABLE)

    assert message.text.startswith("Deployments on Friday 21 November: 1 requested")
    assert mrkdwn(message)[:2] == ["Deployments on Friday 21 November", "Friday 21 November, Europe/Amsterdam"]


@pytest.mark.parametrize(
    ("begins", "ends", "said"),
    [
        # the clock goes back on 26 October 2025: a day of 25 hours is a day
        (datetime(2025, 10, 25, 22, tzinfo=UTC), datetime(2025, 10, 26, 23, tzinfo=UTC), "Sunday 26 October"),
        (
            datetime(2025, 10, 25, 7, tzinfo=UTC),
            datetime(2025, 10, 26, 8, tzinfo=UTC),
            "Saturday 25 October 09:00 to Sunday 26 October 09:00",
        ),
        (datetime(2025, 11, 21, 8, tzinfo=UTC), datetime(2025, 11, 21, 13, 37, 9, tzinfo=UTC),
         "Friday 21 November 09:00 to 14:37"),
    ],
)  # fmt: skip
def test_the_span_is_in_words_of_its_zone(begins: datetime, ends: datetime, said: str) -> None:
    report = a_report(scope=Scope(Span(begins, ends)), tally=tallied(1, 2))

    assert mrkdwn(render(a_digest(report), Layout.TABLE))[1] == f"{said}, Europe/Amsterdam"


def test_a_preview_says_so_and_which_year_it_is_of() -> None:
    said = mrkdwn(render(a_preview(), Layout.TABLE))

    assert said[1] == "Friday 21 November 2025, Europe/Amsterdam"
    assert said[2] == ":eyes: Only you can see this preview."
    assert "CSV" not in str(said)


def test_a_preview_of_a_quiet_day_says_which_year_it_is_of() -> None:
    line, span, note = mrkdwn(render(replace(a_quiet_day(), preview=True), Layout.TABLE))

    assert line.startswith("Deployments until Saturday 22 November 09:00: a quiet day.")
    assert span == "Friday 21 November 2025 09:00 to Saturday 22 November 2025 09:00, Europe/Amsterdam"
    assert note == ":eyes: Only you can see this preview."


def test_late_and_twice_are_said() -> None:
    said = mrkdwn(render(a_day_with_everything(), Layout.TABLE))

    assert said[2:4] == [
        ":hourglass: Posted late: it was due Saturday 22 November 09:00.",
        ":repeat: This may be a duplicate: Slack did not confirm the first message.",
    ]
    assert said[1].endswith(" · canada and production")
    plainly = render(a_day_with_everything(), Layout.PLAIN).text
    assert said[2] in plainly
    assert said[3] in plainly


def test_the_numbers_have_fields() -> None:
    (numbers,) = [block for block in render(a_day_with_everything(), Layout.TABLE).blocks if "fields" in block]

    assert [field["text"] for field in numbers["fields"]] == [
        "*Requested*\n12",
        "*Deployed*\n5",
        "*Failed or reverted*\n:red_circle: 1 failed, 1 reverted",
        "*Rejected, expired or withdrawn*\n1 rejected, 1 expired, 1 withdrawn",
        "*Median time to approve*\n14m",
        "*Median time to succeed*\n1h5m",
        "*Other*\n1 superseded, 1 invalid, 1 with nothing to do, 3 still open",
    ]
    (none,) = [block for block in render(a_preview(), Layout.TABLE).blocks if "fields" in block]
    assert [field["text"].split("\n")[1] for field in none["fields"]] == ["2", "0", "none", "2 rejected", "–", "–"]


def test_a_day_with_nothing_to_look_at_says_so() -> None:
    assert ":white_check_mark: Nothing needs attention." in mrkdwn(render(a_day_with_one(), Layout.TABLE))
    assert "No changes in production." in mrkdwn(render(a_preview(), Layout.TABLE))
    nowhere = a_report(final=(), tally=tallied(1, 2))
    assert "change" not in str(mrkdwn(render(a_digest(nowhere), Layout.TABLE)))


def test_plainly_there_are_still_the_numbers_and_what_to_look_at() -> None:
    message = render(a_day_with_two_thousand(), Layout.PLAIN)

    assert not message.blocks
    for said in (
        "2,311 requested",
        "129 reverted",
        "*Failed* · 167",
        "*Refused* · 158",
        "approve 3m, to succeed 2m38s",
    ):
        assert said in message.text


def test_the_same_report_is_the_same_message_and_another_has_other_block_ids() -> None:
    one, again = render(a_day_with_one(), Layout.TABLE), render(a_day_with_one(), Layout.TABLE)
    assert one == again
    other = render(replace(a_day_with_one(), late=True), Layout.TABLE)

    assert not {block["block_id"] for block in one.blocks} & {block["block_id"] for block in other.blocks}
    assert json.dumps(one.arguments())
