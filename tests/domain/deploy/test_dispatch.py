from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from bot.domain.deploy.dispatch import (
    ENQUEUE_LIMIT,
    Answer,
    Look,
    Resolution,
    Result,
    Sighting,
    Verdict,
    back_off,
    classify,
    classify_success,
    judge,
    or_resolved,
    settled,
)
from tests.builders import an_attempt
from tests.clocks import NOON
from tests.recorded import answer as recorded_answer

WRITE = timedelta(seconds=20)
SETTLE = ENQUEUE_LIMIT + WRITE
VALIDATION = "1 error occurred:\n\t* Task group web validation failed: 1 error occurred:\n\t* Missing task driver\n\n"


@pytest.mark.parametrize(
    ("status", "text", "answer"),
    [
        (500, "Enforcing job modify index 0: job already exists", Answer.CONFLICT),
        (500, "Enforcing job modify index 5: job does not exist", Answer.CONFLICT),
        (500, "Enforcing job modify index 1: job exists with conflicting job modify index: 13", Answer.CONFLICT),
        (500, "rpc error: Enforcing job modify index 1: job exists with conflicting job modify index: 13",
         Answer.CONFLICT),
        (400, "Job ID does not match", Answer.DENIED),
        (403, "Permission denied", Answer.FORBIDDEN),
        (500, VALIDATION, Answer.DENIED),
        (500, 'job "v" is in nonexistent namespace "nope"', Answer.DENIED),
        (500, 'cannot update job from type "service" to "batch"', Answer.DENIED),
        (500, "Auto Promote requires a Canary count greater than zero", Answer.DENIED),
        (500, "Healthy deadline must be less than progress deadline", Answer.DENIED),
        (429, "http: too many connections", Answer.NOT_SENT),
        (500, "leadership lost while committing log", Answer.UNKNOWN),
        (500, "No cluster leader", Answer.UNKNOWN),
        (500, "rpc error: EOF", Answer.UNKNOWN),
        (500, "runtime error: invalid memory address or nil pointer dereference", Answer.UNKNOWN),
        (500, "failed to submit plan: missing entry", Answer.UNKNOWN),
        (500, 'state store: namespace "apps" transaction aborted', Answer.UNKNOWN),
        (500, "job registration must be retried: task group unsupported", Answer.UNKNOWN),
        (500, '1 error occurred:\n\t* Vault "default" not enabled but used in the job\n\n', Answer.DENIED),
        (500, f"rpc error: {VALIDATION}", Answer.DENIED),
        (403, VALIDATION, Answer.DENIED),
        (500, f"applied, then: {VALIDATION}", Answer.UNKNOWN),
        (500, '1 error occurred:\n\t* job "v" is in nonexistent node pool "gpu"\n\n', Answer.DENIED),
        (500, "2 errors occurred:\n\t* Missing job datacenters\n\t* Missing job task groups\n\n", Answer.DENIED),
        (500, "1 error occurred:\n\t* job priority must be between [1, 100]\n\n", Answer.DENIED),
        (500, "cannot update non-periodic job to being periodic", Answer.DENIED),
        (500, "rpc error: validation failed to reach the leader", Answer.UNKNOWN),
        (500, "raft apply failed: timed out enqueuing operation", Answer.UNKNOWN),
        (500, "timeout enqueuing operation", Answer.UNKNOWN),
        (500, 'No path to region "eu"', Answer.UNKNOWN),
        (500, "something nobody has seen before", Answer.UNKNOWN),
        (500, "", Answer.UNKNOWN),
        (502, "Bad Gateway", Answer.UNKNOWN),
        (503, "validation failed", Answer.UNKNOWN),
        (504, "Gateway Time-out", Answer.UNKNOWN),
        (404, "not found", Answer.UNKNOWN),
    ],
)  # fmt: skip
def test_what_an_answer_means(status: int, text: str, answer: Answer):
    assert classify(status, text) is answer


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("cas_exists", Answer.CONFLICT),
        ("cas_conflict", Answer.CONFLICT),
        ("cas_missing", Answer.CONFLICT),
        ("register_invalid", Answer.DENIED),
        ("register_unknown_namespace", Answer.DENIED),
        ("register_type_change", Answer.DENIED),
        ("acl_weak_register", Answer.FORBIDDEN),
        ("acl_weak_register_invalid", Answer.DENIED),
    ],
)
def test_what_a_real_agents_answer_means(name: str, answer: Answer):
    recorded = recorded_answer(name)

    assert classify(recorded["status"], str(recorded["body"])) is answer


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("register_ok", Answer.LANDED),
        ("register_parameterized", Answer.LANDED),
        ("register_same_spec", Answer.NO_OP),
        ("register_same_spec_other_source", Answer.NO_OP),
    ],
)
def test_what_a_real_agents_200_means(name: str, answer: Answer):
    body = recorded_answer(name)["body"]

    assert classify_success(body["JobModifyIndex"], body["EvalCreateIndex"], 0) is answer


