"""The warnings that come with a plan or a register."""

from __future__ import annotations

import pytest

from jobspec.job.stored import to_stored_form
from sandbox.nomad.admission.advice import join_warnings, warnings
from tests.recorded import answer


def warned(group=None, **job):
    task = {"Name": "app", "Driver": "docker"}
    return warnings(
        to_stored_form({"ID": "a", "TaskGroups": [{"Name": "web", "Tasks": [task], **(group or {})}], **job})
    )


def test_a_plain_job_has_none():
    assert join_warnings(warned()) == ""


@pytest.mark.parametrize("name", ["plan_periodic", "plan_new", "plan_canary", "register_ok"])
def test_the_agent_s_warnings(name):
    recorded = answer(name)
    assert join_warnings(warnings(to_stored_form(recorded["request"]["body"]["Job"]))) == recorded["body"]["Warnings"]


@pytest.mark.parametrize(
    ("group", "text"),
    [
        ({"Count": 2, "Update": {"MaxParallel": 3}}, "greater than task group count (3 > 2)"),
        ({"Networks": [{"MBits": 10}]}, "mbits has been deprecated"),
        ({"MaxClientDisconnect": 1}, "MaxClientDisconnect is deprecated"),
        ({"Services": [{"Name": "s"}]}, "neither the group nor any of its tasks have shutdown_delay set"),
    ],
)
def test_doubts_about_a_group(group, text):
    assert text in join_warnings(warned(group))


def test_promotion_of_some_groups_alone():
    groups = [
        {"Name": "a", "Update": {"Canary": 1, "AutoPromote": True}, "Tasks": [{"Name": "t"}]},
        {"Name": "b", "Update": {"Canary": 1}, "Tasks": [{"Name": "t"}]},
    ]
    assert warned(TaskGroups=groups) == ["auto_promote must be true for all groups to enable automatic promotion"]


def test_several_are_counted():
    assert join_warnings(["a", "b"]) == "2 warnings:\n\n* a\n* b"
