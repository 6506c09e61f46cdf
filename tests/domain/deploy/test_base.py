"""What a plan replaces, traced through the versions that Nomad keeps."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.domain.deploy.base import Break, Made, base_from, facts_of, first_break, trace
from bot.domain.deploy.plan import Base, Job, JobState
from bot.domain.deploy.rollout import RolloutKind
from tests.builders import a_live_job

CREATED = 10
SECOND = 1_000_000_000
DEPLOY, REVERT = RolloutKind.DEPLOY, RolloutKind.REVERT


def a_version(number: int, env: str = "a", *, count: int = 2, scaled: bool = False, **server: Any) -> Job:
    """A job version as Nomad keeps it, with index 20 + its number."""
    job = a_live_job(number, 20 + number, CreateIndex=CREATED, NomadTokenID="", SubmitTime=number * SECOND)
    job["TaskGroups"][0] |= {"Count": count, "Scaling": {"Min": 1, "Max": 9} if scaled else None}
    job["TaskGroups"][0]["Tasks"][0]["Env"] = {"A": env}
    return {**job, **server}


def made(number: int, deploy: int, kind: RolloutKind = DEPLOY, **changes: Any) -> Made:
    """That version was made by that deploy, which deployed ``vDEPLOY``."""
    fields: dict[str, Any] = {
        "deploy_id": deploy, "version": f"v{deploy}", "plan": 1, "catalog": "c", "kind": kind, "job_version": number,
        "job_modify_index": 20 + number,
    }  # fmt: skip
    return Made(**{**fields, **changes})


def traced(*versions: Job, by: tuple[Made, ...] = (), ever: bool = True):
    """The newest of these versions, traced with all of them kept, newest first."""
    kept = sorted(versions, key=lambda each: -each["Version"])
    return trace(copy.deepcopy(kept[0]), kept, by, ever=ever)


def names(found) -> tuple:
    base = found.base
    return base.job_version, base.deploy, base.version, base.reverted


def test_without_a_job_nothing_is_replaced():
    assert trace(None, (), (made(0, 1),)).base == Base(state=JobState.ABSENT)


def test_a_version_is_ours_by_number_and_index():
    ours = made(1, 7)
    found = traced(a_version(1), by=(made(1, 8, job_modify_index=15), ours))
    assert names(found) == (1, 7, "v7", False)
    assert (found.made, found.outside, found.base.state) == (ours, (), JobState.RUNNING)


def test_the_number_alone_says_nothing_after_a_purge():
    found = traced(a_version(0), by=(made(0, 1, job_modify_index=CREATED - 1),), ever=False)
    assert names(found) == (0, None, None, False)
    assert found.base.first


def test_an_outside_version_has_the_token_and_the_date():
    found = traced(a_version(0), a_version(1, "b", NomadTokenID="1a2b3c4d-5e6f"), by=(made(0, 1),))
    assert names(found) == (1, None, None, False)
    assert found.base.token == "1a2b3c4d"
    assert found.base.at == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert [version for version, _ in found.outside] == [0, 1]


def test_nothing_is_said_where_nomad_has_no_token_and_no_date():
    found = traced(a_version(1, SubmitTime=0, NomadTokenID=None))
    assert (found.base.token, found.base.at) == ("", None)


def test_the_outside_changes_start_at_our_newest_version():
    versions = [a_version(number, str(number)) for number in range(5)]
    assert [each for each, _ in traced(*versions, by=(made(2, 2), made(0, 1))).outside] == [2, 3, 4]
    # Nomad keeps few versions: what it has forgotten is not known
    assert [each for each, _ in traced(*versions[3:], by=(made(0, 1),)).outside] == [3, 4]


def test_versions_of_before_the_purge_and_of_after_the_read_do_not_count():
    older = a_version(0, CreateIndex=3, JobModifyIndex=5)
    live, newer = a_version(1, "b"), a_version(2, "c")
    found = trace(live, (newer, live, older), (made(2, 9),))
    assert names(found) == (1, None, None, False)
    assert [version for version, _ in found.outside] == [1]


# --- steps that are looked through -----------------------------------------------------------------------------------


def test_scaling_steps_are_looked_through():
    versions = [a_version(1, scaled=True), *(a_version(n, count=n, scaled=True) for n in (2, 3))]
    assert names(traced(*versions, by=(made(1, 7),))) == (1, 7, "v7", False)


def test_scaling_steps_that_nomad_no_longer_keeps_are_looked_through_too():
    versions = [a_version(1, scaled=True), *(a_version(n, count=n, scaled=True) for n in (6, 7))]
    assert names(traced(*versions, by=(made(1, 7),))) == (1, 7, "v7", False)


def test_a_count_that_no_autoscaler_owns_is_a_change_and_not_by_the_token_of_the_version_before():
    before, after = (a_version(n, count=n, NomadTokenID="1a2b3c4d") for n in (1, 2))
    found = traced(before, after, by=(made(1, 7),))
    assert names(found) == (2, None, None, False)
    assert found.base.token == ""


def test_a_change_beside_the_count_is_no_scaling_step():
    found = traced(a_version(1, scaled=True), a_version(2, "b", count=3, scaled=True), by=(made(1, 7),))
    assert names(found) == (2, None, None, False)


@pytest.mark.parametrize("stops", [1, 2])
def test_a_stop_is_looked_through_and_said(stops):
    stopped = [a_version(1 + each, Stop=True) for each in range(1, stops + 1)]
    found = traced(a_version(1), *stopped, by=(made(1, 7),))
    assert names(found) == (1, 7, "v7", False)
    assert found.base.state is JobState.STOPPED


def test_started_again_is_what_ran_before():
    found = traced(a_version(1), a_version(2, Stop=True), a_version(3), by=(made(1, 7),))
    assert (names(found), found.base.state) == ((1, 7, "v7", False), JobState.RUNNING)


# --- reverts ---------------------------------------------------------------------------------------------------------


def test_nomads_own_revert_is_named_by_the_deploy_whose_job_it_restored():
    versions = a_version(1), a_version(2, "b"), a_version(3)
    by = (made(3, 8, REVERT, restores=1), made(2, 8), made(1, 7))
    assert names(traced(*versions, by=by)) == (3, 7, "v7", True)
    # without Nomad's older versions too: the database knows which one was restored
    assert names(trace(versions[-1], (), by)) == (3, 7, "v7", True)


def test_a_revert_to_a_revert_leads_to_the_deploy():
    by = (made(5, 9, REVERT, restores=3), made(4, 9), made(3, 8, REVERT, restores=1), made(2, 8), made(1, 7))
    assert names(trace(a_version(5), (), by)) == (5, 7, "v7", True)


def test_a_revert_to_a_scaling_step_leads_to_the_deploy():
    versions = [a_version(1, scaled=True), a_version(2, count=5, scaled=True), a_version(3, "b", scaled=True)]
    live = a_version(4, count=5, scaled=True)
    by = (made(4, 8, REVERT, restores=2), made(3, 8), made(1, 7))
    assert names(traced(*versions, live, by=by)) == (4, 7, "v7", True)


@pytest.mark.parametrize("restores", [0, None, 9])
def test_a_revert_to_an_outside_version_says_who_registered_that(restores):
    versions = a_version(0, NomadTokenID="1a2b3c4d"), a_version(1, "b"), a_version(2, NomadTokenID="1a2b3c4d")
    found = traced(*versions, by=(made(2, 7, REVERT, restores=restores), made(1, 7)))
    assert names(found) == (2, None, None, True)
    assert found.outside == ()
    assert not found.base.first
    assert found.base.token == ("" if restores == 9 else "1a2b3c4d")


def test_a_person_who_reverted_in_nomad_restored_our_deploy():
    versions = a_version(1), a_version(2, "b"), a_version(3)
    assert names(traced(*versions, by=(made(2, 8), made(1, 7)))) == (3, 7, "v7", True)


# --- a job that was never ours ---------------------------------------------------------------------------------------


def test_the_first_deploy_over_a_running_job_is_one():
    found = traced(a_version(0), a_version(1, "b"), ever=False)
    assert found.base.first
    assert found.outside == ()


@pytest.mark.parametrize(
    ("version", "by", "ever"),
    [
        (a_version(1, "b", Stop=True), (), False),
        (a_version(1, "b"), (made(0, 7),), False),
        (a_version(1, "b"), (), True),
    ],
    ids=["stopped", "ours before", "ours long ago"],
)
def test_it_is_not_where_the_job_is_stopped_or_was_ours(version, by, ever):
    assert not traced(a_version(0), version, by=by, ever=ever).base.first


# --- in the audit log ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "base",
    [
        Base(state=JobState.ABSENT),
        Base(state=JobState.RUNNING, job_version=7, deploy=11, version="v2", reverted=True),
        Base(state=JobState.STOPPED, job_version=2**60, token="1a2b3c4d", at=datetime(2026, 11, 21, tzinfo=UTC)),
    ],
)
def test_the_facts_read_back_as_the_same(base):
    facts = facts_of(base)
    assert base_from(facts) == base
    assert not isinstance(facts["job_version"], int)


def test_an_older_event_has_none():
    assert base_from(None) is None


class TestFirstBreak:
    """What ends the run of version 1, which has index 21."""

    def of(self, *versions: Job, live: Job | None = None, same: bool = False) -> Break | None:
        kept = sorted(versions, key=lambda each: -each["Version"])
        return first_break(live or copy.deepcopy(kept[0]), kept, 1, 21, same=same)

    def test_nothing_does_while_it_is_the_live_version(self):
        assert first_break(a_version(1), (), 1, 21, same=False) is None

    def test_a_job_that_is_gone_does_and_nobody_knows_when(self):
        assert first_break(None, (), 1, 21, same=False) == Break()

    def test_a_stop_does_also_after_the_job_was_started_again(self):
        stopped = a_version(2, Stop=True)

        assert self.of(a_version(1), stopped) == Break(second(2))
        assert self.of(a_version(1), stopped, a_version(3), same=True) == Break(second(2))

    def test_another_job_does_also_after_the_first_was_put_back(self):
        assert self.of(a_version(1), a_version(2, "b")) == Break(second(2))
        assert self.of(a_version(1), a_version(2, "b"), a_version(3)) == Break(second(2))

    def test_a_scaling_step_does_not_but_what_comes_after_it_may(self):
        ours, scaled = a_version(1, scaled=True), a_version(2, count=3, scaled=True)

        assert self.of(a_version(0, "b"), ours, scaled) is None
        assert self.of(ours, scaled, a_version(3, "b", scaled=True)) == Break(second(3))

    def test_another_count_does_where_no_autoscaler_owns_it(self):
        assert self.of(a_version(1), a_version(2, count=3)) == Break(second(2))

    def test_once_nomad_has_dropped_the_version_the_content_tells(self):
        later = [a_version(number, count=number, scaled=True) for number in (4, 5)]

        assert self.of(*later, same=True) is None
        assert self.of(*later) == Break(second(4))

    def test_what_happened_since_tells_as_well(self):
        kept = [a_version(4), a_version(5, Stop=True), a_version(6)]

        assert self.of(*kept, same=True) == Break(second(5))

    def test_a_purge_does_although_the_same_was_registered_again(self):
        anew = a_version(1, CreateIndex=30, JobModifyIndex=31)

        assert self.of(anew, same=True) == Break(second(1))

    @pytest.mark.parametrize(("version", "index"), [(0, 20), (1, 20), (2, 21)])
    def test_an_older_state_that_was_restored_does(self, version, index):
        assert self.of(a_version(version, JobModifyIndex=index), same=True) == Break()

    def test_a_version_that_came_after_the_look_says_nothing(self):
        assert self.of(a_version(1), a_version(2), a_version(3, "b"), live=a_version(2)) is None

    def test_the_order_is_that_of_the_indexes(self):
        assert self.of(a_version(1), a_version(0, "b", JobModifyIndex=25), live=a_version(9, JobModifyIndex=26)) == (
            Break(second(0))
        )


def second(number: int) -> datetime | None:
    return datetime(1970, 1, 1, 0, 0, number, tzinfo=UTC) if number else None
