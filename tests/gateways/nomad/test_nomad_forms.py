"""A job and the live one in one form: what people changed, and nothing that Nomad filled in."""

from __future__ import annotations

import copy
from itertools import islice
from pathlib import Path

import pytest

from bot.domain.deploy.plan import SERVER_FIELDS
from bot.domain.jobdiff.changes import change_list
from bot.domain.jobdiff.redaction import Redactor
from bot.domain.jobdiff.text import whole
from bot.gateways.nomad.forms.comparable import comparable, is_registered_as, stored_form, versions
from jobspec.job.bare import without_defaults
from jobspec.job.canonical import canonicalize
from jobspec.job.implied import with_implied
from jobspec.job.stored import to_stored_form
from jobspec.parsing import parse
from tests.every_block import mutations
from tests.golden import golden_rows, needs_golden

REDACTOR = Redactor()
BLOCKS = sorted((Path(__file__).parents[2] / "data" / "blocks").glob("*.nomad.hcl"))


def parsed(path):
    return canonicalize(parse(path.read_text("utf-8")))


def live_of(job):
    """The job as Nomad stores it, with what its admission adds and the server's own fields."""
    return {**with_implied(to_stored_form(job)), "Version": 3, "JobModifyIndex": 41, "Stable": True}


def listed(job, live, ours=None, by_nomad=frozenset()):
    return change_list(*comparable(job, live, ours, by_nomad), REDACTOR, fold=without_defaults)


def a_job(**group):
    task = {"Name": "app", "Driver": "docker", "Config": {"image": "a:v1"}}
    return canonicalize({"ID": "a", "TaskGroups": [{"Name": "web", "Tasks": [task], **group}]})


@pytest.mark.parametrize("path", BLOCKS, ids=[path.name for path in BLOCKS])
def test_a_job_planned_unchanged_has_no_lines(path):
    job = parsed(path)
    assert not whole(listed(job, live_of(job)))
    assert not whole(listed(job, live_of(job), ours=job))


@pytest.mark.parametrize("path", BLOCKS, ids=[path.name for path in BLOCKS])
def test_a_registered_job_is_known_by_what_nomad_stores_of_it(path):
    job = parsed(path)
    live = live_of(job)
    assert is_registered_as(job, live)
    # a stop is no other job
    assert is_registered_as(job, {**live, "Stop": True})
    changed = copy.deepcopy(live)
    changed["TaskGroups"][0]["Tasks"][0]["Env"] = {"HOTFIX": "1"}
    assert not is_registered_as(job, changed)


def test_an_autoscalers_count_makes_no_other_job_and_a_persons_does():
    scaled, fixed = a_job(Count=2, Scaling={"Enabled": True, "Min": 1, "Max": 9}), a_job(Count=2)
    for job, same in ((scaled, True), (fixed, False)):
        live = live_of(job)
        live["TaskGroups"][0]["Count"] = 5
        assert is_registered_as(job, live) is same


@needs_golden
def test_other_peoples_jobs_planned_unchanged_have_no_lines():
    number = 0
    for row in golden_rows("parse.jsonl"):
        if row["job"]:
            job = canonicalize(row["job"])
            assert not whole(listed(job, live_of(job))), row["file"]
            number += 1
    assert number > 100


@pytest.mark.parametrize("path", BLOCKS, ids=[path.name for path in BLOCKS])
def test_what_makes_a_new_version_is_listed(path):
    job = parsed(path)
    live, stored, made = live_of(job), to_stored_form(job), 0
    for what, where, after in islice(mutations(job), 0, None, 7):
        # what the server sets, and what it ignores, is no part of a job
        if SERVER_FIELDS & set(where[:1]) or {"unheard_of", "ID", "CreateIndex", "ModifyIndex", "Target"} & set(where):
            continue
        if {"Scaling", "ScalingPolicies"} & set(where) and where[-1] == "Namespace":
            continue
        # Nomad names the only task of a group by itself
        if (what, where[-1:]) == ("remove", ("TaskName",)):
            continue
        try:
            differs = to_stored_form(after) != stored
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
        if differs:
            made += 1
            names = frozenset(each for each in where if isinstance(each, str))
            assert listed(after, live, by_nomad=names), (what, where)
    assert made > 5


def test_a_new_job_leaves_nomads_defaults_out():
    said = whole(listed(a_job(), None))
    assert "image" in said
    assert "count: 1" in said
    assert not any(each in said for each in ("restart", "update", "kill_timeout", "logs", "identity"))


def test_fields_that_a_newer_nomad_knows_are_compared():
    job, live = a_job(), live_of(a_job())
    job["TaskGroups"][0]["Unheard"] = {"Of": "new"}
    assert "unheard" in whole(listed(job, live))
    live["TaskGroups"][0]["Unheard"] = {"Of": "old"}
    assert "unheard" in whole(listed(a_job(), live))
    # a stored zero is what an unset field is
    live["TaskGroups"][0]["Unheard"] = 0
    assert not whole(listed(a_job(), live))


