from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.deploy.deploy import Status
from bot.operations.worker import dispatch, follow, register
from tests.builders import a_catalog, a_job, a_live_job, a_service
from tests.operations.acts import applied, change, dispatching, environments, now, planned, ready, rolling

if TYPE_CHECKING:
    from bot.domain.catalog.environment import Cluster
    from tests.fakes import World


async def rendered(world: World, **changes) -> dict[str, Any]:
    """The job that the first plan of a staging deploy keeps."""
    await planned(world, **changes)
    async with world.store.read() as reading:
        plan = await reading.plan(1, 1)
    assert plan is not None
    return json.loads(plan.job)


async def test_the_catalog_decides_id_name_namespace_and_region(world: World):
    cluster = replace(a_catalog().clusters["main"], region="eu")
    await applied(
        world,
        clusters={"main": cluster},
        services={"checkout": a_service(job="shop-{environment}")},
        environments=environments("staging", namespace="stage"),
    )

    job = await rendered(world)

    assert [job[name] for name in ("ID", "Name", "Namespace", "Region")] == [
        "shop-staging",
        "shop-staging",
        "stage",
        "eu",
    ]


async def test_a_place_that_the_template_names_and_the_catalog_does_not_is_on_the_plan(world: World):
    cluster = replace(a_catalog().clusters["main"], region="eu")
    await applied(world, clusters={"main": cluster})
    world.nomad.parsed = a_job(Namespace="elsewhere", Region="us")

    await rendered(world)

    async with world.store.read() as reading:
        plan = await reading.plan(1, 1)
    assert plan is not None
    assert plan.warnings[:2] == (
        "The template names namespace `elsewhere`; the catalog's `staging` is used.",
        "The template names region `us`; the catalog's `eu` is used.",
    )


@pytest.mark.parametrize("job_id", [".", ".."])
@pytest.mark.parametrize("of", ["catalog", "template"])
async def test_a_job_id_that_no_address_can_hold_is_refused(world: World, of: str, job_id: str):
    if of == "catalog":
        await applied(world, services={"checkout": a_service(job=job_id)})
    else:
        world.nomad.parsed = a_job(ID=job_id)

    deploy = await planned(world)

    assert (deploy.status, deploy.detail) == (
        Status.INVALID,
        f"The job id `{job_id}` cannot be used: rename the job",
    )


async def test_without_a_region_of_the_cluster_the_jobspecs_own_stays(world: World):
    world.nomad.parsed = a_job(Region="global")

    assert (await rendered(world))["Region"] == "global"


async def test_nomads_own_fields_are_left_out_and_the_authors_meta_stays(world: World):
    world.nomad.parsed = a_job(Meta={"team": "shop"}, Version=0, Stable=False, Status="")

    job = await rendered(world)

    assert job["Meta"] == {"team": "shop"}
    assert not {"Version", "Stable", "Status"} & job.keys()


async def test_the_count_of_a_scaled_group_is_the_running_one(world: World):
    def scaled(count: int) -> list[dict[str, Any]]:
        return [{**a_job()["TaskGroups"][0], "Count": count, "Scaling": {"Min": 1, "Max": 9}}]

    world.nomad.parsed = a_job(TaskGroups=scaled(2))
    world.nomad.jobs["checkout"] = a_live_job(TaskGroups=scaled(7))

    (group,) = (await rendered(world))["TaskGroups"]
    assert group["Count"] == 7


async def test_variables_come_from_template_environment_service_placement_and_request(world: World):
    await applied(
        world,
        environments=environments("staging", variables={"region": "west", "log_level": "debug"}),
        services={"checkout": a_service(variables={"count": 2})},
    )

    await rendered(world, overrides={"count": 5})

    assert world.nomad.variables == {"region": "west", "count": 5, "version": "v1.4.2"}


# --- which catalog ---------------------------------------------------------------------------------------------------


def mended() -> dict[str, Cluster]:
    """The cluster with another token."""
    return {"main": replace(a_catalog().clusters["main"], token_env="NOMAD_TOKEN_NEW")}


async def test_a_token_that_was_mended_serves_what_is_on_its_way(world: World):
    await dispatching(world)
    await applied(world, clusters=mended())
    world.clusters.clear()

    assert await register.step(world.ports())
    assert await follow.step(world.ports())

    assert world.clusters == [mended()["main"]] * 2


async def test_the_source_goes_out_with_the_variables_that_were_planned(world: World):
    deploy = await ready(world)
    await applied(world, environments=environments("production", variables={"region": "new"}))

    assert await dispatch.step(world.ports())

    assert json.loads(world.nomad.registers[0]["variables"]) == {"version": "v1.4.2"}
    assert (await now(world, deploy)).catalog == deploy.catalog


async def test_a_revert_is_followed_where_it_runs_though_the_service_moved(world: World):
    deploy = await rolling(world)
    failed = deploy.advance(Status.FAILED, world.clock.now(), due_at=world.clock.now())
    await change(world, failed)
    elsewhere = replace(a_catalog().clusters["main"], address="http://10.0.0.1:4646")
    await applied(world, clusters={"main": elsewhere})
    world.clusters.clear()

    assert await follow.step(world.ports())

    assert world.clusters == [a_catalog().clusters["main"]]
