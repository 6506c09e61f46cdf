from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.deploy.plan import Base, JobState
from bot.domain.digest.report import Layout, Listed
from bot.gateways.blocks.cells import MOST_TABLE, weight
from bot.gateways.blocks.digest.changes import versions
from bot.gateways.blocks.digest.message import render
from tests.builders import an_entry
from tests.gateways.blocks.digests import (
    BEGINS,
    CALENDAR_DAY,
    KNOWN_PEOPLE,
    a_change,
    a_day_with_everything,
    a_day_with_forty,
    a_day_with_one,
    a_day_with_two_thousand,
    a_digest,
    a_report,
    counted,
    failing,
    link_to,
    linked,
    tallied,
)
from tests.gateways.blocks.taken import mrkdwn, table, taken

if TYPE_CHECKING:
    from bot.domain.audit.history import Entry


def test_a_row_for_each_change() -> None:
    head, first, *rest = table(render(a_day_with_everything(), Layout.TABLE))

    assert head == [
        "Deploy", "Service", "Result", "Version", "Environment", "When", "Took", "Requested by", "Approved by",
    ]  # fmt: skip
    assert first == [
        "D-1", "mailer", "Deployed", "v1.1.2 → v1.2.0", "canada", "Fri 10:00", "2m41s", "@U0ALICE001", "@U0SAM00001",
    ]  # fmt: skip
    assert [row[7] for row in rest[:3]] == ["@U0CAROL001", "nightly", "root (host)"]
    assert [row[2] for row in rest] == [
        "Deployed", "Deployed", "Deployed", ":red_circle: Revert failed", "Deployed",
        ":hourglass_flowing_sand: Rolling out", ":hourglass_flowing_sand: Stuck",
    ]  # fmt: skip
    assert [row[3] for row in rest[3:6]] == [
        "v1.6.0", "v1.7.0 again", "v1.7.2 → sha256:aaaaaaaaaaaa…",
    ]  # fmt: skip
    assert rest[3 + 1][8] == "–"
    assert rest[2][8] == "@U0SAM00001, @U0CAROL001"
    # rolling out since an hour before the end, and since long before the beginning
    assert [row[5:7] for row in rest[-2:]] == [["Sat 08:00", "1h so far"], ["Thu 03:00", "2d6h so far"]]


def test_forty_changes_are_all_in_the_table() -> None:
    card = a_day_with_forty()
    message = render(card, Layout.TABLE)
    _, *rows = table(message)

    assert [row[0] for row in rows] == [entry.number for entry in card.report.changes.entries]
    assert len(rows) == 40
    assert "*40 changes in production*" in mrkdwn(message)
    assert not [text for text in mrkdwn(message) if "more in the CSV" in text]


def test_one_that_ended_at_once_took_no_time_and_one_that_was_never_dispatched_none_that_is_known() -> None:
    at = BEGINS + timedelta(hours=5)
    at_once = a_change(1, timedelta(hours=5), changed_at=at)
    adopted = a_change(2, timedelta(hours=5), dispatched_at=None)
    day = a_day_with_one()
    card = replace(day, report=replace(day.report, changes=Listed((at_once, adopted), 2)))

    assert [row[-3] for row in table(render(card, Layout.TABLE))] == ["Took", "0s", "–"]


def test_the_environment_is_told_where_there_are_several_and_links_where_there_are_messages() -> None:
    message = render(a_day_with_one(), Layout.TABLE)
    (block,) = [block for block in message.blocks if block["type"] == "table"]

    assert "Environment" not in table(message)[0]
    (link,) = block["rows"][1][0]["elements"][0]["elements"]
    assert link == {"type": "link", "url": link_to(1042), "text": "D-1042"}
    unposted = render(replace(a_day_with_one(), report=replace(a_day_with_one().report, posted={})), Layout.TABLE)
    assert [row[0] for row in table(unposted)] == ["Deploy", "D-1042"]


def test_a_full_table_has_every_change_once_and_sends_nobody_to_the_file_for_more() -> None:
    message = render(a_day_with_forty(), Layout.TABLE)
    _, *rows = table(message)

    assert [row[0] for row in rows] == [f"D-{number}" for number in range(1001, 1041)]
    assert {row[0] for row in rows if row[2] != "Deployed"} == {"D-1008", "D-1024", "D-1040"}
    assert "more in the CSV" not in str(mrkdwn(message))


def test_a_full_day_names_above_its_table_each_deploy_that_needs_a_look() -> None:
    said = mrkdwn(render(a_day_with_forty(), Layout.TABLE))
    above = "".join(said[: said.index("*40 changes in production*")])

    # stuck, failed and reverted, not approved for long, approved at night: the worst first
    assert re.findall(r"\|(D-\d+)>", above) == ["D-1040", "D-1008", "D-1024", "D-1043", "D-1031"]


