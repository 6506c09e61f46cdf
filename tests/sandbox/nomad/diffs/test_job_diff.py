"""The shape of a diff, and what it shows."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from jobspec.job.stored import to_stored_form
from sandbox.nomad.diffs import annotate, diff

JOB: dict[str, Any] = {
    "ID": "shop",
    "TaskGroups": [
        {
            "Name": "web",
            "Count": 2,
            "Tasks": [{"Name": "app", "Driver": "docker", "Config": {"image": "shop:1", "args": ["-v"]}}],
        }
    ],
}


def changed(**task):
    job = deepcopy(JOB)
    job["TaskGroups"][0]["Tasks"][0] |= task
    return to_stored_form(job)


def test_the_same_job_has_no_diff_and_still_lists_its_groups():
    found = diff(to_stored_form(JOB), to_stored_form(JOB))
    assert found["Type"] == "None"
    assert found["Fields"] is None
    assert [(group["Name"], group["Type"]) for group in found["TaskGroups"]] == [("web", "None")]


def test_a_job_that_is_not_there_is_added_and_one_that_goes_is_deleted():
    assert diff(None, to_stored_form(JOB))["Type"] == "Added"
    assert diff(to_stored_form(JOB), None)["Type"] == "Deleted"
    assert diff(to_stored_form(JOB), None)["ID"] == "shop"


def test_configuration_is_flattened_and_shown_in_context():
    found = diff(to_stored_form(JOB), changed(Config={"image": "shop:2", "args": ["-v"]}))
    config = found["TaskGroups"][0]["Tasks"][0]["Objects"][0]
    assert [(each["Name"], each["Old"], each["New"], each["Type"]) for each in config["Fields"]] == [
        ("args[0]", "-v", "-v", "None"),
        ("image", "shop:1", "shop:2", "Edited"),
    ]


def test_without_context_unchanged_fields_are_left_out():
    found = diff(to_stored_form(JOB), changed(Config={"image": "shop:2", "args": ["-v"]}), contextual=False)
    config = found["TaskGroups"][0]["Tasks"][0]["Objects"][0]
    assert [each["Name"] for each in config["Fields"]] == ["image"]


def test_remarks_tell_the_count_the_task_and_the_updates():
    job = deepcopy(JOB)
    job["TaskGroups"][0]["Count"] = 3
    job["TaskGroups"][0]["Tasks"][0]["Env"] = {"A": "1"}
    found = annotate(
        diff(to_stored_form(JOB), to_stored_form(job)), {"web": {"Place": 1, "DestructiveUpdate": 1, "Ignore": 0}}
    )
    group = found["TaskGroups"][0]
    assert group["Updates"] == {"create": 1, "create/destroy update": 1}
    assert group["Fields"][0]["Annotations"] == ["forces create"]
    assert group["Tasks"][0]["Annotations"] == ["forces create/destroy update"]


def test_a_kill_timeout_alone_is_taken_up_in_place():
    found = annotate(diff(to_stored_form(JOB), changed(KillTimeout=7_000_000_000)))
    assert found["TaskGroups"][0]["Tasks"][0]["Annotations"] == ["forces in-place update"]


def test_renamed_services_are_followed_by_port_and_place():
    def with_services(*names):
        job = deepcopy(JOB)
        job["TaskGroups"][0]["Services"] = [{"Name": name, "PortLabel": name[:1]} for name in names]
        return to_stored_form(job)

    found = diff(with_services("api", "web"), with_services("api", "www"))
    services = found["TaskGroups"][0]["Objects"]
    assert [(each["Name"], each["Type"]) for each in services] == [("Service", "Edited")]
