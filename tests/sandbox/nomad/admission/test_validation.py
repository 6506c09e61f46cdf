"""What is refused at register and plan, in Nomad's words."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from jobspec.job.stored import to_stored_form
from sandbox.nomad.admission.validation import problems, refusal
from tests.golden import golden_rows, needs_golden
from tests.recorded import answer

SECOND = 1_000_000_000
JOB: dict[str, Any] = {
    "ID": "shop",
    "TaskGroups": [{"Name": "web", "Tasks": [{"Name": "app", "Driver": "docker", "Config": {"image": "shop:1"}}]}],
}


def refused(place="job", **fields):
    """The text for a good job with these fields at the job, the group or the task."""
    job = deepcopy(JOB)
    group = job["TaskGroups"][0]
    {"job": job, "group": group, "task": group["Tasks"][0]}[place].update(fields)
    found = problems(to_stored_form(job))
    return refusal(found) if found else ""


def test_a_good_job_has_no_problems():
    assert problems(to_stored_form(JOB)) == []


def test_the_agent_s_refusal_of_a_job_without_a_driver():
    recorded = answer("register_invalid")
    assert refusal(problems(to_stored_form(recorded["request"]["body"]["Job"]))) == recorded["body"]


@needs_golden
def test_jobs_that_nomad_planned_are_not_refused():
    jobs = [row[key] for row in golden_rows("plans.jsonl") for key in ("before", "after") if row[key]]
    assert jobs
    assert [job["ID"] for job in jobs if problems(to_stored_form(job))] == []


@pytest.mark.parametrize(
    ("place", "fields", "text"),
    [
        ("job", {"ID": "", "Name": "a"}, "Missing job ID"),
        ("job", {"ID": "a b"}, "Job ID contains a space"),
        ("job", {"Type": "cron"}, 'Invalid job type: "cron"'),
        ("job", {"TaskGroups": []}, "Missing job task groups"),
        ("job", {"Datacenters": [""]}, "Job datacenter must be non-empty string"),
        ("job", {"Priority": 101}, "job priority must be between [1, 100]"),
        ("job", {"Periodic": {"Spec": "@daily"}}, 'Periodic can only be used with "batch" or "sysbatch" scheduler'),
        ("job", {"Type": "batch", "Periodic": {}}, "Must specify a spec"),
        ("job", {"ParameterizedJob": {}}, 'Parameterized job can only be used with "batch" or "sysbatch" scheduler'),
        ("job", {"Constraints": [{"Operand": "="}]}, "no attribute provided but is required by operator"),
        ("job", {"Constraints": [{"LTarget": "a", "Operand": "~"}]}, 'Unknown constraint type "~"'),
        ("job", {"Type": "system", "Affinities": [{}]}, "System jobs may not have an affinity block"),
        ("group", {"Count": -1}, "Task group count can't be negative"),
        ("group", {"Tasks": []}, "Missing tasks for task group"),
        ("group", {"Update": {"AutoPromote": True}}, "Auto Promote requires a Canary count greater than zero"),
        ("group", {"Update": {"HealthCheck": "luck"}}, 'Invalid health check given: "luck"'),
        ("group", {"Update": {"MaxParallel": -1}}, "Max parallel can not be less than zero: -1 < 0"),
        (
            "group",
            {"Update": {"HealthyDeadline": 600 * SECOND}},
            "Healthy deadline must be less than progress deadline: 10m0s > 10m0s",
        ),
        (
            "group",
            {"Update": {"MinHealthyTime": 300 * SECOND}},
            "Minimum healthy time must be less than healthy deadline: 5m0s > 5m0s",
        ),
        ("group", {"RestartPolicy": {"Mode": "never"}}, 'Unsupported restart mode: "never"'),
        ("group", {"RestartPolicy": {"Interval": SECOND}}, "Interval can not be less than 5s (got 1s)"),
        ("group", {"ReschedulePolicy": {"Attempts": 3}}, "If Attempts >0, Unlimited cannot also be set to true"),
        ("group", {"ReschedulePolicy": {"Delay": SECOND}}, "Delay cannot be less than 5s (got 1s)"),
        ("group", {"EphemeralDisk": {"SizeMB": 5}}, "minimum DiskMB value is 10; got 5"),
        ("group", {"MaxRunDuration": SECOND}, 'Job type "service" does not allow max_run_duration'),
        (
            "group",
            {"Count": 9, "Scaling": {"Min": 1, "Max": 3}},
            "task group count must not be greater than maximum count in scaling policy",
        ),
        ("task", {"Driver": ""}, "Missing task driver"),
        ("task", {"Name": "alloc"}, 'Task cannot be named "alloc"'),
        ("task", {"Name": "a/b"}, "Task name cannot include slashes"),
        ("task", {"KillTimeout": 900 * SECOND}, "KillTimout (15m0s) longer than the group's ProgressDeadline (10m0s)"),
        ("task", {"Resources": {"MemoryMB": 5}}, "minimum MemoryMB value is 10; got 5"),
        ("task", {"Resources": {"CPU": 5, "Cores": 1}}, "Task can only ask for 'cpu' or 'cores' resource, not both."),
        ("task", {"LogConfig": {"MaxFiles": 100}}, "log storage (1000 MB) must be less than requested disk"),
        ("task", {"Templates": [{"DestPath": "a"}]}, "Must specify a source path or have an embedded template"),
        ("task", {"Lifecycle": {"Hook": "later"}}, "Lifecycle validation failed: invalid hook: later"),
        ("task", {"VolumeMounts": [{"Volume": "v", "Destination": "/v"}]}, "references undefined volume v"),
        (
            "group",
            {"Services": [{"Name": "a_b", "Provider": "nomad"}]},
            "Service name must be valid per RFC 1123",
        ),
        ("group", {"Services": [{"Name": "a"}, {"Name": "a"}]}, "Services are not unique: group->a"),
        (
            "group",
            {"Services": [{"Name": "a", "PortLabel": "x", "Checks": [{"Type": "tcp"}]}]},
            "missing required value interval. Interval cannot be less than 1s",
        ),
        (
            "group",
            {"Networks": [{"ReservedPorts": [{"Label": "a", "Value": 80}, {"Label": "b", "Value": 80}]}]},
            "Static port 80 already reserved by taskgroup network:a",
        ),
    ],
)
def test_refusals(place, fields, text):
    assert text in refused(place, **fields)


def test_errors_of_a_group_are_counted_and_nested():
    text = refused("group", Update={"AutoPromote": True, "MaxParallel": -1})
    assert text.startswith(
        "1 error occurred:\n\t* Task group web validation failed: 2 errors occurred:\n\t* Max parallel"
    )
    assert text.endswith("\n\n\n\n")


def test_attempts_that_do_not_fit_into_their_interval():
    policy = {"Attempts": 5, "Interval": 60 * SECOND, "Delay": 30 * SECOND, "DelayFunction": "constant"}
    text = refused("group", ReschedulePolicy={**policy, "Unlimited": False})
    assert 'Nomad can only make 2 attempts in 1m0s with initial delay 30s and delay function "constant"' in text
    assert "Set the interval to at least 2m30s to accommodate 5 attempts" in text
