"""What the sandbox makes on an agent, and that it takes away that and nothing else."""

from __future__ import annotations

import pytest

from sandbox.agent.api import AgentError
from sandbox.agent.footprint import Footprint
from sandbox.catalog import JobRef


@pytest.fixture
def footprint(host):
    return Footprint(host.api, host.told.append)


async def test_a_missing_namespace_is_created_and_reported(host, footprint):
    await footprint.arrive({JobRef(host.namespace, "checkout")})
    assert host.namespace in await host.namespaces()
    assert host.told == [f"created namespace {host.namespace}"]


async def test_one_that_is_there_is_nobodys_to_delete(host, footprint):
    await host.make_namespace()
    await footprint.arrive({JobRef(host.namespace, "checkout")})
    await footprint.leave({JobRef(host.namespace, "checkout")})
    assert host.namespace in await host.namespaces()
    assert host.told == []


async def test_what_came_and_stands_in_the_catalog_is_purged(host, footprint):
    await host.make_namespace()
    await host.register("before")
    await footprint.arrive({JobRef(host.namespace, "checkout")})
    for job in ("checkout", "added", "somebodys"):
        await host.register(job)
    await footprint.leave({JobRef(host.namespace, job) for job in ("before", "checkout", "added", "never-placed")})
    assert await host.jobs() == {"before", "somebodys"}
    assert host.told == [f"purged {job} in namespace {host.namespace}" for job in ("added", "checkout")]


async def test_a_job_that_is_there_is_not_replaced_and_not_purged(host, footprint):
    await host.make_namespace()
    await host.register("checkout")
    wanted = {JobRef(host.namespace, "checkout"), JobRef(host.namespace, "mailer")}
    with pytest.raises(AgentError, match="checkout in") as refused:
        await footprint.arrive(wanted)
    assert f"nomad job stop -purge -namespace {host.namespace} checkout" in str(refused.value)
    assert "mailer" not in str(refused.value)
    await footprint.leave(wanted)
    assert await host.jobs() == {"checkout"}


async def test_a_namespace_of_its_own_goes_with_its_jobs(host, footprint):
    await footprint.arrive({JobRef(host.namespace, "checkout")})
    await host.register("checkout")
    await footprint.leave({JobRef(host.namespace, "checkout")})
    assert await host.jobs() == set()
    if host.simulated:  # it keeps its namespaces: what cannot be deleted is told
        assert host.told[-1].startswith(f"could not delete namespace {host.namespace}: ")
    else:
        assert host.told[-1] == f"deleted namespace {host.namespace}"
        assert host.namespace not in await host.namespaces()


async def test_an_agent_that_has_gone_is_told_instead_of_raised(host, footprint):
    await host.make_namespace()
    await footprint.arrive({JobRef(host.namespace, "checkout")})
    address, host.api.address = host.api.address, "http://127.0.0.1:1"
    await footprint.leave({JobRef(host.namespace, "checkout")})
    host.api.address = address
    assert host.told[0].startswith("the sandbox's jobs may be left on http://127.0.0.1:1: ")