def test_what_is_not_in_the_table_is_in_the_file() -> None:
    said = mrkdwn(render(a_day_with_two_thousand(), Layout.TABLE))
    rows = table(render(a_day_with_two_thousand(), Layout.TABLE))

    assert len(rows) == 41
    assert "*2,000 changes in production*" in said
    assert "… and 1,960 more in the CSV" in said
    assert said[-1] == "21,904 audit events · the CSV of all 2,311 deploys is in the thread"
    assert (
        mrkdwn(render(a_day_with_one(), Layout.TABLE))[-1]
        == "9 audit events · the CSV of the one deploy is in the thread"
    )


def long_winded(number: int) -> Entry:
    names = {"service": "s" * 200, "version": "v" * 200, "from_version": "w" * 200, "environment": "e" * 200}
    everybody = tuple(sorted(KNOWN_PEOPLE))
    return a_change(number, timedelta(minutes=number), approvers=everybody, **names)


@pytest.mark.parametrize("layout", [Layout.TABLE, Layout.CLASSIC])
def test_rows_are_cut_where_slack_would_refuse_them(layout: Layout) -> None:
    entries = tuple(long_winded(number) for number in range(1, 41))
    failed = tuple(failing(number, timedelta(0), detail="<&>" * 900, service="s" * 300) for number in range(1, 11))
    report = a_report(
        final=("production", "canada"),
        tally=tallied(40, 400),
        outcomes=counted(deployed=40),
        changes=Listed(entries, 40),
        failures=Listed(failed, 10),
        reverts_failed=Listed(failed, 10),
        stuck=Listed(failed, 10),
        overdue=Listed(failed, 10),
        posted=linked(*entries),
    )
    message = render(a_digest(report), layout)

    taken(message)
    (left,) = [text for text in mrkdwn(message) if text.startswith("… and ") and text.endswith(" more in the CSV")]
    shown = 40 - int(left.split()[2])
    assert 15 < shown < 40
    if layout is Layout.TABLE:
        assert len(table(message)) == 1 + shown
        (block,) = [block for block in message.blocks if block["type"] == "table"]
        assert MOST_TABLE - 700 < weight(block["rows"]) <= MOST_TABLE or weight(list(message.blocks)) > 12_000


def test_lines_say_what_the_table_would() -> None:
    message = render(a_day_with_everything(), Layout.CLASSIC)
    text = next(text for text in mrkdwn(message) if text.startswith("*8 changes in"))
    lines = mrkdwn(message)[mrkdwn(message).index(text) + 1].split("\n")

    assert text == "*8 changes in production and canada*"
    assert len(lines) == 8
    assert lines[0] == (
        f"<{link_to(1)}|D-1> *mailer* v1.1.2 → v1.2.0 · canada · Deployed · Fri 10:00, 2m41s"
        " · <@U0ALICE001>, approved by <@U0SAM00001>"
    )
    assert " · :red_circle: *Revert failed* · " in lines[4]


@pytest.mark.parametrize(
    ("reverted", "said"),
    [
        ("", ":red_circle: Failed"),
        ("running", ":large_orange_circle: Being reverted"),
        ("succeeded", ":large_orange_circle: Reverted"),
        ("superseded", ":large_orange_circle: Revert overtaken"),
        ("failed", ":red_circle: Revert failed"),
    ],
)
def test_only_a_revert_that_is_done_is_called_reverted(reverted: str, said: str) -> None:
    entry = failing(3, timedelta(hours=2), reverted)
    report = a_report(tally=tallied(1, 9), outcomes=counted(reverted=1), changes=Listed((entry,), 1))

    assert table(render(a_digest(report), Layout.TABLE))[1][2] == said


def test_times_far_from_the_span_have_their_date() -> None:
    old = a_change(3, -timedelta(days=40), changed_at=BEGINS + timedelta(hours=1))
    report = a_report(tally=tallied(1, 2), outcomes=counted(deployed=1), changes=Listed((old,), 1))

    assert table(render(a_digest(report), Layout.TABLE))[1][4:6] == ["12 Oct 10:00", "40d1h"]
    day = a_report(scope=CALENDAR_DAY, tally=tallied(1, 2), changes=Listed((a_change(3, timedelta(hours=1)),), 1))
    assert table(render(a_digest(day), Layout.TABLE))[1][4] == "10:00"


def test_a_revision_is_named_beside_its_version_also_of_a_long_one() -> None:
    digest = "sha256:" + "a" * 64

    first = Base(state=JobState.RUNNING, job_version=1, deploy=1, version="v1.4.2")
    assert versions(an_entry(revision=2), UTC) == "v1.4.2 r2"
    assert versions(an_entry(revision=2, from_version="v1.4.2", base=first), UTC) == "v1.4.2 → v1.4.2 r2"
    same = an_entry(revision=2, from_version="v1.4.2", base=replace(first, revision=2))
    assert versions(same, UTC) == "v1.4.2 r2 again"
    assert versions(an_entry(version=digest, revision=3), UTC) == "sha256:aaaaaaaaaaaa… r3"
