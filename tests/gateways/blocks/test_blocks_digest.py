from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.digest import Scope, Span
from bot.domain.report import Listed, Look
from bot.gateways.blocks.cells import MOST_TABLE, weight
from bot.gateways.blocks.digest import render
from tests.gateways.blocks.digests import (
    BEGINS,
    CALENDAR_DAY,
    DIGESTS,
    ENDS,
    GOLDEN,
    KNOWN_PEOPLE,
    a_change,
    a_day_with_everything,
    a_day_with_forty,
    a_day_with_one,
    a_day_with_two_thousand,
    a_digest,
    a_preview,
    a_quiet_day,
    a_report,
    counted,
    failing,
    golden_digest,
    link_to,
    linked,
    tallied,
)
from tests.gateways.blocks.taken import taken

if TYPE_CHECKING:
    from bot.domain.history import Entry
    from bot.gateways.blocks.parts import Message

MADE = {
    "quiet": a_quiet_day(),
    "one": a_day_with_one(),
    "forty": a_day_with_forty(),
    "two thousand": a_day_with_two_thousand(),
    "everything": a_day_with_everything(),
    "preview": a_preview(),
}


def table(message: Message) -> list[list[str]]:
    """The table's cells in words."""
    (block,) = [block for block in message.blocks if block["type"] == "table"]
    return [[spoken(cell) for cell in row] for row in block["rows"]]


def spoken(value: Any) -> str:
    if isinstance(value, list):
        return "".join(map(spoken, value))
    if value["type"] == "user":
        return f"@{value['user_id']}"
    if value["type"] == "emoji":
        return f":{value['name']}:"
    return value["text"] if "text" in value else spoken(value["elements"])


def mrkdwn(message: Message) -> list[str]:
    """Every text of the blocks but the table's, in order."""
    found = []
    for block in message.blocks:
        objects = [block.get("text"), *block.get("fields", []), *block.get("elements", [])]
        found += [each["text"] for each in objects if each]
    return found


@pytest.mark.parametrize("name", DIGESTS)
def test_golden_digests(name: str) -> None:
    """Where this fails on purpose: ``python -m tests.gateways.blocks.digests`` writes them anew; look at the diff."""
    assert golden_digest(name) == (GOLDEN / f"{name}.json").read_text("utf-8")


def test_every_golden_digest_has_its_file() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(DIGESTS)


@pytest.mark.parametrize("look", Look)
@pytest.mark.parametrize("name", MADE)
def test_every_digest_is_taken_in_every_look(name: str, look: Look) -> None:
    message = render(MADE[name], look)

    taken(message)
    kinds = {block["type"] for block in message.blocks}
    assert ("table" in kinds) is (look is Look.TABLE and bool(MADE[name].report.changes.total))
    assert bool(kinds) is (look is not Look.PLAIN)


def test_the_text_has_the_numbers_that_are_not_zero() -> None:
    report = a_report(tally=tallied(12, 90), outcomes=counted(deployed=9, failed=1, reverted=1, rejected=1))

    message = render(a_digest(report), Look.TABLE)
    assert message.text == (
        "Deployments to Saturday 22 November 09:00: 12 requested, 9 deployed, 1 failed, 1 reverted, 1 rejected"
    )
    none = render(a_digest(replace(report, tally=tallied(1_234, 9), outcomes=counted(open=1_234))), Look.TABLE)
    assert none.text.endswith(": 1,234 requested, 0 deployed, 1,234 still open")


@pytest.mark.parametrize("look", [Look.TABLE, Look.CLASSIC])
def test_a_quiet_day_is_one_line(look: Look) -> None:
    message = render(a_quiet_day(), look)

    (line,) = mrkdwn(message)
    assert line == message.text
    assert message.text == (
        "Deployments to Saturday 22 November 09:00: a quiet day. Nothing was asked for, nothing ran, nothing waits."
    )
    late = render(replace(a_quiet_day(), late=True, twice=True), look)
    assert len(mrkdwn(late)) == 3


def test_a_whole_calendar_day_is_named_as_that_day() -> None:
    message = render(a_digest(a_report(scope=CALENDAR_DAY, tally=tallied(1, 2))), Look.TABLE)

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

    assert mrkdwn(render(a_digest(report), Look.TABLE))[1] == f"{said}, Europe/Amsterdam"


def test_a_preview_says_so_and_which_year_it_is_of() -> None:
    said = mrkdwn(render(a_preview(), Look.TABLE))

    assert said[1] == "Friday 21 November 2025, Europe/Amsterdam"
    assert said[2] == ":eyes: A preview that only you see."
    assert "CSV" not in str(said)


