from __future__ import annotations

import json
from typing import Any

import pytest

from bot.domain.audit.events import EventType
from bot.domain.audit.sentences import LONGEST, Sentence, one_line, sentence
from bot.domain.deploy.dispatch import Answer
from tests.builders import an_event

A, B = "a" * 64, "b" * 64
E = EventType


def said(kind: EventType, data: dict[str, Any], **changes: Any) -> str:
    """The sentence of an event about D-12, checkout in production."""
    fields = {"deploy_id": 12, "environment": "production", **changes}
    return sentence(json.loads(an_event(kind, data=data, **fields).body())).text


WHOLE: dict[EventType, tuple[dict[str, Any], str]] = {
    E.CATALOG_APPLIED: ({"before": A, "after": B}, "made catalog bbbbbbbbbbbb active, replacing aaaaaaaaaaaa"),
    E.DEPLOY_REQUESTED: (
        {
            "version": "v1.4.2",
            "reason": "S-9",
            "again": True,
            "promotes": "staging",
            "set": ["count=3", "dry=true"],
        },
        "requested checkout v1.4.2 to production (again, D-12), promoted from staging, with count=3, dry=true: S-9",
    ),
    E.DEPLOY_REFUSED: (
        {"codes": ["no-permission", "reason-missing"], "version": "v1.4.2"},
        "was not allowed to deploy checkout v1.4.2 to production: no-permission, reason-missing",
    ),
    E.DEPLOY_PLANNED: (
        {"plan": 2, "effect": "web: 2 replaced", "voided": True},
        "planned D-12, plan 2: web: 2 replaced; earlier approvals no longer count",
    ),
    E.DEPLOY_REPLANNING: ({"cause": "D-11 was deployed."}, "sent D-12 back to planning: D-11 was deployed."),
    E.DEPLOY_APPROVED: ({"filled": 1, "seats": 2}, "approved D-12 (1 of 2 approvals)"),
    E.DEPLOY_RETRACTED: ({"plan": 1}, "took back their approval of D-12"),
    E.DEPLOY_RESOLVED: (
        {"resolution": "landed 7", "reason": "I looked", "plan": 1},
        "resolved D-12 as landed 7: I looked",
    ),
    E.DEPLOY_REJECTED: ({"reason": "not on a Friday"}, "rejected D-12: not on a Friday"),
    E.DEPLOY_REPLACES: ({"plan": 1}, "let D-12 replace the running rollout"),
    E.DEPLOY_WITHDRAWN: ({"detail": "The catalog moved on."}, "withdrew D-12: The catalog moved on."),
    E.DEPLOY_EXPIRED: ({"detail": "No decision in time."}, "D-12 expired: No decision in time."),
    E.DEPLOY_READY: ({"blocked": ["turn"]}, "D-12 is ready, blocked by turn"),
    E.DEPLOY_WAITING: ({"cause": "Sam left sre."}, "D-12 needs approval again: Sam left sre."),
    E.DEPLOY_BLOCKED: ({"codes": ["turn"]}, "D-12 is blocked: turn"),
    E.DEPLOY_DISPATCHING: ({"plan": 1}, "dispatched D-12"),
    E.DEPLOY_ATTEMPTED: ({"number": 2, "plan": 1}, "sent attempt 2 of D-12 to Nomad"),
    E.DEPLOY_ANSWERED: (
        {"number": 2, "answer": "unknown", "text": "timed out"},
        "attempt 2 of D-12 got no certain answer: timed out",
    ),
    E.DEPLOY_LANDED: ({"job_version": 0, "job_modify_index": "47"}, "Nomad registered D-12 as job version 0"),
    E.DEPLOY_LANDED_LATE: (
        {"job_version": 4, "job_modify_index": "47", "plan": 2},
        "Nomad registered D-12, after that had ended, as job version 4",
    ),
    E.DEPLOY_UNCHANGED: ({"detail": "The same runs."}, "D-12 changed nothing: The same runs."),
    E.DEPLOY_INVALID: ({"detail": "line 3: no driver"}, "D-12 is invalid: line 3: no driver"),
    E.DEPLOY_SUCCEEDED: (
        {"detail": "2 of 2 healthy", "seconds": 90},
        "D-12 succeeded 1m30s after it landed: 2 of 2 healthy",
    ),
    E.DEPLOY_FAILED: ({"detail": "exit code 1", "seconds": 0}, "D-12 failed 0s after it landed: exit code 1"),
    E.DEPLOY_SUPERSEDED: (
        {"detail": "by version 9", "seconds": 3},
        "D-12 was superseded 3s after it landed: by version 9",
    ),
    E.DEPLOY_REVERTED: (
        {"status": "running", "job_version": 6},
        "Nomad's own revert of D-12 has started: job version 6",
    ),
    E.ACTION_REFUSED: ({"act": "approve", "codes": ["own-request"]}, "was not allowed to approve D-12: own-request"),
    E.DEPLOY_STUCK: ({"detail": "1 of 2 healthy"}, "D-12 is stuck: 1 of 2 healthy"),
    E.DEPLOY_MOVING: ({"detail": ""}, "D-12 makes progress again"),
    E.DEPLOY_DEVIATED: (
        {"detail": "The job was stopped in Nomad.", "since": "2026-11-21T12:00:00.000000Z"},
        "D-12 no longer runs without a break: The job was stopped in Nomad.",
    ),
    E.DEPLOY_SHOWN: ({"plan": 2}, "was shown plan 2 of D-12"),
    E.LOCK_PLACED: (
        {"lock": 3, "reason": "the database moves", "until": "2026-11-21T14:00:00.000000Z"},
        "locked checkout in production until 2026-11-21 14:00 UTC: the database moves",
    ),
    E.LOCK_LIFTED: (
        {"lock": 3, "locked": "the database moves", "reason": "it has moved"},
        "lifted the lock on checkout in production: it has moved",
    ),
    E.LOCK_EXPIRED: (
        {"lock": 3, "locked": "the database moves"},
        "the lock on checkout in production has ended: the database moves",
    ),
}


