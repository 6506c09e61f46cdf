"""Flags: one example for each, as the catalog's ``risk`` names them, and what is not flagged."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bot.domain.deploy.plan import Flag
from bot.domain.jobdiff.changes import change_list, reason
from bot.domain.jobdiff.flags import DANGER
from bot.domain.jobdiff.redaction import Redactor

REDACTOR = Redactor()
CHECK = {"Name": "alive", "Type": "http", "Interval": 10, "Timeout": 2, "OnUpdate": "require_healthy"}
CHECK |= {"SuccessBeforePassing": 2, "FailuresBeforeCritical": 1, "InitialStatus": "critical", "TLSSkipVerify": False}
CHECK |= {"CheckRestart": {"Limit": 3, "Grace": 5, "IgnoreWarnings": False}}
UPDATE = {"AutoRevert": True, "AutoPromote": False, "Canary": 2, "HealthCheck": "checks", "MinHealthyTime": 9}
UPDATE |= {"HealthyDeadline": 50, "ProgressDeadline": 90}
TASK: dict[str, Any] = {
    "Name": "app", "Driver": "docker", "User": "app", "Env": {"A": "1"}, "Vault": {"Role": "r"},
    "Config": {
        "image": "registry.example/shop/app:v1", "privileged": False, "cap_add": ["net_raw"], "volumes": ["/srv:/srv"],
        "network_mode": "bridge", "mount": [{"type": "bind", "source": "/srv"}, {"type": "tmpfs", "target": "/t"}],
    },
    "Resources": {"CPU": 500, "Cores": 0, "MemoryMB": 512, "MemoryMaxMB": 1024, "Devices": [{"Name": "gpu"}]},
    "Templates": [{"DestPath": "a.conf"}], "VolumeMounts": [{"Destination": "/data", "Volume": "data"}],
    "Identities": [{"Name": "cloud"}],
}  # fmt: skip
JOB: dict[str, Any] = {
    "Type": "service", "Priority": 50, "Region": "eu", "Namespace": "apps", "NodePool": "default",
    "Datacenters": ["dc1"], "Constraints": [{"LTarget": "a", "Operand": "=", "RTarget": "b"}],
    "TaskGroups": [
        {
            "Name": "web", "Count": 3, "Update": UPDATE, "Tasks": [TASK, {"Name": "side", "Driver": "docker"}],
            "Volumes": {"data": {"Type": "host", "Source": "data"}, "csi": {"Type": "csi", "Source": "c"}},
            "Networks": [{"Mode": "bridge", "DynamicPorts": [{"Label": "http", "HostNetwork": "default"}]}],
            "Services": [{"Name": "s", "Checks": [CHECK, {"Name": "other", "Type": "tcp"}], "OnUpdate": "ignore"}],
        },
        {"Name": "api", "Count": 1},
    ],
}  # fmt: skip
WEB = ("TaskGroups", 0)
APP = (*WEB, "Tasks", 0)
CHECK_1 = (*WEB, "Services", 0, "Checks", 0)


def change(path, value=None):
    """The job with another value at the path; None removes what is there."""
    job = copy.deepcopy(JOB)
    part = job
    for key in path[:-1]:
        part = part[key]
    if value is None:
        del part[path[-1]]
    else:
        part[path[-1]] = value
    return job


def flags_of(after, before=JOB):
    return [flag for each in change_list(before, after, REDACTOR) for flag in each.flags]


FLAGGED = [
    ((*APP, "Env", "A"), None, Flag.REMOVED),
    ((*APP, "Templates", 0), None, Flag.REMOVED),
    ((*APP, "VolumeMounts", 0), None, Flag.REMOVED),
    ((*APP, "Vault"), None, Flag.REMOVED),
    ((*APP, "Identities", 0), None, Flag.REMOVED),
    ((*WEB, "Volumes", "csi"), None, Flag.REMOVED),
    ((*WEB, "Services", 0), None, Flag.REMOVED),
    (CHECK_1, None, Flag.REMOVED),
    (("TaskGroups", 1), None, Flag.REMOVED),
    ((*WEB, "Tasks", 1), None, Flag.REMOVED),
    (("Constraints", 0), None, Flag.REMOVED),
    ((*APP, "Resources", "MemoryMB"), 256, Flag.LESS_MEMORY),
    ((*APP, "Resources", "MemoryMaxMB"), 600, Flag.LESS_MEMORY),
    ((*APP, "Resources", "MemoryMaxMB"), 0, Flag.LESS_MEMORY),
    ((*APP, "Resources", "CPU"), 100, Flag.LESS_CPU),
    ((*WEB, "Count"), 2, Flag.LESS_COUNT),
    ((*WEB, "Count"), 0, Flag.COUNT_ZERO),
    ((*APP, "Config", "image"), "other.example/shop/app:v1", Flag.IMAGE_REGISTRY),
    ((*APP, "Config", "image"), "registry.example/shop/app2:v1", Flag.IMAGE_REPOSITORY),
    ((*APP, "Config", "image"), "registry.example/shop/app:latest", Flag.MUTABLE_TAG),
    ((*APP, "Config", "image"), "registry.example/shop/app", Flag.MUTABLE_TAG),
    ((*APP, "Driver"), "exec", Flag.DRIVER),
    ((*APP, "Driver"), "raw_exec", Flag.RAW_EXEC),
    ((*APP, "User"), "root", Flag.USER),
    ((*APP, "User"), None, Flag.USER),
    ((*APP, "Config", "privileged"), True, Flag.PRIVILEGED),
    ((*APP, "Config", "pid_mode"), "host", Flag.PRIVILEGED),
    ((*APP, "Config", "cap_add"), ["net_raw", "sys_admin"], Flag.CAPABILITIES),
    ((*APP, "Config", "cap_drop"), ["mknod"], Flag.CAPABILITIES),
    ((*APP, "Config", "devices"), [{"host_path": "/dev/mem"}], Flag.DEVICES),
    ((*APP, "Resources", "Devices"), [{"Name": "gpu", "Count": 2}], Flag.DEVICES),
    ((*APP, "Resources", "Devices"), None, Flag.DEVICES),
    ((*WEB, "Volumes", "data", "Source"), "etc", Flag.HOST_VOLUME),
    ((*WEB, "Volumes", "new"), {"Type": "host", "Source": "etc"}, Flag.HOST_VOLUME),
    ((*APP, "Config", "volumes"), ["/srv:/srv", "/etc:/etc"], Flag.HOST_VOLUME),
    ((*APP, "Config", "volumes"), ["/srv:/srv", "named:/etc"], Flag.HOST_VOLUME),
    ((*APP, "Config", "mount", 0, "source"), "/etc", Flag.HOST_VOLUME),
    ((*WEB, "Networks", 0, "Mode"), "host", Flag.HOST_NETWORK),
    ((*WEB, "Networks", 0, "DynamicPorts", 0, "HostNetwork"), "public", Flag.HOST_NETWORK),
    ((*APP, "Config", "network_mode"), "host", Flag.HOST_NETWORK),
    (("NodePool",), "gpu", Flag.NODE_POOL),
    (("Datacenters",), ["dc1", "dc2"], Flag.DATACENTER),
    (("Namespace",), "other", Flag.NAMESPACE),
    (("Region",), "us", Flag.REGION),
    (("Type",), "batch", Flag.TYPE),
    (("Priority",), 90, Flag.PRIORITY),
    ((*WEB, "Update", "AutoRevert"), False, Flag.AUTO_REVERT_OFF),
    ((*WEB, "Update", "Canary"), 0, Flag.CANARIES_OFF),
    ((*WEB, "Update", "AutoPromote"), True, Flag.CANARIES_OFF),
    ((*WEB, "Update", "HealthCheck"), "manual", Flag.HEALTH_LOOSENED),
    ((*WEB, "Update", "MinHealthyTime"), 1, Flag.HEALTH_LOOSENED),
    ((*CHECK_1, "Interval"), 60, Flag.HEALTH_LOOSENED),
    ((*CHECK_1, "SuccessBeforePassing"), 0, Flag.HEALTH_LOOSENED),
    ((*CHECK_1, "FailuresBeforeCritical"), 9, Flag.HEALTH_LOOSENED),
    ((*CHECK_1, "InitialStatus"), "passing", Flag.HEALTH_LOOSENED),
    ((*CHECK_1, "TLSSkipVerify"), True, Flag.HEALTH_LOOSENED),
    ((*CHECK_1, "OnUpdate"), "ignore", Flag.HEALTH_LOOSENED),
    ((*CHECK_1, "Type"), "tcp", Flag.HEALTH_LOOSENED),
    ((*CHECK_1, "CheckRestart", "Limit"), 0, Flag.HEALTH_LOOSENED),
    ((*CHECK_1, "CheckRestart", "Limit"), 9, Flag.HEALTH_LOOSENED),
    ((*CHECK_1, "CheckRestart", "IgnoreWarnings"), True, Flag.HEALTH_LOOSENED),
    ((*WEB, "Update", "HealthyDeadline"), 99, Flag.DEADLINE_LOOSENED),
    ((*WEB, "Update", "ProgressDeadline"), 0, Flag.DEADLINE_LOOSENED),
]


@pytest.mark.parametrize(("path", "value", "flag"), FLAGGED)
def test_dangerous_changes_are_flagged_with_a_reason(path, value, flag):
    found = [each for each in change_list(JOB, change(path, value), REDACTOR) if flag in each.flags]
    assert found
    assert reason(found[0])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((*APP, "Env", "B"), "1"),
        ((*APP, "Resources", "MemoryMB"), 1024),
        ((*APP, "Resources", "MemoryMaxMB"), -1),
        ((*APP, "Resources"), {**TASK["Resources"], "CPU": 0, "Cores": 4}),
        ((*APP, "Config", "image"), "registry.example/shop/app:v2"),
        ((*APP, "Config", "image"), "registry.example/shop/app:v1@sha256:abc"),
        ((*APP, "Config", "mount", 1, "target"), "/u"),
        ((*APP, "Config", "volumes"), ["/srv:/srv", "local/a:/a"]),
        ((*WEB, "Count"), 9),
        ((*WEB, "Volumes", "csi", "Source"), "d"),
        ((*WEB, "Networks", 0, "Mode"), "cni/x"),
        ((*WEB, "Update", "MaxParallel"), 9),
        ((*WEB, "Update", "HealthyDeadline"), 9),
        ((*CHECK_1, "Interval"), 5),
        ((*CHECK_1, "OnUpdate"), "unheard_of"),
        ((*CHECK_1, "CheckRestart", "Limit"), 1),
        ((*APP, "Templates", 0, "Perms"), "0600"),
        ((*APP, "Config", "image"), None),
    ],
)
def test_harmless_changes_are_not(path, value):
    assert change_list(JOB, change(path, value), REDACTOR)
    assert flags_of(change(path, value)) == []


def test_the_parts_of_what_is_removed_are_not_flagged_again():
    assert flags_of(change(("TaskGroups", 0))) == [Flag.REMOVED]


def test_what_a_new_task_does_is_flagged_and_what_it_leaves_unset_is_not():
    task = {"Name": "new", "Driver": "raw_exec", "User": "", "Config": {"privileged": True, "tty": False}}
    assert set(flags_of(_with_task(task))) == {Flag.RAW_EXEC, Flag.PRIVILEGED}
    checks = {"Name": "t", "Checks": [CHECK | {"TLSSkipVerify": True}]}
    job = copy.deepcopy(JOB)
    job["TaskGroups"][0]["Services"].append(checks)
    assert flags_of(job) == []


def _with_task(task):
    job = copy.deepcopy(JOB)
    job["TaskGroups"][0]["Tasks"].append(task)
    return job


def test_an_update_block_that_goes_takes_its_safety_with_it():
    assert {Flag.AUTO_REVERT_OFF, Flag.CANARIES_OFF} <= set(flags_of(change((*WEB, "Update"))))


def test_a_sidecar_has_an_image_a_driver_and_a_user():
    def sidecar(**task):
        job = copy.deepcopy(JOB)
        job["TaskGroups"][0]["Services"][0]["Connect"] = {"SidecarTask": task}
        return job

    before = sidecar(Driver="docker", User="envoy", Config={"image": "a.example/envoy:v1"})
    after = sidecar(Driver="exec", User="root", Config={"image": "b.example/envoy:latest"})
    assert set(flags_of(after, before)) == {Flag.DRIVER, Flag.USER, Flag.IMAGE_REGISTRY, Flag.MUTABLE_TAG}


def test_every_flag_has_a_place_by_danger():
    assert sorted(DANGER) == sorted(Flag)
