"""Services, their checks and their service mesh in a diff."""

from __future__ import annotations

import pytest

from jobspec.job.stored import to_stored_form
from sandbox.nomad.diffs import diff


def changes(old, new):
    """The objects of the group's diff for a service before and after."""

    def job(service):
        return to_stored_form(
            {"ID": "a", "TaskGroups": [{"Name": "g", "Services": [service], "Tasks": [{"Name": "t"}]}]}
        )

    return diff(job(old), job(new), contextual=False)["TaskGroups"][0]["Objects"]


def names(objects):
    return [(each["Name"], each["Type"]) for each in objects or ()]


def test_tags_are_a_set():
    assert changes({"Name": "s", "Tags": ["a", "b"]}, {"Name": "s", "Tags": ["b", "a"]})[0]["Objects"] is None
    changed = changes({"Name": "s", "Tags": ["a"]}, {"Name": "s", "Tags": ["b"]})[0]["Objects"][0]
    assert [(each["Old"], each["New"], each["Type"]) for each in changed["Fields"]] == [
        ("", "b", "Added"),
        ("a", "", "Deleted"),
    ]


def test_checks_go_by_name():
    check = {"Name": "c", "Type": "http", "Path": "/", "Header": {"X": ["1"]}}
    edited = changes(
        {"Name": "s", "Checks": [check]}, {"Name": "s", "Checks": [{**check, "Path": "/up", "Header": {"X": ["2"]}}]}
    )[0]["Objects"]
    assert names(edited) == [("Check", "Edited")]
    assert [each["Name"] for each in edited[0]["Fields"]] == ["Path"]
    assert names(edited[0]["Objects"]) == [("Header", "Edited")]


def test_upstreams_go_by_datacenter_and_name():
    def connect(port):
        upstream = {"DestinationName": "db", "LocalBindPort": port, "Config": {"a": 1}}
        return {"Name": "s", "Connect": {"SidecarService": {"Proxy": {"Upstreams": [upstream]}}}}

    found = changes(connect(1), connect(2))[0]["Objects"][0]
    proxy = found["Objects"][0]["Objects"][0]
    assert (found["Name"], proxy["Name"]) == ("ConsulConnect", "ConsulProxy")
    assert names(proxy["Objects"]) == [("ConsulUpstreams", "Edited"), ("TransparentProxy", "None")]


@pytest.mark.parametrize(("seconds", "old"), [(None, "5s"), (90, "1m30s")])
def test_a_gateway_s_timeout_is_in_words(seconds, old):
    def gateway(timeout):
        proxy = {"ConnectTimeout": timeout}
        return {"Name": "s", "Connect": {"Gateway": {"Proxy": proxy}}}

    before = gateway(seconds and seconds * 1_000_000_000)
    proxy = changes(before, gateway(7_000_000_000))[0]["Objects"][0]["Objects"][0]["Objects"][0]
    assert [(each["Name"], each["Old"], each["New"]) for each in proxy["Fields"]] == [("ConnectTimeout", old, "7s")]