def test_each_type_is_in_the_table() -> None:
    assert set(WHOLE) == set(EventType)


@pytest.mark.parametrize("kind", EventType)
def test_an_event_is_a_sentence(kind: EventType) -> None:
    data, expected = WHOLE[kind]
    about = {"deploy_id": None} if kind in {E.CATALOG_APPLIED, E.DEPLOY_REFUSED} else {}

    assert said(kind, data, **about) == expected


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        (E.CATALOG_APPLIED, {"before": "", "after": B}, "made catalog bbbbbbbbbbbb active, the first one"),
        (E.DEPLOY_REQUESTED, {"version": "v1", "promotes": ""}, "requested checkout v1 to production (D-12)"),
        (E.DEPLOY_REQUESTED, {"version": "v1", "revision": 2}, "requested checkout v1 r2 to production (D-12)"),
        (E.DEPLOY_PLANNED, {"plan": 1, "effect": "adds web"}, "planned D-12, plan 1: adds web"),
        (
            E.DEPLOY_PLANNED,
            {"plan": 1, "effect": "", "base": {"state": "running", "job_version": "7", "token": "1a2b3c4d"}},
            "planned D-12, plan 1, to replace job version 7, registered outside Nomatron by token 1a2b3c4d",
        ),
        (
            E.DEPLOY_PLANNED,
            {"plan": 1, "effect": "adds web", "base": {"state": "absent", "job_version": None}},
            "planned D-12, plan 1: adds web",
        ),
        (
            E.DEPLOY_PLANNED,
            {"plan": 2, "effect": "adds web", "voided": True, "void_approvals": 0},
            "planned D-12, plan 2: adds web",
        ),
        (E.DEPLOY_APPROVED, {"filled": 1, "seats": 1}, "approved D-12 (1 of 1 approval)"),
        (E.DEPLOY_APPROVED, {}, "approved D-12"),
        (
            E.DEPLOY_APPROVED,
            {"filled": 2, "note": "looks good", "seats": 2},
            "approved D-12 (2 of 2 approvals): looks good",
        ),
        (E.DEPLOY_READY, {"detail": "trying again."}, "D-12 is ready: trying again."),
        (E.DEPLOY_BLOCKED, {"codes": []}, "D-12 is no longer blocked"),
        (E.DEPLOY_LANDED, {"job_version": -1}, "Nomad registered D-12"),
        (E.DEPLOY_ANSWERED, {"number": 1, "answer": "later", "text": ""}, "attempt 1 of D-12 was answered later"),
        (E.DEPLOY_REPLANNING, {"detail": "another's"}, "sent D-12 back to planning: another's"),
        (E.DEPLOY_WITHDRAWN, {}, "withdrew D-12"),
        (E.DEPLOY_EXPIRED, {}, "D-12 expired"),
        (E.DEPLOY_REVERTED, {"status": "failed", "job_version": 6}, "Nomad's own revert of D-12 failed: job version 6"),
        (E.ACTION_REFUSED, {"act": "replan", "codes": ["a", "b"]}, "was not allowed to plan D-12 again: a, b"),
        (E.LOCK_PLACED, {"reason": "it moves"}, "locked checkout in production: it moves"),
        (
            E.ACTION_REFUSED,
            {"act": "retract"},
            "was not allowed to take back their approval of D-12: no reason recorded",
        ),
    ],
)
def test_what_is_not_there_is_left_out(kind: EventType, data: dict[str, Any], expected: str) -> None:
    assert said(kind, data) == expected


