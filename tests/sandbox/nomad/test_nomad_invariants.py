"""Whatever is done to a job in whatever order, the simulated Nomad keeps its promises."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.nomad.server import SimulatedNomad
from tests.sandbox.nomad.agent import BAD, ONCE, Agent, Json, a_job, eventually

if TYPE_CHECKING:
    from collections.abc import Callable

SPEED = 1000
COUNT = 2
ACTIVE = {"running", "paused"}


def register(image: str, **update: Any) -> Callable[[Agent], Any]:
    config = BAD if image == "bad" else {"image": f"shop:{image}"}
    return lambda agent: agent.register(a_job(count=COUNT, config=config, reschedule=ONCE, update=update))


def verb(name: str, **body: Any) -> Callable[[Agent], Any]:
    async def act(agent: Agent) -> None:
        latest = await agent.latest("shop")
        if latest:
            await agent.post(f"/v1/deployment/{name}/{latest['ID']}", body)

    return act


STEPS: dict[str, Callable[[Agent], Any]] = {
    "register a": register("a"),
    "register b": register("b"),
    "register c with a canary": register("c", Canary=1),
    "register d with two canaries that promote themselves": register("d", Canary=2, AutoPromote=True),
    "register e that goes back": register("e", AutoRevert=True),
    "register a bad one": register("bad"),
    "register a bad one that goes back": register("bad", AutoRevert=True, Canary=1),
    "promote": verb("promote", All=True),
    "fail": verb("fail"),
    "pause": verb("pause", Pause=True),
    "resume": verb("pause", Pause=False),
    "stop": lambda agent: agent.call("DELETE", "/v1/job/shop"),
    "purge": lambda agent: agent.call("DELETE", "/v1/job/shop", purge="true"),
    "revert": lambda agent: agent.post("/v1/job/shop/revert", {"JobID": "shop", "JobVersion": 0}),
    "evaluate": lambda agent: agent.post("/v1/job/shop/evaluate"),
    "let half a minute pass": lambda _: asyncio.sleep(30 / SPEED),
}


def check(state: Json, seen: list[int]) -> None:
    """What holds at every moment."""
    assert not seen or state["index"] >= seen[-1]
    seen.append(state["index"])
    for job in state["jobs"]:
        numbers = [one["version"] for one in job["versions"]]
        assert numbers == sorted(numbers, reverse=True)
        assert len(numbers) <= 6
        assert numbers[0] == job["version"]
        wanted = [one for one in job["allocations"] if one["desired"] == "run" and one["client_status"] != "failed"]
        # the count, and beside it canaries of the present deployment that nobody has promoted
        assert len(wanted) <= COUNT + 2
        check_deployment(job)


def check_deployment(job: Json) -> None:
    deployment = job["deployment"]
    if deployment is None:
        return
    group = deployment["TaskGroups"]["web"]
    assert 0 <= group["HealthyAllocs"] <= group["PlacedAllocs"]
    if deployment["Status"] == "successful":
        assert group["HealthyAllocs"] >= group["DesiredTotal"]
        version = [one for one in job["versions"] if one["version"] == deployment["JobVersion"]]
        assert all(one["stable"] for one in version)


async def at_rest(agent: Agent) -> Json:
    """The state once no deployment is active, whatever waits for people having been seen to."""

    async def settled() -> Json | None:
        for name, body in (("pause", {"Pause": False}), ("promote", {"All": True})):
            await verb(name, **body)(agent)
        latest = await agent.latest("shop")
        state: Json = (await agent.get("/sandbox/state")).body
        pending = [one for one in (await agent.get("/v1/evaluations")).body if one["Status"] == "pending"]
        return None if pending or (latest and latest["Status"] in ACTIVE) else state

    state: Json = await eventually(settled, bool)
    return state


async def play(steps: list[str]) -> None:
    nomad = SimulatedNomad(speed=SPEED)
    address = await nomad.start()
    try:
        async with aiohttp.ClientSession() as session:
            agent = Agent(session, address)
            seen: list[int] = []
            for step in steps:
                await STEPS[step](agent)
                check((await agent.get("/sandbox/state")).body, seen)
            state = await at_rest(agent)
            check(state, seen)
            check_rest(state)
            if not any("bad" in step or step == "fail" for step in steps):
                every = (await agent.get("/v1/deployments")).body
                assert [one["StatusDescription"] for one in every if one["Status"] == "failed"] == []
    finally:
        await nomad.stop()


def check_rest(state: Json) -> None:
    """Once all is over, a job that succeeded runs what it should, and a stopped one nothing."""
    for job in state["jobs"]:
        alive = [one for one in job["allocations"] if one["desired"] == "run" and one["client_status"] != "failed"]
        deployment = job["deployment"]
        if job["stop"]:
            assert alive == []
        elif deployment and deployment["Status"] == "successful" and deployment["JobVersion"] == job["version"]:
            assert {one["version"] for one in alive} == {job["version"]}
            assert len(alive) == COUNT


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=12))
def test_the_promises_hold_in_any_order(steps: list[str]):
    asyncio.run(play(steps))
