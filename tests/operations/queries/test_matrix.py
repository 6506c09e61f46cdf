"""The matrix of `status`: our rows, and what Nomad has."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from bot.domain.catalog.environment import After, Cluster
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.matrix import Health, Origin
from bot.errors import NomadForbidden, NomadUnavailable
from bot.operations.queries import clusters
from bot.operations.queries.matrix import matrix
from tests.builders import a_catalog, a_job, a_placement, a_service
from tests.fakes import FakeNomad
from tests.operations.acts import applied, change, environments, now, planned, rolling
from tests.operations.acts import succeeded as deployed
from tests.operations.closing import locked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.domain.deploy.matrix import Cell, Live
    from tests.fakes import World


def later(act: Callable[..., object], *given: object) -> Callable[[], Awaitable[None]]:
    """The act as one that a hook can do."""

    async def done() -> None:
        act(*given)

    return done


async def succeeded(world: World, **changes: Any) -> None:
    """A deploy that runs in production."""
    deploy = await rolling(world, **changes)
    await change(world, deploy.advance(Status.SUCCEEDED, world.clock.now()))


async def test_the_matrix_says_what_runs_and_what_waits_where(world: World):
    await succeeded(world)
    waiting = await planned(world, "production", version="v1.5.0")

    seen = await matrix(world.ports())

    assert seen.environments == ("staging", "production")
    ((staging, production),) = seen.rows
    assert staging is not None
    assert (staging.running, staging.open) == (None, ())
    assert production is not None
    assert production.running == await now(world, 1)
    assert production.open == (waiting,)


async def test_where_a_service_is_not_deployed_there_is_no_cell_and_one_can_be_asked_for(world: World):
    cart = a_service("cart", placements={"staging": a_placement()})
    await applied(world, services={"checkout": a_service(), "cart": cart})

    rows = (await matrix(world.ports())).rows
    (only,) = (await matrix(world.ports(), "cart")).rows

    assert [[cell and cell.service for cell in row] for row in rows] == [["checkout", "checkout"], ["cart", None]]
    assert only == rows[1]
    assert (await matrix(world.ports(), "nothing")).rows == ()


async def test_of_many_services_as_many_are_shown_as_asked_for_and_the_rest_is_counted(world: World):
    services = {name: a_service(name) for name in ("a", "b", "c", "d")}
    services["e"] = a_service("e", placements={"staging": a_placement()})
    await applied(world, services=services)

    seen = await matrix(world.ports(), most=3)
    assert [row[0] and row[0].service for row in seen.rows] == ["a", "b", "c"]
    assert seen.more == 2
    there = await matrix(world.ports(), environment="production", most=3)
    assert (len(there.rows), there.more) == (3, 1)


async def test_the_matrix_takes_as_many_queries_for_many_services_as_for_one(world: World):
    sent = []
    event.listen(world.store.engines.writing.sync_engine, "before_cursor_execute", lambda *given: sent.append(given[2]))
    counts = []
    for services in (["a"], ["a", "b", "c", "d"]):
        await applied(world, services={name: a_service(name) for name in services})
        await matrix(world.ports())
        sent.clear()
        await matrix(world.ports())
        counts.append(len(sent))

    assert counts[0] == counts[1] > 0


async def test_the_locks_are_those_that_close_something_of_what_was_asked_for(world: World):
    for word, where in (("everything", None), ("production", None), ("checkout", "staging")):
        await locked(world, word, environment=where)
    await locked(world, "staging", lasts="1h")
    world.clock.advance(hours=1)

    async def listed(*service: str, **asked_for: Any) -> list[str]:
        seen = await matrix(world.ports(), *service, **asked_for)
        assert len(seen.closed) == len(seen.locks)
        return [lock.scope.name for lock in seen.locks]

    assert await listed() == ["everything", "production", "checkout in staging"]
    assert await listed(most=0) == await listed("checkout") == await listed()
    assert await listed(environment="production") == ["everything", "production"]
    assert await listed("checkout", environment="staging") == ["everything", "checkout in staging"]
    assert await listed("nothing") == []


async def test_an_open_deploy_of_a_service_that_the_catalog_lost_is_in_no_row(world: World):
    await rolling(world)
    lost = a_catalog(services={"cart": a_service("cart")})
    async with world.store.begin() as tx:
        await tx.apply_catalog(lost, world.clock.now())

    ((staging, _),) = (await matrix(world.ports())).rows

    assert staging is not None
    assert staging.open == ()


# --- what Nomad has --------------------------------------------------------------------------------------------------


async def production(world: World) -> Cell:
    """The matrix's cell of checkout in production."""
    ((found,),) = (await matrix(world.ports(), environment="production")).rows
    assert found is not None
    return found


