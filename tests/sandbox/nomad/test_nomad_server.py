"""The server itself: its port, its command, its answers to jobspecs."""

from __future__ import annotations

import asyncio
import json
import signal
import sys

import aiohttp
import pytest

from sandbox.nomad.server import SimulatedNomad
from sandbox.nomad.wire.picture import SHOWN_ALLOCATIONS, shown_allocations
from tests.recorded import answer
from tests.sandbox.nomad.agent import Agent

HCL = """
variable "tag" {
  type = string
}
job "shop" {
  group "web" {
    count = 2
    task "app" {
      driver = "docker"
      config {
        image = "registry.example/shop:${var.tag}"
      }
    }
  }
}
"""


async def test_a_jobspec_is_parsed_planned_registered_and_deployed(agent: Agent):
    sent = {"JobHCL": HCL, "Variables": json.dumps({"tag": "v1.4.2"}), "Canonicalize": True}
    job = (await agent.post("/v1/jobs/parse", sent)).body
    plan = (await agent.post("/v1/job/shop/plan", {"Job": job, "Diff": True})).body
    assert (plan["Diff"]["Type"], plan["JobModifyIndex"]) == ("Added", 0)
    submission = {"Source": f"# nomatron D-1\n{HCL}", "Format": "hcl2", "Variables": 'tag = "v1.4.2"'}
    end = await agent.settled(await agent.registered(job, base=0, Submission=submission))
    assert end["StatusDescription"] == "Deployment completed successfully"
    again = (await agent.post("/v1/job/shop/plan", {"Job": job, "Diff": True})).body
    assert again["Diff"]["Type"] == "None"
    [shown] = (await agent.get("/sandbox/state")).body["jobs"]
    assert (shown["image"], shown["stable"]) == ("registry.example/shop:v1.4.2", True)
    assert shown["versions"][0]["submission_first_line"] == "# nomatron D-1"


async def test_a_jobspec_without_its_variable_is_refused_in_nomads_words(agent: Agent):
    reply = await agent.post("/v1/jobs/parse", {"JobHCL": HCL})
    assert reply.status == 400
    assert reply.text.startswith('Failed to parse job: <nil>: Unset variable "tag";')


@pytest.mark.parametrize("name", ["parse_ok", "parse_missing_variable", "parse_wrong_type", "parse_empty"])
async def test_parsing_answers_as_the_agent(agent: Agent, name: str):
    recorded = answer(name)
    reply = await agent.post("/v1/jobs/parse", recorded["request"]["body"])
    wanted = recorded["body"]
    assert (reply.status, reply.text if isinstance(wanted, str) else reply.body) == (recorded["status"], wanted)


async def test_a_taken_port_is_an_error_that_leaves_nothing_open():
    first, second = SimulatedNomad(), SimulatedNomad()
    port = int((await first.start()).rpartition(":")[2])
    with pytest.raises(OSError, match="address already in use"):
        await second.start(port=port)
    await first.stop()
    await second.start(port=port)
    await second.stop()


async def test_answers_are_gzipped_where_that_is_asked_for(agent: Agent):
    job = (await agent.post("/v1/jobs/parse", {"JobHCL": HCL, "Variables": '{"tag": "1"}'})).body
    await agent.registered(job)
    async with agent.session.get(f"{agent.address}/v1/job/shop", headers={"Accept-Encoding": "gzip"}) as reply:
        assert reply.headers["Content-Encoding"] == "gzip"
        assert (await reply.json())["ID"] == "shop"
    async with agent.session.get(f"{agent.address}/v1/job/shop", headers={"Accept-Encoding": "identity"}) as reply:
        assert "Content-Encoding" not in reply.headers


def test_the_picture_keeps_the_newest_and_what_still_runs():
    old = {"ID": "old", "DesiredStatus": "run", "ClientStatus": "running"}
    over = [{"ID": str(number), "DesiredStatus": "stop", "ClientStatus": "complete"} for number in range(100)]
    shown = [one["ID"] for one in shown_allocations([old, *over])]
    assert shown[0] == "99"
    assert shown[-1] == "old"
    assert len(shown) == SHOWN_ALLOCATIONS + 1


async def test_the_command_says_where_it_listens_and_ends_when_told():
    command = [sys.executable, "-m", "sandbox.nomad", "--port", "0", "--speed", "50"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(30):
        line = (await process.stdout.readline()).decode()
    address = next(word for word in line.replace(",", "").split() if word.startswith("http://"))
    async with aiohttp.ClientSession() as session:
        agent = Agent(session, address)
        assert (await agent.get("/sandbox/state")).body["speed"] == 50
        async with agent.stream("Job") as stream:
            await stream.content.readline()
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(10):
                assert await process.wait() == 0
