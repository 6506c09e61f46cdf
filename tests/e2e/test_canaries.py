"""Canaries that nobody promotes by himself: what is said while they wait, and what ends it, over the wire."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import requests

from tests.e2e.driver import ALICE, SPEED, Message, Sandbox, edit, straight

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WAITS = re.compile(
    r"waiting for canary promotion \(1 of 1 healthy\)[^\"]*nomad deployment promote ([0-9a-f-]{36})", re.IGNORECASE
)


def by_hand(catalog: Path) -> None:
    """Canaries wait for a person."""
    straight(catalog)
    edit(catalog / "templates" / "web.nomad.hcl", r"auto_promote( +)= true", r"auto_promote\1= false")


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox in which checkout runs, and canaries wait for a person."""
    with Sandbox(tmp_path_factory.mktemp("patient"), change=by_hand) as running:
        yield running.seeded()


def waiting(sandbox: Sandbox, version: str) -> tuple[str, str]:
    """A deploy to production whose canary is healthy: its number, and Nomad's id of the deployment."""
    deploy = sandbox.ask(ALICE, f"checkout {version} to production because SHOP-985")
    assert "1 canary now, 5 replaced one by one after promotion" in sandbox.reach(deploy, "Approval needed").whole
    sandbox.approved(deploy)
    found = sandbox.until(lambda: WAITS.search(sandbox.card(deploy).whole), "the command that promotes")
    assert sandbox.card(deploy).state == "Rolling out"
    return deploy, found[1]


def nomad(sandbox: Sandbox, verb: str, deployment: str) -> None:
    """What `nomad deployment promote` and `nomad deployment fail` send."""
    body = {"DeploymentID": deployment, "All": True} if verb == "promote" else {}
    answer = requests.post(f"{sandbox.about['nomad']}/v1/deployment/{verb}/{deployment}", json=body, timeout=30)
    assert answer.ok, answer.text


def test_promoted_by_a_person_in_nomad_it_goes_on_and_succeeds(patient: Sandbox):
    deploy, deployment = waiting(patient, "v1.4.2")

    nomad(patient, "promote", deployment)

    message: Message = patient.reach(deploy, "Succeeded")
    assert "6/6 healthy" in message.whole
    assert "waiting for canary promotion" not in message.whole
    assert len(patient.made_by(deploy)) == 1


def test_failed_by_a_person_in_nomad_it_fails_and_says_what_nomad_went_back_to(patient: Sandbox):
    deploy, deployment = waiting(patient, "v1.4.3")

    nomad(patient, "fail", deployment)

    message = patient.reach(deploy, "Failed")
    assert "marked as failed" in message.whole
    assert "reverted to" in message.whole
    patient.until(lambda: "revert is complete" in patient.card(deploy).whole, "the end of Nomad's revert")


def test_a_revert_that_waits_for_promotion_is_said_with_its_own_command(patient: Sandbox):
    running = patient.versions("apps", "checkout")[0]["image"]
    with slowly(patient):
        deploy, deployment = waiting(patient, "v1.4.4")

        nomad(patient, "promote", deployment)
        nomad(patient, "fail", deployment)

        patient.reach(deploy, "Failed")
        found = patient.until(lambda: WAITS.search(patient.card(deploy).whole), "a revert that waits")
        assert found[1] != deployment
        assert "Nomad's own rollback is waiting for canary promotion" in patient.card(deploy).whole

        nomad(patient, "promote", found[1])
        patient.until(lambda: "revert is complete" in patient.card(deploy).whole, "the end of Nomad's revert")
        assert patient.versions("apps", "checkout")[0]["image"] == running


@contextmanager
def slowly(sandbox: Sandbox) -> Iterator[None]:
    """A Nomad so slow that a deployment can be failed after its promotion, while allocations are replaced in turn."""
    sandbox.post("nomad", "/sandbox/speed", {"speed": 10})
    try:
        yield
    finally:
        sandbox.post("nomad", "/sandbox/speed", {"speed": SPEED})