def test_late_and_twice_are_said() -> None:
    said = mrkdwn(render(a_day_with_everything(), Look.TABLE))

    assert said[2:4] == [
        ":hourglass: Posted late: it was due Saturday 22 November 09:00.",
        ":repeat: This may be a second copy: Slack's answer to the first was lost.",
    ]
    assert said[1].endswith(" · canada and production alone")
    plainly = render(a_day_with_everything(), Look.PLAIN).text
    assert said[2] in plainly
    assert said[3] in plainly


def test_the_numbers_have_fields() -> None:
    (numbers,) = [block for block in render(a_day_with_everything(), Look.TABLE).blocks if "fields" in block]

    assert [field["text"] for field in numbers["fields"]] == [
        "*Requested*\n12",
        "*Deployed*\n5",
        "*Failed or reverted*\n:red_circle: 1 failed, 1 reverted",
        "*Rejected, expired or withdrawn*\n1 rejected, 1 expired, 1 withdrawn",
        "*Median time to approve*\n14m",
        "*Median time to succeed*\n1h5m",
        "*Others*\n1 superseded, 1 invalid, 1 with nothing to do, 3 still open",
    ]
    (none,) = [block for block in render(a_preview(), Look.TABLE).blocks if "fields" in block]
    assert [field["text"].split("\n")[1] for field in none["fields"]] == ["2", "0", "none", "2 rejected", "–", "–"]


def test_a_row_for_each_change() -> None:
    head, first, *rest = table(render(a_day_with_everything(), Look.TABLE))

    assert head == [
        "Deploy", "Service", "Version", "Environment", "Result", "When", "Took", "Asked by", "Approved by",
    ]  # fmt: skip
    assert first == [
        "D-1", "mailer", "v1.1.2 → v1.2.0", "canada", "Deployed", "Fri 10:00", "2m41s", "@U0ALICE001", "@U0SAM00001",
    ]  # fmt: skip
    assert [row[7] for row in rest[:3]] == ["@U0CAROL001", "nightly", "root (host)"]
    assert [row[4] for row in rest] == [
        "Deployed", "Deployed", "Deployed", ":rewind: Reverted", "Deployed", ":hourglass_flowing_sand: Rolling out",
        ":hourglass_flowing_sand: Stuck",
    ]  # fmt: skip
    assert [row[2] for row in rest[3:6]] == [
        "v1.6.0", "v1.7.0 again", "v1.7.2 → sha256:aaaaaaaaaaaaaaaaaaaaaaaa…",
    ]  # fmt: skip
    assert rest[3 + 1][8] == "–"
    assert rest[2][8] == "@U0SAM00001, @U0CAROL001"
    # rolling out since an hour before the end, and since long before the beginning
    assert [row[5:7] for row in rest[-2:]] == [["Sat 08:00", "1h"], ["Thu 03:00", "2d6h"]]


def test_the_environment_is_told_where_there_are_several_and_links_where_there_are_messages() -> None:
    message = render(a_day_with_one(), Look.TABLE)
    (block,) = [block for block in message.blocks if block["type"] == "table"]

    assert "Environment" not in table(message)[0]
    (link,) = block["rows"][1][0]["elements"][0]["elements"]
    assert link == {"type": "link", "url": link_to(1042), "text": "D-1042"}
    unposted = render(replace(a_day_with_one(), report=replace(a_day_with_one().report, posted={})), Look.TABLE)
    assert [row[0] for row in table(unposted)] == ["Deploy", "D-1042"]


def test_what_is_not_in_the_table_is_in_the_file() -> None:
    said = mrkdwn(render(a_day_with_two_thousand(), Look.TABLE))
    rows = table(render(a_day_with_two_thousand(), Look.TABLE))

    assert len(rows) == 41
    assert "*2,000 changes in production*" in said
    assert said[-2:] == [
        "… and 1,960 more in the CSV",
        "21,904 audit events · the CSV of all 2,311 deploys is in the thread",
    ]
    assert (
        mrkdwn(render(a_day_with_one(), Look.TABLE))[-1]
        == "9 audit events · the CSV of the one deploy is in the thread"
    )


def long_winded(number: int) -> Entry:
    names = {"service": "s" * 200, "version": "v" * 200, "from_version": "w" * 200, "environment": "e" * 200}
    everybody = tuple(sorted(KNOWN_PEOPLE))
    return a_change(number, timedelta(minutes=number), approvers=everybody, **names)