@pytest.mark.parametrize(
    ("answer", "became"),
    [
        (Answer.LANDED, "was accepted"),
        (Answer.NO_OP, "changed nothing"),
        (Answer.CONFLICT, "came after another change of the job"),
        (Answer.DENIED, "was refused"),
        (Answer.FORBIDDEN, "was refused, for lack of a permission"),
        (Answer.NOT_SENT, "was not sent"),
        (Answer.UNKNOWN, "got no certain answer"),
    ],
)
def test_what_became_of_an_attempt_is_said_in_words(answer: Answer, became: str) -> None:
    data = {"number": 1, "answer": answer, "text": ""}

    assert said(E.DEPLOY_ANSWERED, data) == f"attempt 1 of D-12 {became}"


def test_a_refused_request_may_have_asked_for_next_to_nothing() -> None:
    data = {"codes": ["service-missing"], "version": ""}

    assert said(E.DEPLOY_REFUSED, data, service="", environment="") == "was not allowed to deploy: service-missing"


def test_a_type_that_a_newer_version_recorded_is_named() -> None:
    assert sentence({"type": "service.locked", "deploy": 3}).text == "service.locked D-3"
    assert sentence({"type": "service.locked"}).text == "service.locked"


def test_it_is_one_line_of_bounded_length() -> None:
    words = said(E.DEPLOY_REJECTED, {"reason": "first line\nsecond\t" + "x" * 400})

    assert words.startswith("rejected D-12: first line second xxx")
    assert words.endswith("x…")
    assert len(words) == LONGEST


def test_nothing_in_it_moves_the_cursor_or_turns_the_writing() -> None:
    assert one_line("a\x1b[31mred\x1b[0m\r\u202eb\u2028c\x00") == "a [31mred [0m b c"
    assert one_line("Größe 東京 🚀") == "Größe 東京 🚀"
    assert one_line("abcdef", 4) == "abc…"
    assert one_line("abcd", 4) == "abcd"


def test_its_parts_say_where_the_number_is_and_whether_the_actor_did_it() -> None:
    approved = {"type": "deploy.approved", "deploy": 12, "data": {"note": "as D-12 was"}}

    assert sentence(approved) == Sentence("approved ", "D-12", ": as D-12 was", actor_is_subject=True)
    assert not sentence({"type": "deploy.expired", "deploy": 12}).actor_is_subject


def test_a_sentence_that_is_cut_before_its_number_has_none() -> None:
    data = {"service": "s" * 128, "version": "v" * 128}
    cut = sentence({"type": "deploy.requested", "deploy": 12, "environment": "e", "data": data, **data})

    assert (cut.number, len(cut.text)) == ("", LONGEST)