def test_a_job_that_an_older_nomad_stored_makes_no_noise():
    live = live_of(a_job(Services=[{"Name": "s", "Provider": "consul"}]))
    group = live["TaskGroups"][0]
    group["Constraints"][0]["RTarget"] = ">= 1.7.0"
    for name in ("Disconnect", "PreventRescheduleOnLost", "MaxRunDuration"):
        del group[name]
    for name in ("UI", "NodePool", "VersionTag"):
        del live[name]
    for name in ("Actions", "Secrets", "Schedule", "Identity", "Consul"):
        del group["Tasks"][0][name]
    assert not whole(listed(a_job(Services=[{"Name": "s", "Provider": "consul"}]), live))


def test_a_constraint_of_the_author_is_no_implied_one():
    rule = {"LTarget": "${attr.consul.version}", "Operand": "semver", "RTarget": ">= 1.20.0"}
    services = [{"Name": "s", "Provider": "consul"}]
    live = live_of(a_job(Services=services, Constraints=[rule]))
    assert "constraint removed" in whole(listed(a_job(Services=services), live))


def test_a_cluster_gives_a_job_its_region():
    live = live_of(a_job()) | {"Region": "eu"}
    assert listed(a_job(), live) == ()
    job = a_job() | {"Region": "us"}
    assert "region: eu → us" in whole(listed(job, live))


def test_identities_for_consul_and_vault_are_nomads():
    job = a_job(Services=[{"Name": "s", "Provider": "consul"}])
    job["TaskGroups"][0]["Tasks"][0]["Vault"] = {"Role": "r"}
    live = live_of(job)
    group = live["TaskGroups"][0]
    group["Services"][0]["Identity"] = {"Name": "consul-service_web-s-http", "Audience": ["consul.io"]}
    group["Tasks"][0]["Identities"] = [{"Name": "vault_default", "Audience": ["vault.io"]}]
    group["Constraints"].append({"LTarget": "${attr.nomad.version}", "Operand": "semver", "RTarget": ">= 1.7.0-a"})
    assert not whole(listed(job, live))
    # one that the author wrote is compared
    own = copy.deepcopy(job)
    own["TaskGroups"][0]["Services"][0]["Identity"] = {"Audience": ["other.io"]}
    own["TaskGroups"][0]["Tasks"][0]["Identities"] = [{"Name": "vault_default", "Audience": ["other.io"]}]
    said = whole(listed(own, live))
    assert said.count("audience") == 2
    assert "name:" not in said


class TestConnect:
    """What Nomad makes for a service in Consul's mesh."""

    def job(self, **service):
        connect: dict[str, dict[str, str]] = {"SidecarService": {}}
        check = {"Name": "c", "Type": "http", "Path": "/health", "Expose": True, "Interval": 1, "Timeout": 1}
        services = [{"Name": "api", "PortLabel": "9001", "Connect": connect, "Checks": [check], **service}]
        return a_job(Networks=[{"Mode": "bridge"}], Services=services)

    def live(self, job):
        live = live_of(job)
        group = live["TaskGroups"][0]
        kind = {"Name": "connect-proxy-api", "Kind": "connect-proxy:api", "Driver": "docker"}
        group["Tasks"].append(to_stored_form({"ID": "a", "TaskGroups": [{"Name": "w", "Tasks": [kind]}]})
                              ["TaskGroups"][0]["Tasks"][0])  # fmt: skip
        labels = ("connect-proxy-api", "svc_api_ck_0a1b2c")
        group["Networks"][0]["DynamicPorts"] = [{"Label": each, "To": -1, "HostNetwork": "default"} for each in labels]
        group["Services"][0]["Checks"][0]["PortLabel"] = labels[1]
        path = {"Path": "/health", "Protocol": "", "LocalPathPort": 9001, "ListenerPort": labels[1]}
        group["Services"][0]["Connect"]["SidecarService"]["Proxy"] = {"Expose": {"Paths": [path]}}
        return live

    def test_its_task_ports_and_paths_are_no_change(self):
        assert not whole(listed(self.job(), self.live(self.job())))

    def test_the_cause_is_named_if_it_goes(self):
        said = whole(listed(self.job(Connect=None), self.live(self.job())))
        assert "connect" in said
        assert "connect-proxy" not in said

    def test_a_path_of_the_author_is_compared(self):
        proxy = {"Expose": {"Paths": [{"Path": "/own", "LocalPathPort": 1, "ListenerPort": "x"}]}}
        job = self.job(Connect={"SidecarService": {"Proxy": proxy}})
        assert "expose" in whole(listed(job, self.live(self.job())))

    def test_a_named_port_of_the_sidecar_is_made_too(self):
        job = self.job(Connect={"SidecarService": {"Port": "side"}})
        live = self.live(job)
        live["TaskGroups"][0]["Networks"][0]["DynamicPorts"][0]["Label"] = "side"
        assert not whole(listed(job, live))

    def test_a_native_service_marks_its_task(self):
        job = a_job(Networks=[{}], Services=[{"Name": "n", "Connect": {"Native": True}}])
        live = live_of(job)
        live["TaskGroups"][0]["Services"][0]["TaskName"] = "app"
        live["TaskGroups"][0]["Tasks"][0]["Kind"] = "connect-native:n"
        assert not whole(listed(job, live))

    @pytest.mark.parametrize("own", [None, {"ConnectTimeout": 7_000_000_000}])
    @pytest.mark.parametrize(
        ("kind", "port"),
        [
            ({"Terminating": {"Services": [{"Name": "x"}]}}, "connect-terminating-g"),
            ({"Mesh": {}}, "connect-mesh-g-lan"),
        ],
    )
    def test_a_gateway_gets_its_addresses_and_its_port(self, kind, port, own):
        gateway = {**kind, "Proxy": own}
        job = a_job(Networks=[{"Mode": "bridge"}], Services=[{"Name": "g", "Connect": {"Gateway": gateway}}])
        live = live_of(job)
        service = live["TaskGroups"][0]["Services"][0]
        service["PortLabel"] = port
        live["TaskGroups"][0]["Networks"][0]["DynamicPorts"] = [{"Label": port, "To": -1}]
        made = {"EnvoyGatewayNoDefaultBind": True, "EnvoyGatewayBindAddresses": {"default": {"Address": "0.0.0.0"}}}
        service["Connect"]["Gateway"]["Proxy"] = {"ConnectTimeout": 5_000_000_000, **(own or {}), **made}
        assert not whole(listed(job, live))
        if own:
            gone = copy.deepcopy(job)
            gone["TaskGroups"][0]["Services"][0]["Connect"]["Gateway"]["Proxy"] = None
            assert "connect_timeout" in whole(listed(gone, live))


