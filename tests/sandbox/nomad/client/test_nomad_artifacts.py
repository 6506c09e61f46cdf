"""Which artifacts a simulated node cannot fetch."""

from __future__ import annotations

import pytest

from sandbox.nomad.client.artifacts import download_error
from tests.sandbox.nomad.agent import Agent, a_job, eventually


def error_of(*sources: str) -> str:
    return download_error({"Artifacts": [{"GetterSource": source} for source in sources]})


@pytest.mark.parametrize("source", ["https://releases.example/x.zip", "git::https://git.example/x.git?ref=v1", "x/y"])
def test_what_can_be_fetched(source: str):
    assert error_of(source) == ""
    assert download_error({"Artifacts": None}) == ""


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("http://me:pw@127.0.0.1:9/x", "dial tcp 127.0.0.1:9: connect: connection refused"),
        ("https://localhost/x", "dial tcp localhost:443: connect: connection refused"),
        ("git::ssh://git@[::1]/x", "dial tcp ::1:22: connect: connection refused"),
        ("https://releases.invalid/x", "dial tcp: lookup releases.invalid: no such host"),
        ("http://releases.example:many/x", 'parse "http://releases.example:many/x": invalid port after host'),
    ],
)
def test_what_cannot_is_said_in_nomads_words(source: str, why: str):
    said = error_of("https://releases.example/x.zip", source)
    assert said.startswith(f'failed to download artifact "{source}": getter subprocess failed: exit status 1: ')
    assert said.endswith(why)


async def test_the_task_never_starts_and_is_tried_again_as_its_restart_policy_says(agent: Agent):
    job = a_job()
    task = job["TaskGroups"][0]["Tasks"][0]
    task["Artifacts"] = [{"GetterSource": "http://127.0.0.1:9/x"}]
    job["TaskGroups"][0]["RestartPolicy"]["Attempts"] = 1
    await agent.registered(job)

    async def states() -> list[dict]:
        return [each["TaskStates"]["app"] for each in await agent.allocations("shop") if each["TaskStates"]]

    (state,) = await eventually(states, lambda found: found and found[0]["Failed"])
    kinds = [event["Type"] for event in state["Events"]]
    attempt = ["Downloading Artifacts", "Failed Artifact Download"]
    assert kinds[:8] == ["Received", "Task Setup", *attempt, "Restarting", *attempt, "Not Restarting"]
    failed = next(event for event in state["Events"] if event["Type"] == "Failed Artifact Download")
    assert failed["DisplayMessage"] == failed["DownloadError"]
    assert state["StartedAt"] is None
