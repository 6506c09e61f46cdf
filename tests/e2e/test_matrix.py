"""What runs where, over the wire: `/deploy status` and `nomatron status` look at Nomad."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.driver import ALICE
from tests.e2e.test_look_up import looked_up, sections

if TYPE_CHECKING:
    from tests.e2e.driver import Sandbox

TOKEN = {"NOMAD_TOKEN_SANDBOX": "any"}


def shown(sandbox: Sandbox, words: str = "checkout") -> str:
    return sections(looked_up(sandbox, ALICE, f"status {words}".rstrip()))


def document(sandbox: Sandbox) -> Any:
    return json.loads(sandbox.command("status", "checkout", "--json", **TOKEN).stdout)


def production(sandbox: Sandbox) -> Any:
    (service,) = document(sandbox)["services"]
    return service["environments"]["production"]["nomad"]


@pytest.fixture
def live(shipped: Sandbox) -> Any:
    """The sandbox, whose Nomad answers again afterwards, and has the job that was deployed."""
    yield shipped
    shipped.post("nomad", "/sandbox/outage", {"mode": "none"})


def test_it_says_what_runs_what_differs_and_what_somebody_else_did(live: Sandbox):
    # after a time-out the bot leaves a cluster alone for a while
    before = live.until(lambda: (said := shown(live)) and "6 of 6 running" in said and said, "checkout to run")
    assert "production: `v1.4.1` since" in before
    assert "*staging and production* differ" in before
    assert production(live)["origin"] == "deploy"

    live.post("nomad", "/sandbox/change", {"namespace": "apps", "job": "checkout", "env": {"LOG_LEVEL": "trace"}})

    after = shown(live)
    assert ":warning: Changed outside Nomatron: job version" in after
    found = production(live)
    assert (found["origin"], found["deploy"], found["wanted"]) == ("outside", None, None)
    assert "Changed outside Nomatron" in live.command("status", **TOKEN).stdout


@pytest.mark.parametrize("mode", ["hang", "refuse", "forbidden", "html"])
def test_a_cluster_that_does_not_say_is_unknown(live: Sandbox, mode: str):
    live.post("nomad", "/sandbox/outage", {"mode": mode})

    answer = shown(live, "")

    assert answer.startswith(":grey_question: What runs in `staging`, `production` is unknown (cluster `sandbox`).")
    assert "_Nomad: unknown_" in answer
    if mode == "hang":
        told = document(live)
        assert [each["why"] for each in told["silent"]] == ["Nomad did not answer within 2 s."]
        assert {each["environments"]["staging"]["nomad"]["health"] for each in told["services"]} == {"unknown"}
