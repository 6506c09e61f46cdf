from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain.deploy.plan import (
    SERVER_FIELDS,
    BaseChange,
    Job,
    fingerprint,
    job_text,
    kept_counts,
    next_fingerprint,
    only_counts_moved,
    same_kind,
    scaled_groups,
    stamp,
    with_live_counts,
    without_counts,
    without_server_fields,
)
from tests.builders import a_job, a_live_job, a_plan

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=8,
)
SERVER = st.dictionaries(st.sampled_from(sorted(SERVER_FIELDS - {"Stop"})), VALUES, min_size=1)
COUNTS = st.integers(0, 50)
HOW: dict[str, Any] = {"release": "r" * 64, "environment": "production"}


def groups(*counts: int, scaled: bool) -> list[dict[str, Any]]:
    """Task groups of these counts; the first has a ``scaling`` block, or none has."""
    made: list[dict[str, Any]] = [{"Name": f"g{number}", "Count": count} for number, count in enumerate(counts)]
    if scaled:
        made[0]["Scaling"] = {"Min": 1, "Max": 50}
    return made


def mark(job: dict, live: dict | None, **changes: str) -> str:
    return fingerprint(job, live, **{**HOW, **changes})


# --- the fingerprint changes if and only if what was approved does ---------------------------------------------------


@given(SERVER)
def test_what_nomad_writes_into_the_live_job_moves_nothing(server: dict[str, Any]):
    assert mark(a_job(), {**a_live_job(), **server}) == mark(a_job(), a_live_job())


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_an_autoscaler_moves_nothing(mine: int, live: int, other_mine: int, other_live: int):
    def marked(first: int, second: int) -> str:
        job = a_job(TaskGroups=groups(first, 2, scaled=True))
        return mark(job, a_live_job(TaskGroups=groups(second, 2, scaled=True)))

    assert marked(mine, live) == marked(other_mine, other_live)


@given(COUNTS, COUNTS)
def test_a_count_of_a_group_that_nobody_scales_moves_it(before: int, after: int):
    assume(before != after)

    assert mark(a_job(TaskGroups=groups(before, scaled=False)), None) != mark(
        a_job(TaskGroups=groups(after, scaled=False)), None
    )
    assert mark(a_job(), a_live_job(TaskGroups=groups(1, before, scaled=True))) != mark(
        a_job(), a_live_job(TaskGroups=groups(1, after, scaled=True))
    )


@given(st.text(min_size=1).filter(lambda name: name not in SERVER_FIELDS), VALUES, VALUES)
def test_any_other_field_of_either_job_moves_it(name: str, before: Any, after: Any):
    assume(job_text({"v": before}) != job_text({"v": after}) and name != "TaskGroups")

    assert mark({**a_job(), name: before}, a_live_job()) != mark({**a_job(), name: after}, a_live_job())
    assert mark(a_job(), {**a_live_job(), name: before}) != mark(a_job(), {**a_live_job(), name: after})


def test_the_release_the_environment_and_there_being_a_live_job_move_it():
    same = mark(a_job(), a_live_job())

    assert mark(a_job(), a_live_job(), release="s" * 64) != same
    assert mark(a_job(), a_live_job(), environment="staging") != same
    assert mark(a_job(), a_live_job(), cluster="https://nomad.us:4646") != same
    assert mark(a_job(), None) != same
    assert mark(a_job(), None) != mark(a_job(), {})


def test_it_is_the_same_for_ever():
    parts = ('{"ID":"a","TaskGroups":null}', '{"live":null}', "r" * 64, "production")
    job = {"TaskGroups": None, "ID": "a"}

    assert fingerprint(job, None, number=1, **HOW) == hashlib.sha256("\x00".join(parts).encode()).hexdigest()
    with_state = hashlib.sha256("\x00".join(("absent", "https://nomad.eu:4646", *parts)).encode()).hexdigest()
    now = fingerprint(job, None, cluster="https://nomad.eu:4646", **HOW)
    assert now == f"2:{with_state}"


def test_a_stop_and_a_start_move_it():
    assert mark(a_job(), a_live_job(Stop=True)) != mark(a_job(), a_live_job())
    assert mark(a_job(), a_live_job(Stop=None)) == mark(a_job(), a_live_job())


@pytest.mark.parametrize("number", [1, 2])
def test_an_upgrade_moves_no_fingerprint(number):
    before = fingerprint(a_job(), a_live_job(), number=number, **HOW)

    assert next_fingerprint(before, a_job(), a_live_job(5, 60), **HOW) == before
    assert next_fingerprint(before, a_job("other:v1"), a_live_job(), **HOW) == mark(a_job("other:v1"), a_live_job())


def test_a_plan_without_one_before_it_has_the_newest_format():
    assert next_fingerprint(None, a_job(), None, **HOW) == mark(a_job(), None)
    assert next_fingerprint("9:abc", a_job(), None, **HOW) == mark(a_job(), None)
    assert mark(a_job(), None).startswith("2:")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (BaseChange(3, 4), "The job in Nomad is now at version 4; the plan was made for version 3."),
        (BaseChange(None, 0), "The job in Nomad is now at version 0; the plan was made without a job."),
        (BaseChange(3, None), "The job in Nomad no longer exists; the plan was made for version 3."),
        (BaseChange(3, 4, stopped=True), "The job was stopped in Nomad."),
        (BaseChange(3, 4, deploy=12, version="v2.2.1"), "D-12 (v2.2.1) was deployed meanwhile."),
    ],
)
def test_a_change_of_the_base_names_who_made_it_if_that_is_known(change, sentence):
    assert change.sentence == sentence