async def live(world: World) -> Live:
    found = (await production(world)).live
    assert found is not None
    return found


async def test_of_our_own_version_it_says_how_many_of_its_allocations_run(world: World):
    await deployed(world)
    world.nomad.counts["checkout"] = {"running": 1}

    ((cell, _),) = (await matrix(world.ports())).rows

    assert cell is not None
    assert cell.live is not None
    assert (cell.live.health, cell.live.words) == (Health.SHORT, "1 of 2 running")
    assert (cell.live.origin, cell.trouble) == (Origin.DEPLOY, "")


async def test_a_job_that_nomad_does_not_have_is_gone_only_where_something_succeeded(world: World):
    await succeeded(world)
    world.nomad.jobs.clear()

    ((staging, there),) = (await matrix(world.ports())).rows

    assert staging is not None
    assert there is not None
    assert (staging.trouble, there.trouble) == ("", "The job is not in Nomad any more.")


async def test_a_stopped_job_says_so_and_no_version_is_looked_up(world: World):
    await succeeded(world)
    world.nomad.change({**a_job(), "Stop": True})
    world.nomad.hooks.before("versions", AssertionError("there is nothing to look up"))

    found = await production(world)

    assert found.live is not None
    assert (found.live.health, found.trouble) == (Health.STOPPED, "The job was stopped in Nomad.")


async def test_a_change_from_outside_is_named_with_its_token(world: World):
    await succeeded(world)
    world.nomad.change(a_job("registry.example/checkout:hotfix", NomadTokenID="1a2b3c4d-0000"))

    found = await production(world)

    assert found.live is not None
    assert (found.live.origin, found.live.words) == (Origin.OUTSIDE, "2 running")
    assert found.trouble == "Changed outside Nomatron: job version 1, registered by token 1a2b3c4d."


async def test_a_scaling_step_is_no_change_from_outside(world: World):
    job = a_job()
    job["TaskGroups"][0]["Scaling"] = {"Min": 1, "Max": 9}
    world.nomad.parsed = job
    await succeeded(world)
    scaled = json.loads(json.dumps(world.nomad.jobs["checkout"]))
    scaled["TaskGroups"][0]["Count"] = 5
    world.nomad.change(scaled)

    found = await production(world)

    assert found.live is not None
    assert (found.live.origin, found.live.words, found.trouble) == (Origin.DEPLOY, "5 running", "")


async def test_if_nomad_does_not_show_the_older_versions_it_is_left_open(world: World):
    await succeeded(world)
    world.nomad.change(a_job("registry.example/checkout:hotfix"))
    world.nomad.hooks.before("versions", NomadUnavailable("answered 502"))

    assert (await live(world)).origin is Origin.UNKNOWN


async def test_if_the_job_moves_on_meanwhile_it_is_left_open(world: World):
    await succeeded(world)
    world.nomad.change(a_job("registry.example/checkout:hotfix"))
    world.nomad.hooks.before("versions", later(world.nomad.change, a_job("registry.example/checkout:again")))

    assert (await live(world)).origin is Origin.UNKNOWN


async def test_of_many_changed_jobs_only_some_are_looked_up(world: World):
    services = {f"s{number}": a_service(f"s{number}", job=f"s{number}") for number in range(clusters.MOST_LOOKS)}
    await applied(world, services=services)
    for number in range(clusters.MOST_LOOKS):
        world.nomad.change({**a_job(), "ID": f"s{number}"})

    rows = (await matrix(world.ports())).rows

    origins = [cell.live.origin for row in rows for cell in row if cell and cell.live]
    assert origins.count(Origin.OUTSIDE) == clusters.MOST_LOOKS
    assert origins.count(Origin.UNKNOWN) == clusters.MOST_LOOKS


async def test_what_a_deploy_on_its_way_registers_is_not_called_foreign(world: World):
    await rolling(world)
    assert (await live(world)).origin is Origin.DEPLOY
    world.nomad.change(a_job("registry.example/checkout:v1.5.0"))
    assert (await live(world)).origin is Origin.UNDER_WAY


async def test_a_register_between_the_list_and_our_rows_is_not_called_foreign(world: World):
    await succeeded(world)
    world.nomad.hooks.after("listed", later(world.nomad.change, a_job()))
    assert (await live(world)).origin is Origin.DEPLOY


# --- clusters that do not answer -------------------------------------------------------------------------------------


