"""What replaces a group's allocations and what does not."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from jobspec.job.stored import to_stored_form
from sandbox.nomad.diffs import is_destructive
from tests.golden import golden_rows, needs_golden

JOB: dict[str, Any] = {
    "ID": "shop",
    "TaskGroups": [
        {
            "Name": "web",
            "Networks": [{"Mode": "host", "DynamicPorts": [{"Label": "http", "Value": 0}]}],
            "Services": [{"Name": "shop", "PortLabel": "http"}],
            "Tasks": [{"Name": "app", "Driver": "docker", "Config": {"image": "shop:1"}, "Env": {"A": "1"}}],
        }
    ],
}


def replaces(change):
    after = deepcopy(JOB)
    change(after, after["TaskGroups"][0], after["TaskGroups"][0]["Tasks"][0])
    old, new = to_stored_form(JOB), to_stored_form(after)
    return is_destructive(old["TaskGroups"][0], new["TaskGroups"][0], old, new)


def field(place, name, value):
    def change(job, group, task):
        {"job": job, "group": group, "task": task}[place][name] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        field("task", "Config", {"image": "shop:2"}),
        field("task", "Env", {"A": "2"}),
        field("task", "Driver", "podman"),
        field("task", "User", "nobody"),
        field("task", "Templates", [{"DestPath": "a", "EmbeddedTmpl": "b"}]),
        field("task", "Resources", {"MemoryMB": 301}),
        field("task", "LogConfig", {"Disabled": True}),
        field("task", "Meta", {"a": "1"}),
        field("job", "Meta", {"a": "1"}),
        field("group", "Meta", {"a": "1"}),
        field("group", "EphemeralDisk", {"SizeMB": 500}),
        field("group", "Networks", [{"Mode": "bridge", "DynamicPorts": [{"Label": "http"}]}]),
        field("group", "Tasks", [*JOB["TaskGroups"][0]["Tasks"], {"Name": "log", "Driver": "docker"}]),
        field("group", "RestartPolicy", {"RenderTemplates": True}),
    ],
)
def test_these_replace(change):
    assert replaces(change)


@pytest.mark.parametrize(
    "change",
    [
        field("group", "Count", 5),
        field("job", "Priority", 70),
        field("job", "Constraints", [{"LTarget": "${attr.kernel.name}", "RTarget": "linux", "Operand": "="}]),
        field("group", "Services", [{"Name": "shop", "PortLabel": "http", "Tags": ["a"]}]),
        field("group", "Update", {"MaxParallel": 3}),
        field("group", "RestartPolicy", {"Attempts": 9}),
        field("task", "KillTimeout", 9_000_000_000),
        field("task", "LogConfig", {"MaxFiles": 3}),
        # the number of a dynamic port is the scheduler's
        field("group", "Networks", [{"Mode": "host", "DynamicPorts": [{"Label": "http", "Value": 9}]}]),
    ],
)
def test_these_do_not(change):
    assert not replaces(change)


@needs_golden
def test_recorded_plans_agree():
    """Where Nomad planned replacements or updates in place for running groups, so would we."""
    seen = 0
    for row in golden_rows("plans.jsonl"):
        if not row["before"]:
            continue
        old, new = to_stored_form(row["before"]), to_stored_form(row["after"])
        groups = {group["Name"]: group for group in old["TaskGroups"]}
        for group in new["TaskGroups"]:
            counts = row["plan"]["Annotations"]["DesiredTGUpdates"].get(group["Name"], {})
            if group["Name"] not in groups or not (counts.get("DestructiveUpdate") or counts.get("InPlaceUpdate")):
                continue
            seen += 1
            destructive = is_destructive(groups[group["Name"]], group, old, new)
            assert destructive == bool(counts["DestructiveUpdate"]), row["case"]
    assert seen