@given(st.dictionaries(st.text(), VALUES))
def test_frozen_text_is_one_and_reads_back_as_the_same(job: dict[str, Any]):
    shuffled = dict(reversed(job.items()))

    assert job_text(job) == job_text(shuffled)
    assert json.loads(job_text(job)) == job


# --- counts ----------------------------------------------------------------------------------------------------------


def test_only_scaled_groups_that_run_keep_their_live_count():
    job = a_job(TaskGroups=groups(2, 3, scaled=True))
    live = a_live_job(TaskGroups=groups(7, 8, scaled=True))
    before = copy.deepcopy(job)

    assert [group["Count"] for group in with_live_counts(job, live)["TaskGroups"]] == [7, 3]
    assert job == before
    assert with_live_counts(job, None) == job
    assert with_live_counts(job, a_live_job(TaskGroups=None)) == job
    assert with_live_counts(job, a_live_job(TaskGroups=[{"Name": "g0", "Count": None}])) == job
    assert with_live_counts({"ID": "a"}, live) == {"ID": "a"}


def with_bounds(count: int | None, **bounds: int | None) -> Job:
    return a_job(TaskGroups=[{"Name": "g0", "Count": count, "Scaling": bounds}, {"Name": "g1", "Count": 3}])


@pytest.mark.parametrize(
    ("live", "bounds", "count", "said"),
    [
        (0, {"Min": 0, "Max": 9}, 0, "g0 keeps its count of 0: it has a scaling block"),
        (7, {"Min": 1, "Max": 9}, 7, "g0 keeps its count of 7: it has a scaling block"),
        (2, {"Min": 8, "Max": 20}, 8, "g0: count 2 → 8: the new minimum"),
        (12, {"Min": 1, "Max": 9}, 9, "g0: count 12 → 9: the new maximum"),
        (12, {"Min": None, "Max": None}, 12, "g0 keeps its count of 12: it has a scaling block"),
    ],
)
def test_a_live_count_is_brought_within_the_new_bounds_and_that_is_said(live, bounds, count, said):
    job, running = with_bounds(2, **bounds), a_live_job(TaskGroups=groups(live, 1, scaled=True))

    kept = with_live_counts(job, running)

    assert [group["Count"] for group in kept["TaskGroups"]] == [count, 3]
    assert list(kept_counts(kept, running)) == [said]


def test_without_a_running_count_nothing_is_said_of_it():
    assert list(kept_counts(with_bounds(2, Min=1, Max=9), None)) == []
    assert list(kept_counts({"ID": "a"}, a_live_job())) == []


def test_only_counts_moved_if_the_live_job_moved_and_the_fingerprint_did_not():
    old = a_plan(replaced="1")

    assert only_counts_moved(old, replace(old, base_index=old.base_index + 1, replaced="2"))
    assert not only_counts_moved(old, replace(old, base_index=old.base_index + 1))
    assert not only_counts_moved(old, old)
    assert not only_counts_moved(old, replace(old, base_index=old.base_index + 1, replaced="2", fingerprint="f"))


def test_scaled_groups_are_named_and_their_counts_can_be_left_out():
    job = a_job(TaskGroups=groups(2, 3, scaled=True))

    assert scaled_groups(job) == {"g0"}
    assert scaled_groups({"ID": "a"}) == frozenset()
    assert ["Count" in group for group in without_counts(job, scaled_groups(job))["TaskGroups"]] == [False, True]
    assert job["TaskGroups"][0]["Count"] == 2
    assert without_counts({"ID": "a"}, frozenset({"g0"})) == {"ID": "a"}


def test_a_specification_has_none_of_nomads_own_fields():
    assert without_server_fields(a_live_job(VersionTag=None)) == a_job("registry.example/checkout:v1.4.1")


# --- stamps ----------------------------------------------------------------------------------------------------------


def test_a_stamp_names_the_deploy_the_plan_and_its_fingerprint():
    plan = a_plan(deploy_id=1042, number=2)

    assert stamp("D-1042", plan) == f"# nomatron D-1042 plan 2 fingerprint {plan.fingerprint}"


# --- kinds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "live", [None, a_live_job(), a_live_job(Type=None), a_live_job(Type="batch", Stop=True), a_live_job(Periodic=None)]
)
def test_the_same_kind_or_a_stopped_job_may_be_replaced(live: dict | None):
    assert same_kind(a_job(), live) == []


def test_a_changed_kind_is_said_in_words():
    (changed,) = same_kind(a_job(Type=None), a_live_job(Type="batch"))
    assert "type batch and cannot become service" in changed

    both = same_kind(a_job(), a_live_job(Periodic={"Spec": "@daily"}, ParameterizedJob={"Payload": ""}))
    assert [("Periodic" in said, "ParameterizedJob" in said) for said in both] == [(True, False), (False, True)]
    assert len(same_kind(a_job(Periodic={"Spec": "@daily"}), a_live_job())) == 1
