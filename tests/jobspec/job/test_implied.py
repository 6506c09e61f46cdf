"""Constraints that follow from what a job uses."""

from __future__ import annotations

import pytest

from jobspec.job.implied import with_implied
from jobspec.job.stored import to_stored_form


def rules_of(task=None, **group):
    tasks = [{"Name": "app", "Driver": "docker", **(task or {})}]
    job = to_stored_form({"ID": "a", "TaskGroups": [{"Name": "web", "Tasks": tasks, **group}]})
    found = with_implied(job)["TaskGroups"][0]["Constraints"] or []
    return [(each["LTarget"], each["Operand"], each["RTarget"]) for each in found]


def test_a_plain_job_gets_none():
    assert rules_of() == []


@pytest.mark.parametrize(
    ("task", "rule"),
    [
        ({"Vault": {"Role": "r"}}, ("${attr.vault.version}", "semver", ">= 0.6.1")),
        ({"KillSignal": "SIGINT"}, ("${attr.os.signals}", "set_contains", "SIGINT")),
        ({"Services": [{"Name": "s", "Provider": "nomad"}]}, ("${attr.nomad.service_discovery}", "=", "true")),
    ],
)
def test_what_a_task_needs(task, rule):
    assert rules_of(task) == [rule]


def test_only_signals_of_vault_templates_and_the_end_of_a_task_are_asked_of_a_client():
    def signal(name):
        return {"ChangeMode": "signal", "ChangeSignal": name}

    task = {
        "KillSignal": "SIGINT",
        "Templates": [{"DestPath": "a", **signal("SIGUSR2")}, {"DestPath": "b", "ChangeMode": "restart"}],
        "Vault": {"Role": "r", **signal("SIGUSR1")},
        "Identities": [{"Name": "mine", **signal("SIGHUP")}],
    }
    found = [rule[2] for rule in rules_of(task) if rule[0] == "${attr.os.signals}"]
    assert found == ["SIGINT,SIGUSR1,SIGUSR2"]


def test_consul_services_need_consul_and_the_author_s_own_rule_stands():
    services = [{"Name": "s"}]
    assert rules_of(Services=services) == [("${attr.consul.version}", "semver", ">= 1.8.0")]
    own = {"LTarget": "${attr.consul.version}", "Operand": "semver", "RTarget": ">= 1.20.0"}
    assert [rule[2] for rule in rules_of(Services=services, Constraints=[own])] == [">= 1.20.0"]


def test_bridge_networks_need_their_plugins():
    assert len(rules_of(Networks=[{"Mode": "bridge"}])) == 5


def test_doing_it_twice_adds_nothing():
    job = to_stored_form(
        {"ID": "a", "TaskGroups": [{"Name": "web", "Services": [{"Name": "s"}], "Tasks": [{"Name": "t"}]}]}
    )
    once = with_implied(job)
    assert with_implied(once) == once
    assert job["TaskGroups"][0]["Constraints"] is None
