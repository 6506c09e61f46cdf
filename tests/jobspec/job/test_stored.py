"""The form in which Nomad keeps a job."""

from __future__ import annotations

from typing import Any

from jobspec.job.stored import to_stored_form
from tests.recorded import answer

SERVERS = ("CreateIndex", "JobModifyIndex", "ModifyIndex", "Stable", "Status", "SubmitTime", "Version")


def test_a_registered_job_reads_as_the_agent_s():
    got = to_stored_form(answer("register_ok")["request"]["body"]["Job"])
    live = answer("job_stable")["body"]
    assert {**got, **{key: live[key] for key in SERVERS}} == live


def test_a_kept_job_is_kept_as_it_is():
    live = answer("job_stable")["body"]
    assert to_stored_form(live) == live


def test_the_job_s_update_keeps_its_pace_alone():
    kept = to_stored_form({"ID": "a", "Update": {"MaxParallel": 2, "Canary": 1}, "TaskGroups": [{"Name": "g"}]})
    assert (kept["Update"]["MaxParallel"], kept["Update"]["Canary"]) == (2, 0)
    assert kept["TaskGroups"][0]["Update"]["Canary"] == 1


def test_a_kept_batch_job_does_not_get_an_update_block():
    kept = to_stored_form({"ID": "a", "Type": "batch", "TaskGroups": [{"Name": "g"}]})
    assert kept["TaskGroups"][0]["Update"] is None
    assert to_stored_form(kept) == kept


def test_a_default_identity_is_kept_apart():
    identities = [{"Name": "default", "Env": True}, {"Name": "vault", "Audience": ["vault.io"]}]
    kept = to_stored_form(
        {"ID": "a", "TaskGroups": [{"Name": "g", "Tasks": [{"Name": "t", "Identities": identities}]}]}
    )
    task = kept["TaskGroups"][0]["Tasks"][0]
    assert (task["Identity"]["Env"], task["Identity"]["Audience"]) == (True, ["nomadproject.io"])
    assert [each["Name"] for each in task["Identities"]] == ["vault"]


def test_names_of_services_are_interpolated():
    service = {"Name": "${JOB}-${TASK}", "Provider": "nomad", "Checks": [{"Type": "tcp"}]}
    job: dict[str, Any] = {"ID": "a", "Namespace": "staging", "TaskGroups": [{"Name": "g", "Tasks": [{"Name": "t"}]}]}
    job["TaskGroups"][0]["Tasks"][0]["Services"] = [service]
    kept = to_stored_form(job)["TaskGroups"][0]["Tasks"][0]["Services"][0]
    assert (kept["Name"], kept["Namespace"], kept["TaskName"]) == ("a-t", "staging", "t")
    assert kept["Checks"][0]["Name"] == 'service: "a-t" check'
