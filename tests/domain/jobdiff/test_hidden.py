"""The values that no text about a job may show."""

from __future__ import annotations

import pytest

from bot.domain.jobdiff.hidden import cleaner, hidden_values
from bot.domain.jobdiff.redaction import Redactor
from tests.builders import a_job

PLANTED = "pl4nted-value"


def hidden(job, *show):
    return hidden_values([job], Redactor(frozenset(show)))


def with_task(**fields):
    job = a_job()
    job["TaskGroups"][0]["Tasks"][0] |= fields
    return job


def with_group(**fields):
    job = a_job()
    job["TaskGroups"][0] |= fields
    return job


HIDES = {
    "env": with_task(Env={"DB_PASSWORD": PLANTED}),
    "meta of the job": a_job() | {"Meta": {"owner": PLANTED}},
    "args": with_task(Config={"command": "/bin/app", "pids_limit": 5, "args": ["--pw", PLANTED]}),
    "an argument of several words": with_task(Config={"args": ["-c", f"login {PLANTED} | run"]}),
    "a registry's login": with_task(Config={"auth": [{"password": PLANTED}]}),
    "a mount's options": with_task(Config={"mounts": [{"source": "/srv", "volume_options": [{"o": PLANTED}]}]}),
    "a template": with_task(Templates=[{"DestPath": "local/a", "EmbeddedTmpl": f"x = 1\nkey: '{PLANTED}'\n"}]),
    "an artifact's options": with_task(Artifacts=[{"GetterSource": "x.example", "GetterOptions": {"k": PLANTED}}]),
    "an artifact's password": with_task(Artifacts=[{"GetterSource": f"https://me:{PLANTED}@x.example/a"}]),
    "an artifact's query": with_task(Artifacts=[{"GetterSource": f"https://x.example/a?sig={PLANTED}"}]),
    "vault": with_task(Vault={"Role": PLANTED}),
    "a service's tags": with_group(Services=[{"Name": "web", "Tags": ["a", PLANTED]}]),
    "a check's header": with_group(Services=[{"Checks": [{"Header": {"Authorization": [PLANTED]}}]}]),
    "a field that we do not know": a_job() | {"SomethingNew": [[{"Deep": PLANTED}], PLANTED, 1, None]},
}


@pytest.mark.parametrize("job", HIDES.values(), ids=HIDES.keys())
def test_what_the_plan_hides_is_hidden_in_every_text(job):
    assert PLANTED in hidden(job)
    clean = cleaner([None, job], Redactor())
    assert clean(f"driver says: {PLANTED}: no") == "driver says: (hidden): no"


SHOWN = {
    "a constraint": with_group(Constraints=[{"LTarget": "${node.class}", "RTarget": PLANTED, "Operand": "="}]),
    "a host volume": with_group(Volumes={"data": {"Name": "data", "Type": "host", "Source": PLANTED}}),
    "a mount": with_task(Config={"mounts": [{"source": PLANTED, "target": "/data"}]}),
    "a port": with_group(Networks=[{"DynamicPorts": [{"Label": PLANTED}]}]),
    "an upstream": with_group(
        Services=[{"Connect": {"SidecarService": {"Proxy": {"Upstreams": [{"DestinationName": PLANTED}]}}}}]
    ),
    "a volume's mount": with_task(VolumeMounts=[{"Volume": PLANTED, "Destination": "/data"}]),
    "an image's tag": with_task(Config={"image": f"registry.example/app:{PLANTED}"}),
    "the name of a variable": with_task(Env={PLANTED: "x"}),
}


@pytest.mark.parametrize("job", SHOWN.values(), ids=SHOWN.keys())
def test_a_value_that_is_shown_elsewhere_stays(job):
    assert PLANTED not in hidden(job)
    job["Meta"] = {"again": PLANTED}
    assert PLANTED not in hidden(job)


def test_what_the_service_shows_stays():
    job = with_task(Env={"MODE": PLANTED}, Config=None)
    assert hidden(job) == {PLANTED}
    assert hidden(job, "MODE") == set()


def test_without_a_text_nothing_is_looked_up():
    assert cleaner([{"TaskGroups": [None]}], Redactor())("") == ""