def test_fields_that_this_nomad_ignores_count_only_if_its_plan_sees_them():
    job = a_job(StopAfterClientDisconnect=5)
    job["TaskGroups"][0]["Tasks"][0]["Vault"] = {"Policies": ["a"]}
    live = live_of(job)
    live["TaskGroups"][0]["StopAfterClientDisconnect"] = None
    assert not whole(listed(job, live))
    seen = frozenset({"StopAfterClientDisconnect", "Policies"})
    said = whole(listed(job, live, by_nomad=seen))
    assert "stop_after_client_disconnect" in said
    assert "policies" in said


def test_the_counts_that_run_are_those_of_our_own_version():
    ours = a_job(Count=2, Scaling={"Min": 1, "Max": 9})
    live = live_of(ours)
    live["TaskGroups"][0]["Count"] = 5
    kept = a_job(Count=5, Scaling={"Min": 1, "Max": 9})
    assert listed(kept, live, ours=ours) == ()
    clamped = a_job(Count=8, Scaling={"Min": 8, "Max": 9})
    assert "count: 5 → 8" in whole(listed(clamped, live, ours=ours))


def test_a_stopped_job_starts_again():
    live = live_of(a_job()) | {"Stop": True}
    assert "stop: true → false" in whole(listed(a_job(), live))
    assert "stop: true → false" in whole(listed(a_job(), live, ours=a_job()))


def test_what_no_nomad_writes_is_compared_as_it_is():
    odd = {"ID": "a", "TaskGroups": [{"Name": "web", "Count": "three"}]}
    assert "count" in whole(listed(odd, live_of(a_job())))
    assert comparable(odd, None, None) == (None, odd)
    assert versions([(1, odd)]) == [(1, odd)]
    assert versions([(1, live_of(a_job()))])[0][1]["TaskGroups"] == stored_form(a_job())["TaskGroups"]


def test_what_only_has_the_name_of_an_addition_is_somebodys_own():
    """Takes over a job that has no Connect, no Vault and no Consul block: nothing in it was made by Nomad."""
    proxy = {"Name": "connect-proxy-api", "Kind": "connect-proxy:api", "Driver": "docker", "Config": {"image": "b:v1"}}
    identity = {"Name": "vault_default", "Audience": ["mine"], "TTL": 60}
    task = {"Name": "app", "Driver": "docker", "Config": {"image": "a:v1"}, "Identities": [identity]}
    service = {"Name": "api", "Identity": {"Name": "consul-service_web-api", "Audience": ["mine"]}}
    network = {"Mode": "bridge", "DynamicPorts": [{"Label": "connect-api"}]}
    before = a_job(Tasks=[task, proxy], Services=[service], Networks=[network])
    after = a_job(Services=[{"Name": "api"}], Networks=[{"Mode": "bridge"}])
    said = whole(listed(after, to_stored_form(before)))
    assert "connect-proxy-api" in said
    assert "vault_default" in said
    assert "connect-api" in said
    assert "consul-service_web-api" in said
