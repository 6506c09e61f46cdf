"""Nomad's defaults."""

from __future__ import annotations

from copy import deepcopy

from jobspec.job.canonical import canonicalize
from tests.recorded import answer


def group_of(job, **group):
    return canonicalize({"ID": "a", "TaskGroups": [{"Name": "g", **group}], **job})["TaskGroups"][0]


def test_a_parsed_job_gets_the_agent_s_defaults():
    parsed = answer("parse_ok_not_canonicalized")["body"]
    untouched = deepcopy(parsed)
    assert canonicalize(parsed) == answer("parse_ok")["body"]
    assert parsed == untouched


def test_doing_it_twice_changes_nothing():
    once = canonicalize({"ID": "a", "TaskGroups": [{"Name": "g", "Tasks": [{"Name": "t"}]}]})
    assert canonicalize(once) == once


def test_a_group_s_update_goes_before_the_job_s():
    update = group_of({"Update": {"MaxParallel": 3, "Canary": 1}}, Update={"Canary": 2})["Update"]
    assert (update["MaxParallel"], update["Canary"], update["HealthCheck"]) == (3, 2, "checks")


def test_batch_jobs_have_no_update_and_restart_for_a_day():
    group = group_of({"Type": "batch"})
    assert group["Update"] is None
    assert (group["RestartPolicy"]["Attempts"], group["RestartPolicy"]["Interval"]) == (3, 86_400_000_000_000)
    assert group["ReschedulePolicy"]["DelayFunction"] == "constant"


def test_system_jobs_are_not_rescheduled():
    assert group_of({"Type": "system"})["ReschedulePolicy"] is None


def test_the_count_of_a_scaled_group_is_its_minimum():
    group = group_of({}, Scaling={"Min": 4, "Max": 8})
    assert (group["Count"], group["Scaling"]["Enabled"]) == (4, True)


def test_a_task_inherits_its_group_s_restart_policy():
    tasks = [{"Name": "t", "RestartPolicy": {"Attempts": 7}}]
    group = group_of({}, RestartPolicy={"Mode": "delay"}, Tasks=tasks)
    policy = group["Tasks"][0]["RestartPolicy"]
    assert (policy["Attempts"], policy["Mode"]) == (7, "delay")


def test_whole_cores_come_without_a_share_of_cpu():
    group = group_of({}, Tasks=[{"Name": "t", "Resources": {"Cores": 2}}])
    assert (group["Tasks"][0]["Resources"]["CPU"], group["Tasks"][0]["Resources"]["Cores"]) == (0, 2)


def test_services_are_named_after_where_they_are():
    group = group_of({}, Services=[{}], Tasks=[{"Name": "t", "Services": [{"Checks": [{"Type": "tcp"}]}]}])
    assert group["Services"][0]["Name"] == "a-g"
    service = group["Tasks"][0]["Services"][0]
    assert (service["Name"], service["Provider"], service["Checks"][0]["OnUpdate"]) == (
        "a-g-t",
        "consul",
        "require_healthy",
    )
