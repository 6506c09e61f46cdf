"""Whether a release has earned its way on, by what happened in the environment before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.catalog.environment import After, Require
from bot.domain.decision import Allowed, Refused
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.plan import Base, Deviation, JobState
from bot.domain.deploy.promotion import (
    Asked,
    Candidate,
    Run,
    deviated_at,
    may_follow,
    newest_passed,
    proofs_since,
    running_proofs,
)
from tests.clocks import NOON

OURS, OTHER = "a" * 64, "b" * 64
WHAT = Candidate(service="checkout", version="v1.4.2", release=OURS)
SOAK, WITHIN = timedelta(minutes=30), timedelta(days=7)
TICK = timedelta(microseconds=1)


def at(minutes: float) -> Any:
    return NOON + timedelta(minutes=minutes)


def run(number: int, status: Status, minutes: float, *, landed: float | None = None, **changes: Any) -> Run:
    """D-``number``, in its state since so many minutes after noon; it landed as it is said, if it did."""
    fields: dict[str, Any] = {"release": OURS, "version": "v1.4.2", "healthy": False}
    when = None if landed is None else at(landed)
    return Run(deploy_id=number, status=status, landed_at=when, changed_at=at(minutes), **{**fields, **changes})


def passed(number: int = 1, minutes: float = 0, **changes: Any) -> Run:
    return run(number, Status.SUCCEEDED, minutes, landed=minutes - 1, **changes)


def well(number: int, minutes: float, **changes: Any) -> Run:
    """One that had nothing to do, as exactly this ran and was well."""
    return run(number, Status.UNCHANGED, minutes, healthy=True, **changes)


def other(number: int, status: Status, minutes: float, *, landed: float | None = None) -> Run:
    return run(number, status, minutes, landed=landed, release=OTHER, version="v1.4.3")


def judged(runs: list[Run], minutes: float, *, tick: int = 0, **after: Any) -> tuple[str, ...]:
    """The codes of why not, that many minutes after noon and ticks before or after."""
    rule = After(**{"environment": "staging", "soak": SOAK, "within": WITHIN, **after})
    decision = may_follow([rule], WHAT, {"staging": runs}, at(minutes) + tick * TICK)
    return decision.codes if isinstance(decision, Refused) else ()


def words(runs: list[Run], minutes: float, **after: Any) -> str:
    rule = After(**{"environment": "staging", "soak": SOAK, "within": WITHIN, **after})
    decision = may_follow([rule], WHAT, {"staging": runs}, at(minutes))
    assert isinstance(decision, Refused)
    return decision.reasons[0].text


WEEK = 7 * 24 * 60
BROKEN = [passed(), other(2, Status.FAILED, 20, landed=10)]
NOT_PASSED = "checkout v1.4.2 has not succeeded in staging."
TODO = "Deploy it there: `/deploy checkout v1.4.2 to staging`."
HISTORIES = [
    ("nothing ever ran there", [], 60, ("not-passed",)),
    ("another release passed", [other(1, Status.SUCCEEDED, 0, landed=-1)], 60, ("not-passed",)),
    ("it passed and soaked", [passed()], 31, ()),
    ("it soaks still", [passed()], 29, ("soaking",)),
    ("it was reasoned away", [run(1, Status.WITHDRAWN, 0)], 60, ("not-passed",)),
    ("it is on its way there", [run(1, Status.ROLLING, 0, landed=0)], 60, ("not-passed",)),
    ("it failed there", [run(1, Status.FAILED, 0, landed=-1)], 60, ("not-passed",)),
    ("it failed, then passed", [run(1, Status.FAILED, -5, landed=-6), passed(2)], 31, ()),
    ("it passed, then failed", [passed(), run(2, Status.FAILED, 40, landed=35)], 60, ("not-passed",)),
    ("it passed, then never reached Nomad", [passed(), run(2, Status.FAILED, 40)], 60, ("not-passed",)),
    ("it passed, then was rejected", [passed(), run(2, Status.REJECTED, 40)], 60, ("not-passed",)),
    ("a newer number failed before an older one passed", [passed(1, 10), run(2, Status.FAILED, 5)], 41, ()),
    ("another's failure is not its own", [passed(), other(2, Status.FAILED, 40, landed=35)], 60, ()),
    ("withdrawn or expired says nothing", [passed(), run(2, Status.EXPIRED, 40), run(3, Status.WITHDRAWN, 41)], 60, ()),
    ("replaced before it had soaked", [passed(), other(2, Status.SUCCEEDED, 20, landed=10)], 60, ("soak-broken",)),
    ("what replaced it failed", [passed(), other(2, Status.FAILED, 20, landed=10)], 60, ("soak-broken",)),
    ("what replaced it is under way", [passed(), other(2, Status.ROLLING, 10, landed=10)], 60, ("soak-broken",)),
    ("replaced after it had soaked", [passed(), other(2, Status.SUCCEEDED, 40, landed=35)], 60, ()),
    ("planned over it only", [passed(), other(2, Status.WAITING, 10)], 31, ()),
    ("redeployed before it had soaked", [passed(), passed(2, 20)], 40, ("soaking",)),
    ("redeployed before it had soaked, and soaked", [passed(), passed(2, 20)], 51, ()),
    ("redeployed after it had soaked", [passed(), passed(2, 40)], 50, ()),
    ("asked again goes on soaking", [passed(), well(2, 20)], 31, ()),
    ("asked again, but not well", [run(1, Status.UNCHANGED, 0)], 60, ("not-passed",)),
    ("found running well, never deployed", [well(1, 0)], 31, ()),
    ("found running well, and soaks", [well(1, 0)], 29, ("soaking",)),
    ("failed, then found running well", [passed(), run(2, Status.FAILED, 35, landed=34), well(3, 36)], 60, ()),
    ("broken, then found well, and soaks", [*BROKEN, well(3, 25)], 54, ("soaking",)),
    ("broken, then found well, and soaked", [*BROKEN, well(3, 25)], 55, ()),
    ("long ago", [passed()], 30 + WEEK + 1, ("passed-too-long-ago",)),
    ("long ago, but asked again since", [passed(), well(2, WEEK)], 30 + WEEK + 1, ()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("runs", "minutes", "codes"), [each[1:] for each in HISTORIES], ids=[each[0] for each in HISTORIES]
)
def test_a_history_decides(runs, minutes, codes):
    assert judged(runs, minutes) == codes


@pytest.mark.parametrize(("tick", "codes"), [(-1, ("soaking",)), (0, ()), (1, ())])
def test_it_passes_at_exactly_its_soak(tick, codes):
    assert judged([passed()], 30, tick=tick) == codes


@pytest.mark.parametrize(("tick", "codes"), [(-1, ()), (0, ()), (1, ("passed-too-long-ago",))])
def test_it_has_passed_until_exactly_within_after_its_soak(tick, codes):
    assert judged([passed()], 30 + WEEK, tick=tick) == codes


@pytest.mark.parametrize(("landed", "codes"), [(29.99, ("soak-broken",)), (30, ()), (30.01, ())])
def test_a_soak_that_ends_with_the_next_landing_is_whole(landed, codes):
    assert judged([passed(), other(2, Status.ROLLING, landed, landed=landed)], 60) == codes


class TestDeviations:
    """What was seen in Nomad, beside the deploys."""

    def seen(self, minutes: float, **base: Any) -> Deviation:
        fields: dict[str, Any] = {"state": JobState.STOPPED, "job_version": 4}
        return Deviation(at=at(minutes), base=Base(**{**fields, **base}))

    @pytest.mark.parametrize(("minutes", "codes"), [(29.99, ("soak-broken",)), (30, ()), (40, ())])
    def test_the_first_ends_the_soak(self, minutes, codes):
        assert judged([passed(deviation=self.seen(minutes))], 60) == codes

    @pytest.mark.parametrize(("minutes", "codes"), [(20, ("soak-broken", "not-running")), (40, ("not-running",))])
    def test_it_does_not_run_there_any_more(self, minutes, codes):
        assert judged([passed(deviation=self.seen(minutes))], 60, require=Require.RUNNING) == codes

    def test_the_earliest_of_several_counts(self):
        runs = [passed(deviation=self.seen(40)), well(2, 10, deviation=self.seen(20))]

        assert judged(runs, 60) == ("soak-broken",)

    def test_found_well_later_it_soaks_anew(self):
        runs = [passed(deviation=self.seen(20)), well(2, 25)]

        assert judged(runs, 54) == ("soaking",)
        assert judged(runs, 55) == ()

    def test_found_well_before_it_is_the_same_run(self):
        assert judged([passed(deviation=self.seen(31)), well(2, 25, deviation=self.seen(31))], 60) == ()

    @pytest.mark.parametrize(("landed", "said"), [(15, "The job was stopped in Nomad."), (5, "D-2 (v1.4.3) replaced")])
    def test_whatever_came_first_is_named(self, landed, said):
        runs = [passed(deviation=self.seen(10)), other(2, Status.SUCCEEDED, landed + 1, landed=landed)]

        assert f" it has to run there for 30m. {said}" in words(runs, 60)

    @pytest.mark.parametrize(
        ("base", "said"),
        [
            ({"state": JobState.ABSENT, "job_version": None}, "The job no longer exists in Nomad."),
            ({"deploy": 1, "version": "v1.4.2"}, "The job was stopped in Nomad."),
            (
                {"state": JobState.RUNNING, "deploy": 1, "version": "v1.4.2"},
                "The job was stopped or changed in Nomad, and put back.",
            ),
            (
                {"state": JobState.RUNNING, "deploy": 3, "version": "v1.4.1", "reverted": True},
                "A revert in Nomad restored v1.4.1 (D-3).",
            ),
            ({"state": JobState.RUNNING, "deploy": 9, "version": "v2"}, "D-9 (v2) was deployed meanwhile."),
            (
                {"state": JobState.RUNNING, "token": "1a2b3c4d"},
                "Job version 4 was registered outside Nomatron by token 1a2b3c4d.",
            ),
        ],
    )
    def test_the_words_name_what_runs_instead_and_since_when(self, base, said):
        rule = After(environment="staging", require=Require.RUNNING)

        refused = may_follow([rule], WHAT, {"staging": [passed(deviation=self.seen(40, **base))]}, at(60))

        assert isinstance(refused, Refused)
        assert refused.reasons[0].text == f"staging no longer runs v1.4.2. {said} {TODO}"
        assert refused.reasons[0].since == at(40)

    @pytest.mark.parametrize(
        ("said", "when"),
        [(None, 60), (-1, 60), (-0.5, 0), (20, 20), (61, 60)],
        ids=["unknown", "of an older version", "while it became healthy", "known", "a clock ahead"],
    )
    def test_nomads_time_is_taken_where_it_can_be_true(self, said, when):
        assert deviated_at(passed(), None if said is None else at(said), at(60)) == at(when)
        assert deviated_at(well(1, 0), at(10), at(60)) == at(10)


class TestAsked:
    """What Nomad said just now."""

    def judged(self, asked: dict[str, Asked] | None, *runs: Run, **after: Any) -> tuple[str, ...]:
        rule = After(**{"environment": "staging", "require": Require.RUNNING, **after})
        decision = may_follow([rule], WHAT, {"staging": runs or (passed(),)}, at(60), asked)
        return tuple(reason.text for reason in decision.reasons) if isinstance(decision, Refused) else ()

    def test_what_nomad_runs_may_go_on(self):
        assert self.judged({"staging": Asked(frozenset({1}))}) == ()

    def test_the_newest_proof_has_to_run(self):
        found = self.judged({"staging": Asked(frozenset({1}))}, passed(), well(2, 59))

        assert found == (f"{UNKNOWN} A deploy there has just ended. Try again in a minute.",)

    def test_where_nomad_did_not_answer_nobody_knows(self):
        assert self.judged({"staging": Asked(unknown="Nomad: timed out")}) == (f"{UNKNOWN} Nomad: timed out",)
        assert self.judged({"qa": Asked(frozenset({1}))}) == (
            f"{UNKNOWN} A deploy there has just ended. Try again in a minute.",
        )

    def test_what_cannot_run_there_has_to_be_deployed_again(self):
        assert self.judged({"staging": Asked(gone="It has moved.")}) == ("It has moved. " + TODO,)

    def test_it_matters_only_where_it_has_to_run(self):
        assert self.judged({"staging": Asked(unknown="Nomad: timed out")}, require=Require.PASSED) == ()
        assert self.judged(None) == ()


UNKNOWN = "Nomatron cannot tell whether staging still runs v1.4.2."


def test_the_proofs_of_one_run_are_those_since_the_last_break():
    broken = [passed(), well(2, 10), other(3, Status.FAILED, 21, landed=20), passed(4, 30), well(5, 40)]

    assert [run.deploy_id for run in running_proofs(OURS, broken)] == [4, 5]
    assert running_proofs(OURS, [*broken, other(6, Status.ROLLING, 50, landed=50)]) == ()
    assert running_proofs(OURS, []) == ()


def test_a_proof_counts_for_its_soak_and_then_within():
    rule = After(environment="staging", soak=SOAK, within=WITHIN)
    oldest = proofs_since(rule, at(0))

    assert judged([passed(1, (oldest - at(0)) / timedelta(minutes=1))], 0) == ()
    assert judged([passed(1, (oldest - at(0)) / timedelta(minutes=1))], 0, tick=1) == ("passed-too-long-ago",)


def test_without_a_soak_it_passes_at_once():
    assert judged([passed()], 0, soak=timedelta(0)) == ()


class TestRunning:
    def judged(self, *later: Run, minutes: float = 60) -> tuple[str, ...]:
        return judged([passed(), *later], minutes, require=Require.RUNNING)

    def test_what_runs_there_now_may_go_on(self):
        assert self.judged() == ()

    @pytest.mark.parametrize("status", [Status.ROLLING, Status.SUCCEEDED, Status.FAILED, Status.SUPERSEDED])
    def test_whatever_landed_since_is_the_newest_state(self, status):
        assert self.judged(other(2, status, 41, landed=40)) == ("not-running",)

    def test_a_plan_over_it_changes_nothing(self):
        assert self.judged(other(2, Status.READY, 40)) == ()

    def test_what_was_put_back_runs_again_and_has_soaked_before(self):
        back = [other(2, Status.SUCCEEDED, 41, landed=40), passed(3, 50)]

        assert self.judged(*back, minutes=50) == ()

    def test_nothing_has_run_unless_it_passed(self):
        assert self.judged(minutes=29) == ("soaking",)

    def test_every_reason_is_told(self):
        assert self.judged(other(2, Status.SUCCEEDED, 11, landed=10)) == ("soak-broken", "not-running")

    def test_the_same_once_more_is_waited_for(self):
        said = words([passed(), run(2, Status.ROLLING, 40, landed=40)], 41, require=Require.RUNNING)

        assert said == "D-2 is deploying v1.4.2 to staging again: wait until it has finished."

    def test_the_words_name_what_replaced_it(self):
        said = words([passed(), other(2, Status.SUCCEEDED, 41, landed=40)], 60, require=Require.RUNNING)

        assert said == f"staging no longer runs v1.4.2. D-2 (v1.4.3) replaced it. {TODO}"


@pytest.mark.parametrize(
    ("runs", "minutes", "said"),
    [
        (
            [], 0,
            f"{NOT_PASSED} {TODO}",
        ),
        (
            [run(7, Status.WAITING, 0)], 0,
            f"{NOT_PASSED} D-7 is on its way there: wait until it has succeeded and run there for 30m.",
        ),
        (
            [passed()], 0,
            "v1.4.2 has to run in staging for 30m first.",
        ),
        (
            [passed(), other(2, Status.SUCCEEDED, 11, landed=10)], 60,
            f"v1.4.2 ran in staging for only 10m; it has to run there for 30m. D-2 (v1.4.3) replaced it. {TODO}",
        ),
        (
            [passed(), run(2, Status.FAILED, 40)], 60,
            f"checkout v1.4.2 failed in staging after it had passed (D-2). {TODO}",
        ),
        (
            [passed(), run(2, Status.REJECTED, 40)], 60,
            f"checkout v1.4.2 was rejected in staging after it had passed (D-2). {TODO}",
        ),
        (
            [passed()], 30 + WEEK + 1,
            f"v1.4.2 succeeded in staging more than 7d ago. {TODO}",
        ),
    ],
)  # fmt: skip
def test_a_refusal_says_what_is_missing_what_to_do_and_when(runs, minutes, said):
    assert words(runs, minutes) == said


def test_one_on_its_way_without_a_soak_has_to_succeed_only():
    assert words([run(7, Status.WAITING, 0)], 0, soak=timedelta(0)).endswith("wait until it has succeeded.")


def test_the_words_stand_still_while_it_soaks():
    assert words([passed()], 1) == words([passed()], 20)


def test_every_environment_before_has_a_say():
    afters = [After(environment="staging"), After(environment="qa")]

    assert isinstance(may_follow(afters, WHAT, {"staging": [passed()], "qa": [passed()]}, at(1)), Allowed)
    refused = may_follow(afters, WHAT, {"qa": [run(1, Status.FAILED, 0)]}, at(1))
    assert isinstance(refused, Refused)
    staging, qa = (reason.text for reason in refused.reasons)
    assert "has not succeeded in staging." in staging
    assert "has not succeeded in qa." in qa


def test_nothing_before_asks_nothing():
    assert isinstance(may_follow([], WHAT, {}, NOON), Allowed)


def test_the_newest_that_passed_is_by_time_not_by_number():
    assert newest_passed([passed(1, 9), passed(2, 5), run(3, Status.FAILED, 20)]) == passed(1, 9)
    assert newest_passed([run(1, Status.FAILED, 0)]) is None


ANY_RUN = st.builds(
    lambda number, status, minutes, ago, release, healthy: run(
        number, status, minutes, landed=None if ago is None else minutes - ago, release=release, healthy=healthy
    ),
    st.integers(1, 50),
    st.sampled_from(Status),
    st.integers(-120, 120),
    st.none() | st.integers(0, 10),
    st.sampled_from([OURS, OTHER]),
    st.booleans(),
)
HISTORY = st.lists(ANY_RUN, max_size=8, unique_by=lambda each: each.deploy_id)


@given(runs=HISTORY, minutes=st.integers(0, 240), more=st.integers(1, 240))
def test_waiting_never_takes_back_a_soak(runs, minutes, more):
    codes = judged(runs, minutes)
    if not codes:
        assert judged(runs, minutes + more, within=timedelta(days=365)) == ()


@given(runs=HISTORY, minutes=st.integers(0, 240))
def test_whatever_runs_there_now_has_passed_there(runs, minutes):
    if not judged(runs, minutes, require=Require.RUNNING):
        assert judged(runs, minutes) == ()


@given(runs=HISTORY, minutes=st.integers(130, 240))
def test_a_failure_from_now_on_closes_the_way(runs, minutes):
    assert judged([*runs, run(99, Status.FAILED, minutes)], minutes) == ("not-passed",)


@given(runs=HISTORY, minutes=st.integers(0, 240))
def test_only_what_passed_there_goes_on(runs, minutes):
    if not judged(runs, minutes):
        assert any(each.release == OURS and each.passed for each in runs)
