"""The event stream over HTTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest

from sandbox.nomad.server import SimulatedNomad
from tests.sandbox.nomad.agent import Agent, Json, Reply, a_job, ended, lines_until

if TYPE_CHECKING:
    from collections.abc import Awaitable

FUTURE = 10**9


def about(job_id: str, **wanted: object):
    def ours(line: Json) -> bool:
        return any(
            event["Key"] == job_id and all(event[name] == value for name, value in wanted.items())
            for event in line.get("Events", [])
        )

    return ours


def deployment_status(status: str):
    def told(line: Json) -> bool:
        events = [event for event in line.get("Events", []) if event["Topic"] == "Deployment"]
        return any(event["Payload"]["Deployment"]["Status"] == status for event in events)

    return told


async def test_the_first_line_is_empty_and_the_body_is_not_chunked(agent: Agent):
    async with agent.stream("Job") as answer:
        assert await answer.content.readline() == b"{}\n"
        assert answer.headers["Connection"] == "close"
        assert "Transfer-Encoding" not in answer.headers
        assert answer.headers["Content-Type"].startswith("application/json")


async def test_a_register_is_two_lines_with_one_index(agent: Agent):
    async with agent.stream("Job:shop", "Evaluation:shop", index=FUTURE) as answer:
        await answer.content.readline()
        job = await agent.registered(a_job(count=0))
        first, second = (await lines_until(answer, lambda line: len(line.get("Events", [])) == 2))[-2:]
    assert first["Index"] == second["Index"] == job["JobModifyIndex"]
    [event] = first["Events"]
    assert (event["Topic"], event["Type"], event["FilterKeys"]) == ("Job", "JobRegistered", None)
    assert event["Payload"]["Job"]["Status"] == "dead"
    assert {event["Topic"] for event in second["Events"]} == {"Evaluation", "Job"}


async def test_a_deploy_is_told_to_its_end(agent: Agent):
    async with agent.stream("Deployment:shop", "Allocation:shop") as answer:
        job = await agent.registered(a_job())
        lines = await lines_until(answer, deployment_status("successful"))
    events = [event for line in lines for event in line.get("Events", [])]
    assert {event["Topic"] for event in events} == {"Deployment", "Allocation"}
    assert all("Job" not in event["Payload"]["Allocation"] for event in events if event["Topic"] == "Allocation")
    deployment = (await agent.deployment_of(job))["ID"]
    assert {event["Key"] for event in events if event["Topic"] == "Deployment"} == {deployment}


@pytest.mark.parametrize("query", [{}, {"index": 0}])
async def test_no_index_and_zero_replay_what_is_buffered(agent: Agent, query: dict):
    await agent.registered(a_job(count=0))
    async with agent.stream("Job:shop", **query) as answer:
        assert about("shop")((await lines_until(answer, about("shop")))[-1])


async def test_resuming_gives_the_last_index_again_and_nothing_older(agent: Agent):
    await agent.registered(a_job(count=0))
    last = (await agent.registered(a_job(count=0, env={"A": "1"})))["JobModifyIndex"]
    async with agent.stream("Job:shop", index=last) as answer:
        lines = await lines_until(answer, about("shop"))
    assert [line["Index"] for line in lines if line] == [last]


async def test_an_index_to_come_gives_the_newest_line_and_what_follows(agent: Agent):
    await agent.registered(a_job("old", count=0))
    async with agent.stream("Job", index=FUTURE) as answer:
        await answer.content.readline()
        job = await agent.registered(a_job(count=0))
        lines = await lines_until(answer, about("shop"))
    assert lines[-1]["Index"] == job["JobModifyIndex"]
    assert len([line for line in lines if about("old")(line)]) <= 1


async def test_only_what_is_asked_for_is_told(agent: Agent):
    async with agent.stream("Job:shop", namespace="staging") as answer:
        await agent.registered(a_job(count=0))
        await agent.post("/v1/jobs", {"Job": a_job(count=0)}, namespace="staging")
        lines = await lines_until(answer, about("shop"))
    assert {event["Namespace"] for line in lines for event in line.get("Events", [])} == {"staging"}


async def test_a_purge_is_marked_and_a_stop_is_not(agent: Agent):
    await agent.registered(a_job(count=0))
    async with agent.stream("Job:shop", index=FUTURE) as answer:
        await agent.call("DELETE", "/v1/job/shop")
        stopped = (await lines_until(answer, about("shop", Type="JobDeregistered")))[-1]["Events"][0]
        await agent.call("DELETE", "/v1/job/shop", purge="true")

        def purged(line: Json) -> bool:
            return any(event["Payload"].get("Deleted") for event in line.get("Events", []))

        event = (await lines_until(answer, purged))[-1]["Events"][0]
    assert stopped["Payload"].keys() == {"Job"}
    assert event["Payload"].keys() == {"Job", "Deleted"}


@pytest.mark.parametrize("query", [{"index": "x"}])
async def test_a_bad_index_is_refused(agent: Agent, query: dict):
    reply = await agent.get("/v1/event/stream", **query)
    assert reply.status == 400
    assert "Unable to parse index" in reply.text


async def test_dropped_streams_end(agent: Agent):
    async with agent.stream("Job") as answer:
        await answer.content.readline()
        assert await agent.control("drop-streams") == {"dropped": 1}
        assert await ended(answer)


async def test_stopping_cuts_open_streams_and_held_calls():
    nomad = SimulatedNomad()
    address = await nomad.start()
    async with aiohttp.ClientSession() as session:
        agent = Agent(session, address)
        await agent.control("next-register", {"answer": "never"})
        async with agent.stream("Job") as stream, asyncio.TaskGroup() as tasks:
            await stream.content.readline()
            calls = [agent.register(a_job()), agent.get("/v1/job/other", index=FUTURE, wait="5m")]
            held = [tasks.create_task(cut_off(call)) for call in calls]
            await asyncio.sleep(0.05)
            await nomad.stop()
            assert await asyncio.gather(*held) == [True, True]
            assert await ended(stream)


async def cut_off(call: Awaitable[Reply]) -> bool:
    """Whether a call ends without an answer."""
    try:
        await call
    except aiohttp.ClientError:
        return True
    return False