@pytest.mark.parametrize("look", [Look.TABLE, Look.CLASSIC])
def test_rows_are_cut_where_slack_would_refuse_them(look: Look) -> None:
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
    message = render(a_digest(report), look)

    taken(message)
    (left,) = [text for text in mrkdwn(message) if text.startswith("… and ") and text.endswith(" more in the CSV")]
    shown = 40 - int(left.split()[2])
    assert 15 < shown < 40
    if look is Look.TABLE:
        assert len(table(message)) == 1 + shown
        (block,) = [block for block in message.blocks if block["type"] == "table"]
        assert MOST_TABLE - 700 < weight(block["rows"]) <= MOST_TABLE or weight(list(message.blocks)) > 12_000


def test_lines_say_what_the_table_would() -> None:
    message = render(a_day_with_everything(), Look.CLASSIC)
    text = next(text for text in mrkdwn(message) if text.startswith("*8 changes in"))
    lines = mrkdwn(message)[mrkdwn(message).index(text) + 1].split("\n")

    assert text == "*8 changes in production and canada*"
    assert len(lines) == 8
    assert lines[0] == (
        f"<{link_to(1)}|D-1> *mailer* `v1.1.2 → v1.2.0` · canada · Deployed · Fri 10:00, 2m41s"
        " · <@U0ALICE001>, approved by <@U0SAM00001>"
    )
    assert " · :rewind: *Reverted* · " in lines[4]


def test_what_to_look_at_has_the_worst_first() -> None:
    said = mrkdwn(render(a_day_with_everything(), Look.TABLE))
    start = said.index(":warning: *What to look at*") + 1
    kinds = [text.split("\n") for text in said[start : start + 8]]

    assert [lines[0] for lines in kinds] == [
        ":rotating_light: *Nomad's own revert failed* · 1",
        ":hourglass_flowing_sand: *Rollout stuck* · 1",
        ":red_circle: *Failed* · 1",
        ":bell: *Approval overdue* · 1",
        ":busts_in_silhouette: *Approved one's own request* · 1",
        ":crescent_moon: *Approved out of hours* · 1",
        ":scroll: *Catalog changed* · 2",
        ":no_entry: *Refused* · 8: 7 × no permission, 2 × own request",
    ]
    assert kinds[2][1] == (
        f"• <{link_to(5)}|D-5> *web* `v1.6.0` in production, its revert failed: Failed due to unhealthy allocations -"
        " rolling back to job version 3; task app of web: Terminated: Exit Code: 1"
    )
    assert kinds[1][1] == "• D-8 *search* `v1.9.0` in production: no progress since Fri 09:00: No capacity"
    assert kinds[3][1].endswith("in production: asked by <@U0ALICE001> Fri 09:00, until Sat 09:00")
    assert kinds[5][1] == f"• <{link_to(4)}|D-4> *search* in canada: <@U0SAM00001>, Sat 03:00"
    assert kinds[6][1:] == [
        "• `0a0a0a0a0a0a` by `root` on the host, Fri 09:00",
        "• `0a0a0a0a0a0a` → `b1b1b1b1b1b1` by <@U0SAM00001>, Fri 10:00",
    ]


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


def test_a_day_with_nothing_to_look_at_says_so() -> None:
    assert ":white_check_mark: Nothing needs a look." in mrkdwn(render(a_day_with_one(), Look.TABLE))
    assert "No changes in production." in mrkdwn(render(a_preview(), Look.TABLE))
    nowhere = a_report(final=(), tally=tallied(1, 2))
    assert "change" not in str(mrkdwn(render(a_digest(nowhere), Look.TABLE)))


def test_plainly_there_are_still_the_numbers_and_what_to_look_at() -> None:
    message = render(a_day_with_two_thousand(), Look.PLAIN)

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
    one, again = render(a_day_with_one(), Look.TABLE), render(a_day_with_one(), Look.TABLE)
    assert one == again
    other = render(replace(a_day_with_one(), late=True), Look.TABLE)

    assert not {block["block_id"] for block in one.blocks} & {block["block_id"] for block in other.blocks}
    assert json.dumps(one.arguments())


def test_times_far_from_the_span_have_their_date() -> None:
    old = a_change(3, -timedelta(days=40), changed_at=BEGINS + timedelta(hours=1))
    report = a_report(tally=tallied(1, 2), outcomes=counted(deployed=1), changes=Listed((old,), 1))

    assert table(render(a_digest(report), Look.TABLE))[1][4:6] == ["12 Oct 10:00", "40d1h"]
    day = a_report(scope=CALENDAR_DAY, tally=tallied(1, 2), changes=Listed((a_change(3, timedelta(hours=1)),), 1))
    assert table(render(a_digest(day), Look.TABLE))[1][4] == "10:00"
