"""What a plan does to allocations, in one line."""

from __future__ import annotations

import pytest

from bot.domain.jobdiff.effect import LONGEST, changed_names, effect, task_effects, warnings


def a_spec(count=6, kind="service", **update):
    return {"ID": "checkout", "Type": kind, "TaskGroups": [{"Name": "web", "Count": count, "Update": update or None}]}


def an_answer(**counts):
    return {"Annotations": {"DesiredTGUpdates": {"web": counts}, "PreemptedAllocs": None}}


@pytest.mark.parametrize(
    ("counts", "spec", "line"),
    [
        ({"Place": 6}, a_spec(), "web: 6 started"),
        ({"DestructiveUpdate": 1, "Ignore": 5}, a_spec(MaxParallel=1), "web: 6 replaced one by one"),
        ({"DestructiveUpdate": 2, "Ignore": 4}, a_spec(MaxParallel=2), "web: 6 replaced 2 at a time"),
        ({"DestructiveUpdate": 6}, a_spec(MaxParallel=10), "web: 6 replaced at once"),
        ({"DestructiveUpdate": 6}, a_spec(MaxParallel=0), "web: 6 replaced at once"),
        ({"DestructiveUpdate": 1}, a_spec(count=1, MaxParallel=1), "web: 1 replaced"),
        (
            {"DestructiveUpdate": 1, "Ignore": 5},
            a_spec(MaxParallel=1, AutoRevert=True),
            "web: 6 replaced one by one, auto-revert on",
        ),
        (
            {"Canary": 1, "Ignore": 6},
            a_spec(MaxParallel=1),
            "web: 1 canary now, 5 replaced one by one after promotion",
        ),
        (
            {"Canary": 2, "Ignore": 6},
            a_spec(MaxParallel=1, AutoPromote=True, AutoRevert=True),
            "web: 2 canaries first, then 4 replaced one by one, auto-revert on",
        ),
        ({"Canary": 1, "Ignore": 1}, a_spec(count=1), "web: 1 canary now, replaces the old after promotion"),
        ({"Canary": 1, "Ignore": 1}, a_spec(count=1, AutoPromote=True), "web: 1 canary now, promoted automatically"),
        ({"InPlaceUpdate": 6}, a_spec(), "web: 6 updated in place"),
        ({"InPlaceUpdate": 2, "Place": 1}, a_spec(), "web: 1 started, 2 updated in place"),
        ({"Stop": 2, "Ignore": 4}, a_spec(), "web: 2 stopped"),
        ({"Migrate": 1, "RescheduleNow": 2}, a_spec(), "web: 1 moved to other nodes, 2 rescheduled"),
        (
            {"DestructiveUpdate": 2, "Place": 3, "Ignore": 1},
            a_spec(kind="system"),
            "web: 3 replaced at once, 1 started",
        ),
        (
            {"Canary": 1, "Ignore": 4},
            a_spec(kind="system", MaxParallel=1),
            "web: 1 canary now, 4 replaced one by one after promotion",
        ),
        ({"DestructiveUpdate": 1, "Ignore": 7}, a_spec(kind="batch"), "web: 1 replaced"),
        ({"Ignore": 6}, a_spec(), "no allocation changes"),
    ],
)
def test_one_group(counts, spec, line):
    assert effect(an_answer(**counts), spec) == line


@pytest.mark.parametrize(
    ("diff", "line"),
    [("None", "web: 1 started"), ("Edited", "web: 1 started, 5 updated in place")],
)
def test_an_unchanged_job_updates_nothing_in_place_whatever_nomad_counts(diff, line):
    answer = {**an_answer(InPlaceUpdate=5, Place=1), "Diff": {"Type": diff}}
    assert effect(answer, a_spec()) == line


def test_the_update_block_of_the_job_holds_for_its_groups():
    spec = {**a_spec(), "Update": {"MaxParallel": 3}}
    assert effect(an_answer(DestructiveUpdate=3, Ignore=3), spec) == "web: 6 replaced 3 at a time"


def test_a_group_that_is_no_longer_in_the_job():
    assert effect(an_answer(Stop=3), {"TaskGroups": None}) == "web: 3 stopped"


def test_no_annotations():
    assert effect({}, a_spec()) == "no allocation changes"


