"""The whole plan as text: nothing is cut, and nothing in it is invisible."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.deploy.plan import Base, Change, Flag, JobState
from bot.domain.jobdiff.text import cost
from bot.domain.jobdiff.whole import about, explicit, file_of, nothing, pages, plan_lines, tally
from tests.builders import a_deploy, a_plan
from tests.clocks import NOON

PATH = ("group web", "task app")
CHANGES = (
    Change(path=(*PATH, "env DB_URL"), kind="Deleted", old="", new="", hidden=True, flags=(Flag.REMOVED,)),
    Change(path=(*PATH, "image"), kind="Edited", old="a:1", new="a:2"),
)
DEPLOY = a_deploy(12, plan=2, overrides={"count": 3, "greeting": "x" * 200}, reason="SHOP-981")


def test_the_lines_name_settings_changes_and_what_differs() -> None:
    plan = a_plan(12, 2, changes=CHANGES, differs=("count 1 → 6",), compared_with="staging")
    lines = plan_lines(DEPLOY, plan)
    named = replace(CHANGES[1], path=("setting count",), flags=(Flag.OVERRIDE,))

    assert "Set by the request:" not in plan_lines(DEPLOY, replace(plan, changes=(named,)))
    assert lines[:4] == ["Set by the request:", "  count = 3", f"  greeting = {'x' * 200}", ""]
    assert lines[4] == "2 changes, 1 flagged:"
    text = "\n".join(lines)
    assert "env DB_URL" in text
    assert "a:1 → a:2" in text
    assert lines[-2:] == ["Compared with staging:", "  count 1 → 6"]
    bare = plan_lines(a_deploy(12), a_plan(12, 2, changes=(), unchanged=True, differs=("x",)))
    assert bare == ["No changes.", "", "Compared with the previous environment:", "  x"]


def test_no_changes_is_said_only_of_equal_jobs() -> None:
    assert nothing(a_plan(unchanged=True)) == "No changes."
    assert "found no difference" in nothing(a_plan())
    assert [tally(CHANGES[:1]), tally(CHANGES[1:]), tally(CHANGES)] == [
        "1 change, 1 flagged", "1 change, none flagged", "2 changes, 1 flagged",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("base", "said"),
    [
        (Base(state=JobState.RUNNING, job_version=3, deploy=4, version="v1"), "Replaces v1 (D-4), job version 3."),
        (Base(state=JobState.ABSENT), "The first version of this job."),
        (
            Base(state=JobState.RUNNING, job_version=7, token="3fa9c2d1", at=NOON),
            "Replaces job version 7, registered outside Nomatron by token 3fa9c2d1, 2026-11-21.",
        ),
        (None, "Replaces v1.4.1."),
    ],
)
def test_what_it_replaces_stands_above_the_list(base: Base | None, said: str) -> None:
    assert about(DEPLOY, a_plan(12, 2, base=base, warnings=("careful",))) == (said, "Reason: SHOP-981", "careful")
    assert about(a_deploy(12), a_plan(12, from_version=None)) == ()


def test_the_file_has_everything() -> None:
    secret = replace(CHANGES[1], new="a:\u202e2")
    text = file_of(DEPLOY, a_plan(12, 2, changes=(CHANGES[0], secret), effect="web: 2 replaced"))

    assert text.splitlines()[:4] == [
        "Plan 2 of D-12: checkout v1.4.2 to staging", "web: 2 replaced", "Replaces v1.4.1.", "Reason: SHOP-981",
    ]  # fmt: skip
    assert "a:\\u202e2" in text
    assert text.endswith("\n")


def test_what_nobody_sees_is_written_as_an_escape() -> None:
    assert explicit("a\tb\nc\rd\u200be\u2028\U000e0041\ud800\u3164ü漢😱") == (
        "a\\tb\\nc\\rd\\u200be\\u2028\\ue0041\\ud800\\u3164ü漢😱"
    )
    assert explicit("a\tb", keep="\t") == "a\tb"


@given(st.lists(st.text(st.characters(categories=["L", "P", "S"]), max_size=1500), max_size=40))
def test_pages_hold_every_character_in_order(lines: list[str]) -> None:
    found = pages(lines, 2900)

    assert all(cost(page.split("\n")) <= 2900 + 1 for page in found)
    joined = "\n".join(found).replace("\n      ↳ ", "")
    assert joined == "\n".join(lines).replace("\n      ↳ ", "")


def test_a_line_that_no_page_holds_goes_on() -> None:
    found = pages(["a" * 7_000, "b"], 2900)

    assert len(found) == 3
    assert "".join(found).replace("\n", "").replace("      ↳ ", "") == "a" * 7_000 + "b"


def test_every_kind_of_change_is_named_whole() -> None:
    text = Change(path=(*PATH, "template a"), kind="Edited", old="", new="", diff=("-b", "+c"))
    changes = (
        Change(path=(*PATH, "env HOTFIX"), kind="Deleted", old="x" * 9_000, new="", flags=(Flag.REMOVED,), outside=6),
        Change(path=(), kind="Added", old="", new=""),
        text,
    )
    lines = plan_lines(a_deploy(12), a_plan(12, 2, changes=changes))

    assert any("env HOTFIX" in line and "x" * 9_000 in line for line in lines)
    assert {"-b", "+c"} <= {line.strip() for line in lines}


def test_no_line_is_one_empty_page() -> None:
    assert pages([]) == [""]
