"""The port itself: what it adds to its parts."""

from __future__ import annotations

import inspect

import pytest

from bot.domain.catalog.environment import Cluster
from bot.domain.deploy.dispatch import Answer, Look
from bot.errors import NomadForbidden, NomadUnavailable, SettingsInvalid
from bot.gateways.nomad import cluster as cluster_module
from bot.gateways.nomad.cluster import PythonNomad, PythonNomads
from bot.ports.nomad import Nomad, Nomads
from tests.builders import a_job, a_live_job, a_plan
from tests.gateways.nomad.worlds import a_service

TOKEN = "0c8a4f2e-aaaa-bbbb-cccc-444455556666"


@pytest.mark.parametrize(("port", "adapter"), [(Nomad, PythonNomad), (Nomads, PythonNomads)])
def test_the_signatures_are_the_ports(port, adapter):
    names = [name for name in vars(port) if not name.startswith("_")]
    assert names
    for name in names:
        wanted = list(inspect.signature(getattr(port, name)).parameters.values())
        given = list(inspect.signature(getattr(adapter, name)).parameters.values())
        assert [(each.name, each.kind) for each in given] == [(each.name, each.kind) for each in wanted], name


@pytest.fixture
def nomad():
    nomads = PythonNomads(lambda _: TOKEN)
    yield nomads.of(Cluster(name="main", address="http://127.0.0.1:1"))
    nomads.close()


def with_env(job, **env):
    job["TaskGroups"][0]["Tasks"][0]["Env"] = env
    return job


def test_what_moved_since_the_plan_before(nomad):
    from_then = '{"ID":"checkout","TaskGroups":[{"Name":"web","Tasks":[{"Name":"app","Env":{"LOG_LEVEL":"info"}}]}]}'
    live = with_env({"ID": "checkout", "TaskGroups": [{"Name": "web", "Tasks": [{"Name": "app"}]}]}, LOG_LEVEL="debug")
    before = a_plan(replaced=from_then, base_version=3)
    assert nomad.moved(before, {**live, "Version": 4}, a_job(), frozenset()) == (
        "group web task app env LOG_LEVEL changed outside Nomatron",
    )
    assert nomad.moved(before, live, a_job(), frozenset(), cause="by D-12") == (
        "group web task app env LOG_LEVEL changed by D-12",
    )


def test_the_fields_of_a_job_that_appeared_since_the_plan_before_are_not_listed(nomad):
    before = a_plan(replaced="", base_version=None)
    assert nomad.moved(before, a_live_job(), a_job(), frozenset()) == ()


def test_no_token_is_printed(nomad):
    assert TOKEN not in repr(nomad)
    assert TOKEN not in str(nomad)


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        ("none", "the token lacks read-job"),
        ("forbidden", "does not allow our token to do this"),
        ("error500", "No cluster leader"),
    ],
)
async def test_a_silent_stream_is_explained_in_the_log(simulated, mode, why, caplog):
    await simulated.control("outage", {"mode": mode})
    await simulated.nomad._check_token()
    (entry,) = (record for record in caplog.records if record.name == "bot.gateways.nomad.cluster")
    assert (entry.levelname, entry.cluster) == ("WARNING", "main")
    assert why in entry.why
    assert TOKEN not in repr(vars(entry))


async def test_jobs_of_other_namespaces_are_others(simulated):
    await simulated.register(a_service(simulated.job_id))
    assert await simulated.nomad.job("staging", simulated.job_id) is None


async def test_a_cluster_that_answers_is_reached(world):
    await world.nomad.reach()


async def test_one_that_does_not_says_why(simulated):
    await simulated.control("outage", {"mode": "html"})
    with pytest.raises(NomadUnavailable, match="cluster main answered 502 with a web page"):
        await simulated.nomad.reach()


# --- a token that is not there, and clusters that are no longer there ------------------------------------------------


class Tokens:
    """Tokens by cluster name; one that is missing is not set."""

    def __init__(self, **tokens):
        self.tokens = tokens

    def __call__(self, cluster):
        if cluster.name not in self.tokens:
            raise SettingsInvalid("NOMAD_TOKEN_EU is not set")
        return self.tokens[cluster.name]


async def test_a_token_that_is_not_set_refuses_each_call_and_nothing_is_sent(simulated):
    tokens = Tokens()
    nomads = PythonNomads(tokens)
    cluster = simulated.nomad._client.cluster
    nomad = nomads.of(cluster)
    for call in (
        nomad.reach(),
        nomad.parse("", {}, "default"),
        nomad.job("default", "web"),
        anext(nomad.job_events(["default"])),
    ):
        with pytest.raises(NomadForbidden, match="was not called: NOMAD_TOKEN_EU is not set"):
            await call
    said = await nomad.register("default", "{}", base_index=0, source="", variables="{}")
    assert (said.answer, said.text) == (
        Answer.NOT_SENT,
        f"cluster {cluster.name} was not called: NOMAD_TOKEN_EU is not set",
    )
    looked = await nomad.look("default", "web", base_index=0, base_version=None, stamp="# D-1")
    assert looked.look is Look.UNKNOWN
    with pytest.raises(SettingsInvalid):
        nomads.examined(cluster)

    tokens.tokens[cluster.name] = None
    await nomads.of(cluster).reach()
    nomads.close()


async def test_a_cluster_that_left_the_catalog_is_closed_when_unused(monkeypatch):
    nomads = PythonNomads(lambda _: TOKEN)
    old, new = (Cluster(name="main", address=f"http://127.0.0.1:{port}") for port in (1, 2))
    before = nomads.of(old)
    nomads.keep([new])
    assert nomads.of(old) is before

    monkeypatch.setattr(cluster_module, "UNUSED", 0.0)
    nomads.keep([old])
    assert nomads.of(old) is before
    nomads.keep([new])
    with pytest.raises(NomadUnavailable, match="Nomatron is shutting down"):
        await before.reach()
    assert nomads.of(old) is not before
    nomads.close()