@pytest.mark.parametrize(
    ("launch", "line"),
    [
        ("2026-11-22T00:00:00Z", "registered; starts on its schedule, next at 2026-11-22T00:00:00Z"),
        ("0001-01-01T00:00:00Z", "registered; starts on its schedule"),
        (None, "registered; starts on its schedule"),
    ],
)
def test_a_periodic_job_starts_nothing_now(launch, line):
    answer = {**an_answer(Place=1), "NextPeriodicLaunch": launch}
    assert effect(answer, {**a_spec(kind="batch"), "Periodic": {"Spec": "@daily"}}) == line


@pytest.mark.parametrize("more", [{}, {"Periodic": {"Spec": "@daily", "Enabled": True}}])
def test_a_parameterized_job_starts_nothing_now_also_if_it_has_a_schedule(more):
    spec = {**a_spec(kind="batch"), "ParameterizedJob": {"Payload": "optional"}, **more}
    answer = {**an_answer(Place=1), "NextPeriodicLaunch": "2026-11-22T00:00:00Z"}
    assert effect(answer, spec) == "registered; starts when it is dispatched"


def test_a_schedule_that_is_off_starts_nothing():
    spec = {**a_spec(kind="batch"), "Periodic": {"Spec": "@daily", "Enabled": False}}
    assert effect(an_answer(Place=1), spec) == "registered; its schedule is off, so nothing starts it"


@pytest.mark.parametrize(("groups", "ending"), [(100, "more groups"), (19, "and 1 more group")])
def test_many_groups_are_counted(groups, ending):
    names = [f"{number:03}-{'g' * 16}" for number in range(groups)]
    line = effect({"Annotations": {"DesiredTGUpdates": {name: {"Place": 1} for name in names}}}, {})
    assert len(line) <= LONGEST + len("; and 100 more groups")
    assert line.endswith(ending)


def test_what_people_should_know():
    answer = {
        "FailedTGAllocs": {"web": {"NodesEvaluated": 1}},
        "Annotations": {"PreemptedAllocs": [{"ID": "a"}]},
        "Diff": {
            "Type": "Edited",
            "Fields": [{"Name": "Meta[owner]"}],
            "TaskGroups": [
                {"Type": "Edited", "Fields": None, "Tasks": [{"Type": "Added", "Fields": [{"Name": "Meta[new]"}]}]},
                {"Type": "None", "Fields": None, "Tasks": None},
            ],
        },
        "Warnings": "1 warning:\n\n* group has no shutdown_delay",
    }
    spec = {"TaskGroups": [{"Name": "web", "Count": 5, "Scaling": {"Max": 9}}, {"Name": "new", "Scaling": {"Max": 1}}]}
    live = {"TaskGroups": [{"Name": "web", "Count": 5}]}
    assert warnings(answer, spec, live) == (
        "web: 1 cannot be placed: Nomad gives no reason",
        "Nomad stops 1 allocation of other jobs to make room",
        "meta changes (owner): this alone makes Nomad replace every allocation",
        "web keeps its count of 5: it has a scaling block",
        "group has no shutdown_delay",
    )


def test_several_are_stopped_to_make_room():
    answer = {"Annotations": {"PreemptedAllocs": [{"ID": "a"}, {"ID": "b"}]}}
    assert warnings(answer, {}, None) == ("Nomad stops 2 allocations of other jobs to make room",)


@pytest.mark.parametrize("diff", [None, {"Type": "Added", "Fields": [{"Name": "Meta[a]"}]}, {"Type": "Edited"}])
def test_nothing_to_know(diff):
    assert warnings({"Diff": diff}, {}, None) == ()


def test_annotations_and_changed_names_of_a_diff():
    def a_field(name, kind="None", *annotations):
        return {"Name": name, "Type": kind, "Annotations": list(annotations)}

    task = {"Name": "app", "Type": "Edited", "Fields": [a_field("Env[A]", "Added")], "Annotations": ["forces create"]}
    scaling = {"Name": "Scaling", "Type": "Edited", "Fields": [a_field("Max")]}
    group = {"Name": "web", "Type": "Edited", "Fields": [a_field("Count", "Edited", "forces destroy")]}
    group |= {"Objects": [scaling, {"Name": "Consul", "Type": "Added"}], "Tasks": [task]}
    diff = {"Type": "Edited", "TaskGroups": [group]}
    assert task_effects(diff) == {
        ("group web", "count"): "forces destroy",
        ("group web", "task app"): "forces create",
    }
    assert changed_names(diff) == {"Count", "Consul", "Env[A]"}
    # Nomad calls a job with nested scaling policies edited, and nothing in it differs
    alone = {"Type": "Edited", "TaskGroups": [{"Name": "web", "Type": "Edited", "Objects": [scaling]}]}
    assert changed_names(alone) == frozenset()