@pytest.mark.parametrize(
    ("index", "evaluation", "base", "answer"),
    [
        (40, 40, 38, Answer.LANDED),
        (40, 42, 38, Answer.NO_OP),
        (38, 0, 0, Answer.LANDED),
        (38, 0, 38, Answer.NO_OP),
        (40, 0, 38, Answer.ACCEPTED),
        (0, 0, 38, Answer.UNKNOWN),
        (0, 0, 0, Answer.UNKNOWN),
    ],
)
def test_what_the_indexes_of_a_200_prove(index: int, evaluation: int, base: int, answer: Answer):
    assert classify_success(index, evaluation, base) is answer


@pytest.mark.parametrize(("names_region", "answer"), [(True, Answer.DENIED), (False, Answer.UNKNOWN)])
def test_a_region_without_servers_is_an_outage_unless_the_job_names_it(names_region: bool, answer: Answer):  # noqa: FBT001 -- a parameter
    assert classify(500, "No path to region", names_region=names_region) is answer


def test_only_an_unknown_answer_leaves_it_open():
    assert [answer for answer in Answer if not answer.definite] == [Answer.UNKNOWN]


# --- settled ---------------------------------------------------------------------------------------------------------


def is_settled(*attempts, seconds: float) -> bool:
    return settled(attempts, now=NOON + timedelta(seconds=seconds), write_timeout=WRITE)


@pytest.mark.parametrize("answer", [answer for answer in Answer if answer.definite])
def test_with_definite_answers_alone_it_is_settled_at_once(answer: Answer):
    assert is_settled(an_attempt(at=NOON, answer=answer), an_attempt(number=2, at=NOON, answer=answer), seconds=0)


@pytest.mark.parametrize("answer", [None, Answer.UNKNOWN])
def test_an_open_one_settles_when_nomad_can_no_longer_take_it(answer: Answer | None):
    attempt = an_attempt(at=NOON, answer=answer)

    assert not is_settled(attempt, seconds=54.9)
    assert is_settled(attempt, seconds=55)


def test_the_time_runs_from_the_last_attempt_or_take_over_whichever_is_later():
    lost = an_attempt(at=NOON, answer=Answer.UNKNOWN, taken_over=NOON + timedelta(seconds=30))
    later = an_attempt(number=2, at=NOON + timedelta(seconds=40), answer=Answer.DENIED)

    assert not is_settled(lost, seconds=84.9)
    assert is_settled(lost, seconds=85)
    assert not is_settled(lost, later, seconds=94.9)
    assert is_settled(lost, later, seconds=95)


# --- the verdict -----------------------------------------------------------------------------------------------------


