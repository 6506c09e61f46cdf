from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.domain.actor import CiIdentity, Operator, System
from bot.domain.audit.events import EventType
from bot.domain.audit.history import OUTCOMES, STATES, Entry, Outcome, Word, entry_of
from bot.domain.deploy.base import facts_of
from bot.domain.deploy.deploy import TRANSITIONS, Status
from bot.domain.deploy.plan import Base, JobState
from tests.builders import ALICE, BOB, SAM, an_entry, an_event
from tests.clocks import NOON

E = EventType
WORKER = System("worker")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def seats(*holders: str) -> dict[str, Any]:
    return {"judged": {"seats": [{"holder": holder, "label": "sre"} for holder in holders]}}


class Log:
    """The bodies of one deploy's events, a minute apart."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.at = NOON
        asked = {"expires_at": NOON + 24 * HOUR, "reason": "hotfix", "version": "v1.4.2"}
        self._add(E.DEPLOY_REQUESTED, ALICE, asked)

    def _add(self, kind: EventType, actor: Any, data: dict[str, Any]) -> None:
        body = an_event(kind, at=self.at, actor=actor, data=data).body()
        self.bodies.append(json.loads(body))

    def then(self, kind: EventType, /, actor: Any = WORKER, **data: Any) -> Log:
        self.at += MINUTE
        self._add(kind, actor, data)
        return self

    def entry(self, until: datetime | None = None) -> Entry:
        found = entry_of(self.bodies, until)
        assert found is not None
        return found


def test_a_revision_is_named_beside_its_version_and_events_of_before_are_of_the_first():
    old = entry_of(Log().bodies)
    log = Log()
    log.bodies[0]["data"]["revision"] = 2
    before = {"from_version": "v1.4.2", "voided": False}
    new = log.then(E.DEPLOY_PLANNED, **before, base={"state": "running", "revision": 3}).entry()

    assert (old.release_name, old.from_release) == ("v1.4.2", None)
    assert (new.release_name, new.from_release) == ("v1.4.2 r2", "v1.4.2 r3")
    assert log.then(E.DEPLOY_PLANNED, **before).entry().from_release == "v1.4.2"


def rolling() -> Log:
    """Asked, planned, approved by Sam and Bob, dispatched and landed: six minutes."""
    return (
        Log()
        .then(E.DEPLOY_PLANNED, from_version="v1.4.1", voided=False, expires_at=NOON + 24 * HOUR)
        .then(E.DEPLOY_APPROVED, SAM, **seats(SAM.id, ""))
        .then(E.DEPLOY_APPROVED, BOB, **seats(SAM.id, BOB.id))
        .then(E.DEPLOY_READY, **seats(SAM.id, BOB.id))
        .then(E.DEPLOY_DISPATCHING, **seats(SAM.id, BOB.id))
        .then(E.DEPLOY_LANDED)
    )


def test_every_state_is_led_to_by_an_event_and_every_end_is_an_outcome():
    assert set(STATES.values()) == set(Status)
    assert {STATES[kind] for kind in OUTCOMES} == {status for status in Status if not TRANSITIONS[status]}
    assert set(OUTCOMES.values()) == set(Outcome) - {Outcome.OPEN, Outcome.REVERTED}


def test_a_request_is_open_and_knows_what_was_asked_for():
    assert Log().entry() == an_entry(environment="staging", reason="hotfix")
    assert Log().entry().outcome is Outcome.OPEN
    assert Log().entry().ended_at is None
    assert an_entry(1042).number == "D-1042"


def test_without_its_request_there_is_nothing_to_tell():
    assert entry_of([]) is None
    assert entry_of(rolling().bodies[1:]) is None
    assert entry_of(rolling().bodies, NOON) is None


def test_an_entry_of_a_request_that_was_recorded_before_events_said_when_they_expire():
    body = json.loads(an_event(data={"version": "v1.4.2"}).body())

    assert entry_of([body]) == an_entry(environment="staging", expires_at=None)


def test_a_success_tells_of_all_that_was_before_it():
    entry = rolling().then(E.DEPLOY_SUCCEEDED, detail="Deployment completed", seconds=60).entry()

    assert entry == an_entry(
        environment="staging",
        reason="hotfix",
        status=Status.SUCCEEDED,
        changed_at=NOON + 7 * MINUTE,
        from_version="v1.4.1",
        approvers=(SAM.id, BOB.id),
        approved_at=NOON + 3 * MINUTE,
        dispatched_at=NOON + 5 * MINUTE,
        to_approve=3 * MINUTE,
        landed_at=NOON + 6 * MINUTE,
        detail="Deployment completed",
    )
    assert entry.outcome is Outcome.DEPLOYED
    assert entry.ended_at == NOON + 7 * MINUTE
    assert (entry.took, entry.to_succeed) == (2 * MINUTE, 2 * MINUTE)


def test_what_came_from_a_moment_on_is_not_told():
    log = rolling().then(E.DEPLOY_SUCCEEDED)

    assert log.entry(NOON + 7 * MINUTE).status is Status.ROLLING
    assert log.entry(NOON + 7 * MINUTE + timedelta(microseconds=1)).status is Status.SUCCEEDED
    assert log.entry(NOON + 7 * MINUTE).to_succeed is None
    assert log.entry(NOON + 7 * MINUTE).took is None


@pytest.mark.parametrize("kind", [kind for kind in OUTCOMES if kind is not E.DEPLOY_SUCCEEDED])
def test_any_other_end_is_its_own_outcome_and_took_no_time_to_succeed(kind: EventType):
    entry = rolling().then(kind).entry()

    assert entry.outcome is OUTCOMES[kind]
    assert entry.ended_at == NOON + 7 * MINUTE
    assert (entry.took, entry.to_succeed) == (2 * MINUTE, None)


def test_what_was_never_dispatched_took_no_time():
    entry = Log().then(E.DEPLOY_PLANNED).then(E.DEPLOY_REJECTED, reason="not on a Friday").entry()

    assert entry.ended_at == NOON + 2 * MINUTE
    assert entry.took is None


def test_what_it_took_counts_from_the_newest_dispatch():
    log = rolling()
    del log.bodies[-1]
    entry = log.then(E.DEPLOY_READY).then(E.DEPLOY_DISPATCHING, **seats()).then(E.DEPLOY_FAILED).entry()

    assert entry.took == MINUTE


@pytest.mark.parametrize("data", [{"detail": "because"}, {"reason": "because"}, {"cause": "because"}])
def test_what_explains_the_state_is_its_detail_until_the_next_one(data: dict[str, str]):
    log = Log().then(E.DEPLOY_PLANNED).then(E.DEPLOY_WAITING, **data)

    assert log.entry().detail == "because"
    assert log.then(E.DEPLOY_BLOCKED, codes=["turn"]).entry().detail == "because"
    assert log.then(E.DEPLOY_READY).entry().detail == ""


def test_a_failure_that_nomad_reverts_is_reverted_whatever_becomes_of_the_revert():
    log = rolling().then(E.DEPLOY_FAILED, detail="unhealthy")

    assert log.entry().outcome is Outcome.FAILED
    assert log.then(E.DEPLOY_REVERTED, status="running").entry().outcome is Outcome.REVERTED
    ended = log.then(E.DEPLOY_REVERTED, status="failed").entry()
    assert (ended.outcome, ended.reverted) == (Outcome.REVERTED, "failed")
    assert ended.ended_at == NOON + 7 * MINUTE
    assert ended.detail == "unhealthy"


def test_a_plan_that_moved_empties_the_seats_and_starts_the_time_anew():
    log = Log().then(E.DEPLOY_PLANNED, from_version=None).then(E.DEPLOY_APPROVED, SAM, **seats(SAM.id, ""))
    same = log.then(E.DEPLOY_REPLANNING).then(E.DEPLOY_PLANNED, voided=False, from_version=None).entry()
    until = NOON + 30 * HOUR
    log.then(E.DEPLOY_REPLANNING, cause="moved").then(
        E.DEPLOY_PLANNED, voided=True, from_version="v1.4.0", expires_at=until
    )

    assert (same.approvers, same.expires_at, same.replanned_at) == ((SAM.id,), NOON + 24 * HOUR, None)
    assert log.entry().approvers == ()
    assert log.entry().from_version == "v1.4.0"
    assert (log.entry().expires_at, log.entry().replanned_at) == (until, NOON + 6 * MINUTE)


def test_a_seat_is_held_once_and_empties_with_a_retraction():
    log = Log().then(E.DEPLOY_PLANNED).then(E.DEPLOY_APPROVED, SAM, **seats(SAM.id, SAM.id, ""))

    assert log.entry().approvers == (SAM.id,)
    assert log.then(E.DEPLOY_RETRACTED, SAM, **seats("", "", "")).entry().approvers == ()
    assert log.entry().approved_at == NOON + 2 * MINUTE
    assert log.then(E.DEPLOY_READY, **seats(BOB.id)).entry().approvers == (BOB.id,)
    assert log.then(E.DEPLOY_WAITING, **seats("")).entry().approvers == ()


def test_ready_again_after_an_attempt_says_nothing_of_seats_and_the_newest_dispatch_counts():
    log = rolling()
    del log.bodies[-1]
    log.then(E.DEPLOY_READY, detail="Nomad did not register attempt 1")
    held = log.entry()
    again = log.then(E.DEPLOY_DISPATCHING, **seats(BOB.id)).entry()

    assert held.approvers == (SAM.id, BOB.id)
    assert again.approvers == (BOB.id,)
    assert again.dispatched_at == NOON + 8 * MINUTE
    assert again.to_approve == 3 * MINUTE


def test_where_nobody_had_to_approve_there_is_no_time_to():
    entry = Log().then(E.DEPLOY_PLANNED).then(E.DEPLOY_READY, **seats()).then(E.DEPLOY_DISPATCHING, **seats()).entry()

    assert (entry.to_approve, entry.approvers) == (None, ())


class TestStuck:
    def test_a_rollout_is_stuck_until_it_ends(self):
        log = rolling().then(E.DEPLOY_STUCK, detail="no change since noon")

        assert not rolling().entry().stuck
        assert log.entry().stuck
        assert log.entry().stuck_at == NOON + 7 * MINUTE
        assert not log.then(E.DEPLOY_SUCCEEDED).entry().stuck

    def test_or_until_it_moves_again(self):
        log = rolling().then(E.DEPLOY_STUCK).then(E.DEPLOY_MOVING)

        assert not log.entry().stuck
        assert log.then(E.DEPLOY_STUCK).entry().stuck

    def test_so_is_a_revert_but_not_for_what_was_said_of_its_deploy(self):
        log = rolling().then(E.DEPLOY_STUCK).then(E.DEPLOY_FAILED).then(E.DEPLOY_REVERTED, status="running")

        assert not log.entry().stuck
        assert log.then(E.DEPLOY_STUCK).entry().stuck
        assert not log.then(E.DEPLOY_REVERTED, status="succeeded").entry().stuck


class TestOverdue:
    def test_half_of_its_time_for_approval_is_over(self):
        entry = an_entry(status=Status.WAITING)

        assert not entry.overdue(NOON + 12 * HOUR - MINUTE)
        assert entry.overdue(NOON + 12 * HOUR)

    def test_half_of_the_time_that_a_plan_that_moved_began(self):
        entry = an_entry(status=Status.WAITING, replanned_at=NOON + 20 * HOUR, expires_at=NOON + 44 * HOUR)

        assert not entry.overdue(NOON + 31 * HOUR)
        assert entry.overdue(NOON + 32 * HOUR)

    @pytest.mark.parametrize("status", [status for status in Status if status is not Status.WAITING])
    def test_only_what_waits_for_people_is(self, status: Status):
        assert not an_entry(status=status).overdue(NOON + 23 * HOUR)

    def test_nothing_is_that_does_not_say_when_it_expires(self):
        assert not an_entry(status=Status.WAITING, expires_at=None).overdue(NOON + 23 * HOUR)


def test_whoever_asked_and_holds_a_seat_approved_their_own():
    own = an_entry(approvers=(BOB.id, ALICE.id))

    assert own.self_approved
    assert not an_entry(approvers=(BOB.id,)).self_approved
    assert replace(own, requester=CiIdentity("https://ci.example", "checkout", ALICE.id)).self_approved
    assert not replace(own, requester=CiIdentity("https://ci.example", "checkout")).self_approved
    assert not replace(own, requester=Operator("root")).self_approved


def test_what_the_newest_plan_replaces_is_that_of_the_plan():
    base = Base(state=JobState.STOPPED, job_version=7, deploy=11, version="v1.4.0")
    log = Log().then(E.DEPLOY_PLANNED, from_version=None, base=facts_of(Base(state=JobState.ABSENT)))
    log = log.then(E.DEPLOY_REPLANNING).then(E.DEPLOY_PLANNED, from_version="v1.4.0", base=facts_of(base))

    assert (log.entry().from_version, log.entry().base) == ("v1.4.0", base)


def test_what_a_person_settled_is_told_apart_from_what_nomad_did():
    by_nomad = rolling().then(E.DEPLOY_SUCCEEDED).entry()
    word = rolling().then(E.DEPLOY_RESOLVED, SAM, resolution="succeeded", reason="seen")
    open_still = word.entry()
    by_person = word.then(E.DEPLOY_SUCCEEDED, SAM, detail="seen").entry()

    assert [each.resolved_by_person for each in (by_nomad, open_still, by_person)] == [False, False, True]
    assert (by_nomad.resolved, by_person.resolved) == (None, Word("succeeded", SAM, "seen"))


def test_a_word_on_a_rollout_that_went_on_after_the_end_is_none_on_the_end():
    failed = rolling().then(E.DEPLOY_FAILED, detail="failed")
    late = failed.then(E.DEPLOY_RESOLVED, SAM, resolution="succeeded", reason="seen", rollout=2).entry()
    assert (late.resolved, late.resolved_by_person) == (None, False)
    assert late.word == Word("succeeded", SAM, "seen", of_rollout=True)

    ended = rolling().then(E.DEPLOY_RESOLVED, SAM, resolution="failed", reason="gone").then(E.DEPLOY_FAILED, SAM)
    both = ended.then(E.DEPLOY_RESOLVED, BOB, resolution="succeeded", reason="seen", rollout=2).entry()
    assert both.resolved == both.word == Word("failed", SAM, "gone")


@pytest.mark.parametrize(
    ("kind", "data", "stands"),
    [
        (E.DEPLOY_LANDED, {"job_version": 0, "by_person": True}, True),
        (E.DEPLOY_LANDED, {"job_version": 0}, False),
        (E.DEPLOY_READY, {}, False),
        (E.DEPLOY_REPLANNING, {}, False),
    ],
)
def test_a_word_stands_until_nomad_shows_what_happened_or_it_is_planned_or_sent_again(kind, data, stands):
    log = Log().then(E.DEPLOY_DISPATCHING).then(E.DEPLOY_RESOLVED, SAM, resolution="landed 0", reason="seen")
    assert log.entry().resolved == Word("landed 0", SAM, "seen")

    ended = log.then(kind, **data).then(E.DEPLOY_FAILED).entry()

    assert ended.word == Word("landed 0", SAM, "seen", stands=stands)
    assert (ended.resolved is not None, ended.resolved_by_person) == (stands, False)


def test_a_landing_after_the_end_changes_neither_the_end_nor_its_time():
    log = Log().then(E.DEPLOY_WITHDRAWN, ALICE)
    before = log.entry()
    late = log.then(E.DEPLOY_LANDED_LATE, job_version=4, plan=1)

    assert late.entry() == replace(before, landed_late_at=late.at)
