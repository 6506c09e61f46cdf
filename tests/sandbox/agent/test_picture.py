"""The picture of an agent, which is the one that the simulated Nomad paints of itself."""

from __future__ import annotations

import asyncio
import json

import aiohttp

from sandbox.agent.picture import Painter, select_allocations
from tests.gateways.nomad.worlds import a_service

PATIENCE_S = 30


async def settled(host, painter):
    """The jobs once no deployment runs."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            jobs = await painter.jobs([host.namespace])
            if all((job["deployment"] or {}).get("Status") == "successful" for job in jobs):
                return jobs
            await asyncio.sleep(0.05)


async def register_with_source(host, job_id, source, **options):
    submission = {"Source": source, "Format": "hcl2", "Variables": ""}
    body = {"Job": a_service(job_id, **options), "Submission": submission}
    await host.api.call("POST", ("jobs",), body, {"namespace": host.namespace})


async def test_a_job_its_versions_its_deployment_and_its_allocations(host):
    await host.make_namespace()
    painter = Painter(host.api)
    await register_with_source(host, "checkout", "# first\nrest", env={"VERSION": "v1"})
    (first,) = await settled(host, painter)
    await register_with_source(host, "checkout", "# second\nrest", env={"VERSION": "v2"}, count=2)
    (job,) = await settled(host, painter)

    assert (first["version"], job["version"], job["status"], job["type"]) == (0, 1, "running", "service")
    assert job["image"] == "/bin/sleep"
    assert [one["env"] for one in job["versions"]] == [{"VERSION": "v2"}, {"VERSION": "v1"}]
    assert [one["submission_first_line"] for one in job["versions"]] == ["# second", "# first"]
    assert job["deployment"]["TaskGroups"]["web"]["HealthyAllocs"] == 2
    running = [one for one in job["allocations"] if one["desired"] == "run"]
    assert [(one["version"], one["client_status"], one["healthy"]) for one in running] == [(1, "running", True)] * 2
    assert all(one["event"] for one in job["allocations"])


async def test_it_is_what_the_simulated_one_shows_of_itself(host):
    if not host.simulated:
        return
    await host.make_namespace()
    await register_with_source(host, "checkout", "# first\nrest")
    await host.register("mailer")
    painter = Painter(host.api)
    painted = shown = await settled(host, painter)
    # both are pictures of one moment: a state that moves between them is looked at again
    for _ in range(50):
        painted = json.loads(json.dumps(await painter.jobs([host.namespace])))
        async with aiohttp.ClientSession() as session, session.get(f"{host.api.address}/sandbox/state") as answer:
            shown = (await answer.json())["jobs"]
        if painted == shown:
            break
        await asyncio.sleep(0.05)
    assert painted == shown


async def test_no_submission_and_no_deployment(host):
    await host.make_namespace()
    await host.register("checkout", count=0)
    (job,) = await Painter(host.api).jobs([host.namespace])
    assert job["deployment"] is None
    assert job["allocations"] == []
    assert job["versions"][0]["submission_first_line"] is None


def an_allocation(number, **more):
    stub = {"ID": f"a{number}", "Name": "web", "JobVersion": 0, "CreateIndex": number, "TaskStates": None}
    return {**stub, "DesiredStatus": "stop", "ClientStatus": "complete", "DeploymentStatus": None, **more}


def test_of_many_allocations_the_newest_and_those_that_are_not_over():
    stubs = [an_allocation(number) for number in range(60)]
    stubs[3] |= {"DesiredStatus": "run", "ClientStatus": "running"}
    stubs[4] |= {"DesiredStatus": "run", "ClientStatus": "failed"}
    assert [one["id"] for one in select_allocations(stubs)] == [*(f"a{number}" for number in range(59, 19, -1)), "a3"]