def expected(look: Look, last: Answer | None, *, done: bool) -> Verdict:
    """The rule of the design, said once more: landed is taken at once, anything else only when settled."""
    if look is Look.LANDED:
        return Verdict.ROLL
    if look is Look.UNKNOWN or not done:
        return Verdict.WAIT
    refused: dict[Answer | None, Verdict] = {Answer.DENIED: Verdict.FAIL, Answer.FORBIDDEN: Verdict.FAIL}
    open_ends: dict[Answer | None, Verdict] = dict.fromkeys([None, Answer.UNKNOWN, Answer.ACCEPTED], Verdict.ASK)
    table = {
        Look.UNTRACEABLE: open_ends,
        Look.ANOTHERS: {},
        Look.UNMOVED: {**refused, Answer.NO_OP: Verdict.UNCHANGED, Answer.ACCEPTED: Verdict.UNCHANGED},
        Look.PURGED: {**refused, **open_ends},
    }
    otherwise = Verdict.RETRY if look in {Look.UNMOVED, Look.PURGED} else Verdict.REPLAN
    return table[look].get(last, otherwise)


@pytest.mark.parametrize(("look", "last", "done"), list(product(Look, [None, *Answer], [True, False])))
def test_the_whole_product_of_evidence(look: Look, last: Answer | None, done: bool):  # noqa: FBT001 -- a parameter
    attempts = [an_attempt(answer=Answer.NOT_SENT), an_attempt(number=2, answer=last)]

    assert judge(Sighting(look=look), attempts, is_settled=done) is expected(look, last, done=done)


@pytest.mark.parametrize("look", [Look.UNTRACEABLE, Look.PURGED])
def test_a_person_is_asked_while_any_attempt_may_have_landed(look: Look):
    attempts = [an_attempt(answer=Answer.UNKNOWN), an_attempt(number=2, answer=Answer.CONFLICT)]

    assert judge(Sighting(look=look), attempts, is_settled=True) is Verdict.ASK
    assert judge(Sighting(look=look), attempts[1:], is_settled=True) is not Verdict.ASK


def test_the_last_answer_decides_not_an_earlier_one():
    attempts = [an_attempt(answer=Answer.DENIED), an_attempt(number=2, answer=Answer.NOT_SENT)]

    assert judge(Sighting(look=Look.UNMOVED), attempts, is_settled=True) is Verdict.RETRY
    assert judge(Sighting(look=Look.UNMOVED), [], is_settled=True) is Verdict.RETRY


def test_waits_double_up_to_a_minute():
    assert [back_off(attempts).total_seconds() for attempts in (0, 1, 2, 3, 6, 7, 60)] == [1, 1, 2, 4, 32, 60, 60]


@pytest.mark.parametrize("is_unreadable", [False, True])
@pytest.mark.parametrize("is_settled", [False, True])
@pytest.mark.parametrize("look", Look)
def test_a_persons_word_counts_only_when_settled_and_nomad_cannot_tell(
    look: Look, *, is_settled: bool, is_unreadable: bool
):
    def heard(word: Resolution | None) -> Sighting:
        return or_resolved(seen, word, is_settled=is_settled, is_unreadable=is_unreadable)

    seen = Sighting(look=look)
    cannot_tell = look in {Look.UNTRACEABLE, Look.PURGED} or (look is Look.UNKNOWN and is_unreadable)
    counts = is_settled and cannot_tell

    assert heard(None) is seen
    assert heard(Resolution(Result.LANDED, 7)) == (
        Sighting(look=Look.LANDED, version=7, by_person=True) if counts else seen
    )
    assert heard(Resolution(Result.NOT_LANDED)) == (Sighting(look=Look.ANOTHERS, by_person=True) if counts else seen)


@pytest.mark.parametrize("look", Look)
def test_whoever_is_asked_is_heard(look: Look):
    attempts = [an_attempt(answer=Answer.UNKNOWN)]
    seen = Sighting(look=look)
    if judge(seen, attempts, is_settled=True) is Verdict.ASK:
        for word in (Resolution(Result.LANDED, 7), Resolution(Result.NOT_LANDED)):
            heard = or_resolved(seen, word, is_settled=True, is_unreadable=False)
            assert judge(heard, attempts, is_settled=True) is not Verdict.ASK