async def two_clusters(world: World) -> FakeNomad:
    """Production in a cluster of its own, and that cluster."""
    elsewhere = Cluster(name="elsewhere", address="http://127.0.0.2:4646")
    known = environments("production", cluster="elsewhere")
    await applied(world, clusters={**a_catalog().clusters, "elsewhere": elsewhere}, environments=known)
    world.elsewhere["elsewhere"] = FakeNomad()
    return world.elsewhere["elsewhere"]


async def test_a_cluster_that_is_silent_is_unknown_and_holds_up_no_other(world: World):
    silent = await two_clusters(world)
    world.limits = replace(world.limits, ask=timedelta(milliseconds=50))
    await deployed(world)
    silent.hooks.before("listed", asyncio.Event().wait)

    found = await matrix(world.ports())

    ((staging, there),) = found.rows
    assert staging is not None
    assert there is not None
    assert staging.live is not None
    assert there.live is not None
    assert (staging.live.health, there.live.health) == (Health.RUNNING, Health.UNKNOWN)
    (why,) = found.silent
    assert (why.cluster, why.environments) == ("elsewhere", ("production",))
    assert why.why == "Nomad did not answer within 0.05 s."


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        (NomadForbidden("no list-jobs"), "Nomad: no list-jobs. `nomatron doctor` shows what is missing."),
        (NomadUnavailable("answered 502"), "Nomad: answered 502"),
    ],
)
async def test_a_cluster_that_refuses_says_why_once(world: World, trouble: Exception, says: str):
    world.nomad.trouble = trouble

    (why,) = (await matrix(world.ports())).silent

    assert (why.cluster, why.environments, why.why) == ("main", ("staging", "production"), says)


async def test_all_lists_are_asked_for_at_the_same_time(world: World):
    other = await two_clusters(world)
    first, second = asyncio.Event(), asyncio.Event()

    async def meet(mine: asyncio.Event, others: asyncio.Event) -> None:
        mine.set()
        await others.wait()

    world.nomad.hooks.before("listed", partial(meet, first, second))
    other.hooks.before("listed", partial(meet, second, first))

    assert (await matrix(world.ports())).silent == ()


# --- one service -----------------------------------------------------------------------------------------------------


async def pipelined(world: World, count: int) -> None:
    """Production after staging, each with a job of its own; its count is another one."""
    services = {"checkout": a_service(job="checkout-{environment}")}
    known = environments("production", after=(After(environment="staging"),))
    await applied(world, services=services, environments=known)
    world.nomad.parsed = a_job(ID="checkout-staging")
    await deployed(world)
    world.nomad.parsed = a_job(ID="checkout-production")
    world.nomad.parsed["TaskGroups"][0]["Count"] = count
    await succeeded(world)


async def test_of_one_service_the_neighbours_are_compared(world: World):
    await pipelined(world, 6)

    (found,) = (await matrix(world.ports(), "checkout")).differences

    assert (found.before, found.after, found.lines) == ("staging", "production", ("count 2 → 6",))
    assert (await matrix(world.ports())).differences == ()


async def test_what_is_the_same_job_has_no_differences(world: World):
    await pipelined(world, 2)
    (found,) = (await matrix(world.ports(), "checkout")).differences
    assert found.lines == ()


async def test_a_job_that_nobody_deployed_is_compared_with_nothing(world: World):
    await pipelined(world, 6)
    world.nomad.change(a_job("registry.example/checkout:hotfix", ID="checkout-staging"))

    (found,) = (await matrix(world.ports(), "checkout")).differences

    assert found.lines == ("No deploy made the job in staging, so nothing was compared.",)
    assert (await matrix(world.ports(), "checkout", environment="staging")).differences == ()


async def test_where_nothing_succeeded_yet_there_is_nothing_to_compare(world: World):
    await pipelined(world, 6)
    await applied(world, services={**a_catalog().services, "cart": a_service("cart", job="cart-{environment}")})
    assert (await matrix(world.ports(), "cart")).differences == ()


async def test_a_job_that_is_no_longer_kept_is_not_compared(world: World):
    await pipelined(world, 6)
    async with world.store.begin() as tx:
        plan = await tx.plan(1, 1)
        assert plan is not None
        await tx.save_plan(replace(plan, job=""))
    (found,) = (await matrix(world.ports(), "checkout")).differences
    assert "no longer kept" in found.lines[0]


async def test_a_lock_closes_the_places_that_it_covers(world: World):
    await locked(world, "production")
    ((staging, there),) = (await matrix(world.ports())).rows
    assert staging is not None
    assert there is not None
    assert staging.closed == ()
    assert [reason.code for reason in there.closed] == ["locked"]
