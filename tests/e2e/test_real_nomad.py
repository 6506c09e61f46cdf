"""The first governed deploy on a real Nomad agent: the sandbox with `--nomad`, in Nomad's own time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.e2e.driver import ALICE, BOB, GUS, NORA, SAM, Sandbox, straight
from tests.gateways.nomad.worlds import REAL_NOMAD, REAL_TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.nomad
JOBS = ("staging", "checkout"), ("apps", "checkout")


class Agent:
    """The real agent, asked by its own API."""

    def __init__(self, address: str, token: str | None) -> None:
        self.address = address
        self.token = token

    def get(self, path: str, **query: str) -> Any:
        """The answer; None for a 404."""
        headers = {"X-Nomad-Token": self.token} if self.token else {}
        answer = requests.get(f"{self.address}/v1/{path}", params=query, headers=headers, timeout=30)
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        return answer.json()

    @property
    def version(self) -> str:
        told = self.get("agent/self")["config"]["Version"]
        return f"{told['Version']} {told['VersionPrerelease']}".strip()

    def namespaces(self) -> set[str]:
        return {each["Name"] for each in self.get("namespaces")}

    def versions(self, namespace: str, job: str) -> list[Any]:
        """The job's versions, newest first."""
        return self.get(f"job/{job}/versions", namespace=namespace)["Versions"]

    def submission(self, namespace: str, job: str, version: int) -> str:
        """The first line of a version's source."""
        found = self.get(f"job/{job}/submission", namespace=namespace, version=str(version))
        return found["Source"].partition("\n")[0]

    def running(self, namespace: str, job: str, version: int) -> int:
        """Healthy allocations of that version."""
        return sum(
            each["ClientStatus"] == "running"
            and each["DesiredStatus"] == "run"
            and each["JobVersion"] == version
            and each["DeploymentStatus"]["Healthy"]
            for each in self.get(f"job/{job}/allocations", namespace=namespace)
        )


@pytest.fixture
def agent() -> Agent:
    """The agent that the environment names."""
    if REAL_NOMAD not in os.environ:
        pytest.skip(f"no real Nomad: set {REAL_NOMAD} to an agent's address")
    return Agent(os.environ[REAL_NOMAD], os.environ.get(REAL_TOKEN))


@pytest.fixture
def real(agent: Agent, tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox on the agent, in which nothing has happened yet."""
    environment = {"NOMAD_TOKEN": agent.token} if agent.token else {}
    with Sandbox(tmp_path, "--nomad", agent.address, environment=environment) as running:
        yield running.seeded()


def test_the_first_deploy_on_a_real_agent(
    real: Sandbox, agent: Agent, record_property: Any, capsys: pytest.CaptureFixture[str]
):
    record_property("nomad", agent.version)
    with capsys.disabled():
        print(f"\nplayed on Nomad {agent.version}")  # noqa: T201 - a report has to say on which
    assert "checkout v1.4.2 has not succeeded in staging" in real.type(
        ALICE, "checkout v1.4.2 to production because SHOP-981"
    )
    staging = real.ask(ALICE, "checkout v1.4.2 to staging")
    assert "1/1 healthy" in real.reach(staging, "Succeeded").whole

    production = real.promoted(ALICE, staging, "SHOP-981")
    message = real.reach(production, "Approval needed")
    assert "canary" in message.whole
    assert "count 1 → 6" in message.whole
    refusals = [real.click(who, message) for who in (ALICE, GUS, NORA)]
    assert len(set(refusals)) == 3
    assert "1 of 2" in real.click(BOB, message)
    assert "2 of 2" in real.click(SAM, message)
    assert "6/6 healthy" in real.reach(production, "Succeeded").whole

    newest, before = agent.versions("apps", "checkout")
    assert (newest["Version"], before["Version"]) == (1, 0)
    assert newest["TaskGroups"][0]["Tasks"][0]["Env"]["VERSION"] == "v1.4.2"
    assert agent.submission("apps", "checkout", 1).startswith(f"# nomatron {production} plan 1 fingerprint ")
    assert agent.running("apps", "checkout", 1) == 6
    assert agent.running("staging", "checkout", 1) == 1
    real.until(lambda: all(step["done"] for step in real.get("page", "/sandbox/guide")["steps"]), "the whole guide")


def test_what_was_changed_there_by_hand_is_not_promoted_until_it_runs_again(real: Sandbox, agent: Agent):
    staging = real.ask(ALICE, "checkout v1.4.2 to staging")
    real.reach(staging, "Succeeded")
    real.until(lambda: "deploy.promote" in real.card(staging).actions, "the button Promote…")
    real.post("page", "/nomad/change", {"namespace": "staging", "job": "checkout", "env": {"LOG_LEVEL": "trace"}})

    told = real.type(ALICE, f"promote {staging} because SHOP-981")
    assert "staging no longer runs v1.4.2. Job version 2 was registered outside Nomatron" in told

    real.reach(real.ask(ALICE, "checkout v1.4.2 to staging"), "Succeeded")
    assert agent.versions("staging", "checkout")[0]["Version"] == 3
    assert agent.running("staging", "checkout", 3) == 1


def test_a_change_from_outside_voids_what_was_approved_and_it_leaves_nothing(agent: Agent, tmp_path: Path):
    before = agent.namespaces()
    environment = {"NOMAD_TOKEN": agent.token} if agent.token else {}
    with Sandbox(tmp_path, "--nomad", agent.address, environment=environment, change=straight) as real:
        real.seeded()
        deploy = real.ask(ALICE, "checkout v1.4.2 to production because SHOP-981")
        message = real.reach(deploy, "Approval needed")
        assert "1 of 2" in real.click(BOB, message)
        real.post("page", "/nomad/change", {"namespace": "apps", "job": "checkout", "env": {"LOG_LEVEL": "trace"}})
        assert "2 of 2" in real.click(SAM, message)
        real.until(lambda: "plan 2" in real.reach(deploy, "Approval needed").whole, "plan 2")
        assert [each["Version"] for each in agent.versions("apps", "checkout")] == [1, 0]
        assert real.stop() == 0

    assert agent.namespaces() == before
    assert [agent.get(f"job/{job}", namespace=namespace) for namespace, job in JOBS] == [None, None]
    assert "purged checkout in namespace apps" in (tmp_path / "sandbox.log").read_text()
