from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.domain.actor import Operator, System
from bot.domain.audit.events import EventType
from bot.domain.audit.history import Outcome
from bot.domain.digest.report import CatalogChange, Listed, LockChange, Report, Tally, closed_hours
from bot.domain.digest.schedule import Scope, Span
from tests.builders import an_entry
from tests.clocks import NOON

NOTHING = Tally(events=0, types={}, reverted=0, to_approve=(), to_succeed=())
NONE_ENDED = dict.fromkeys(Outcome, 0)
MINUTE = timedelta(minutes=1)


def a_report(tally: Tally = NOTHING, **changes: Any) -> Report:
    fields: dict[str, Any] = {
        "scope": Scope(Span(NOON, NOON + timedelta(days=1))),
        "zone": "Europe/Amsterdam",
        "final": ("production",),
        "outcomes": NONE_ENDED,
        "changes": Listed(),
    }
    return Report(tally=tally, **{**fields, **changes})


def a_tally(**changes: Any) -> Tally:
    fields: dict[str, Any] = {"events": 0, "types": {}, "reverted": 0, "to_approve": (), "to_succeed": ()}
    return Tally(**{**fields, **changes})


def test_every_end_is_an_outcome_and_a_reverted_failure_is_no_failure():
    types = {
        EventType.DEPLOY_REQUESTED: 20,
        EventType.DEPLOY_SUCCEEDED: 7,
        EventType.DEPLOY_FAILED: 5,
        EventType.DEPLOY_REJECTED: 1,
        EventType.DEPLOY_REVERTED: 4,
    }
    ended = a_tally(types=types, reverted=2).ended()

    assert ended[Outcome.DEPLOYED] == 7
    assert (ended[Outcome.FAILED], ended[Outcome.REVERTED]) == (3, 2)
    assert ended[Outcome.REJECTED] == 1
    assert set(ended) == set(Outcome) - {Outcome.OPEN}
    assert sum(ended.values()) == 13


def test_what_was_asked_for_and_the_medians_are_those_of_the_tally():
    tally = a_tally(
        types={EventType.DEPLOY_REQUESTED: 3}, to_approve=(9 * MINUTE, MINUTE, 2 * MINUTE), to_succeed=(MINUTE,)
    )

    assert a_report(tally).requested == 3
    assert a_report(tally).time_to_approve == 2 * MINUTE
    assert a_report(tally).time_to_succeed == MINUTE
    assert (a_report().requested, a_report().time_to_approve, a_report().time_to_succeed) == (0, None, None)


def test_a_day_is_quiet_on_which_nothing_happened_that_anybody_has_to_read_about():
    assert a_report().quiet
    # an answer of Nomad to something of the day before, say
    assert a_report(a_tally(events=3, types={EventType.DEPLOY_ANSWERED: 3})).quiet


@pytest.mark.parametrize(
    "happened",
    [
        {"tally": a_tally(types={EventType.DEPLOY_REQUESTED: 1})},
        {"outcomes": {**NONE_ENDED, Outcome.OPEN: 1}},
        {"outcomes": {**NONE_ENDED, Outcome.DEPLOYED: 1}},
        {"refused": 1},
        {"catalogs": (CatalogChange(NOON, Operator("root"), "", "0" * 64),)},
        {"locks": (LockChange(kind=EventType.LOCK_EXPIRED, at=NOON, actor=System("expiry"), what="qa", reason="x"),)},
        {"reverts_failed": Listed((an_entry(),), 1)},
        {"stuck": Listed((an_entry(),), 1)},
    ],
)
def test_a_day_is_not_quiet_with(happened: dict[str, Any]):
    assert not a_report(**happened).quiet


@pytest.mark.parametrize(
    ("local", "outside"),
    [
        ("2026-11-20T08:00", False),
        ("2026-11-20T17:59:59", False),
        ("2026-11-20T07:59:59", True),
        ("2026-11-20T18:00", True),
        ("2026-11-21T12:00", True),
        ("2026-11-22T12:00", True),
        ("2026-11-23T12:00", False),
    ],
)
def test_working_hours_are_those_of_monday_to_friday(local: str, outside: bool):  # noqa: FBT001 -- a parameter
    prague = ZoneInfo("Europe/Prague")
    moment = datetime.fromisoformat(local).replace(tzinfo=prague).astimezone(UTC)
    closed = closed_hours(Span(moment - timedelta(days=3), moment + timedelta(days=3)), prague)
    assert any(moment in part for part in closed) is outside


def test_closed_hours_are_cut_at_the_ends_of_the_span_and_none_in_a_span_of_work():
    friday, hour = datetime(2026, 11, 20, tzinfo=UTC), timedelta(hours=1)
    assert closed_hours(Span(friday + 9 * hour, friday + 17 * hour), UTC) == ()
    assert closed_hours(Span(friday + 7 * hour, friday + 9 * hour), UTC) == (
        Span(friday + 7 * hour, friday + 8 * hour),
    )
    weekend = Span(friday + 17 * hour, friday + 80 * hour)
    assert closed_hours(weekend, UTC) == (Span(friday + 18 * hour, friday + 80 * hour),)
    over = Span(friday + 20 * hour, friday + 81 * hour)
    assert closed_hours(over, UTC) == (Span(friday + 20 * hour, friday + 80 * hour),)
    assert closed_hours(Span(friday, friday), UTC) == ()


def test_a_date_that_a_calendar_leaves_out_has_no_working_hours():
    apia = ZoneInfo("Pacific/Apia")
    # Friday 30 December 2011 never came: Thursday's evening is followed by Saturday
    thursday = datetime(2011, 12, 29, 18, tzinfo=apia).astimezone(UTC)
    span = Span(thursday, thursday + timedelta(hours=24))
    assert closed_hours(span, apia) == (span,)
