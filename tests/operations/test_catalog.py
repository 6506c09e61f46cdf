from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.domain.actor import Operator
from bot.domain.catalog.environment import Cluster, Rule
from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import RECHECK
from bot.errors import TargetGone
from bot.operations.catalog import Applied, apply
from bot.operations.deploys.approve import approve
from bot.operations.deploys.decide import Origin
from bot.operations.worker import dispatch, judge, plan
from tests.builders import ALICE, BOB, a_catalog, a_draft, a_placement, a_plan, a_release, a_service
from tests.operations.acts import (
    applied,
    asked,
    delivered,
    dispatching,
    environments,
    events,
    judged,
    now,
    planned,
    ready,
    rechecked,
    rolling,
    types,
)

if TYPE_CHECKING:
    from bot.domain.catalog.catalog import Catalog
    from tests.fakes import World

ROOT = Operator("root")


def without_production() -> Catalog:
    """A catalog in which checkout goes to staging alone."""
    return a_catalog(services={"checkout": a_service(placements={"staging": a_placement()})})


def re_pointed() -> list[Catalog]:
    """Catalogs that send checkout's production deploys somewhere else."""
    elsewhere = Cluster(name="main", address="http://10.0.0.1:4646")
    return [
        without_production(),
        a_catalog(services={}),
        a_catalog(environments=environments("production", namespace="other")),
        a_catalog(clusters={"main": elsewhere}),
        a_catalog(clusters={"main": replace(a_catalog().clusters["main"], region="eu")}),
        a_catalog(services={"checkout": a_service(job="shop-{environment}")}),
    ]


async def test_the_first_catalog_is_recorded_without_one_before(bare: World):
    answer = await apply(bare.ports(), ROOT, a_catalog())

    assert isinstance(answer, Applied)
    assert (answer.changed, answer.withdrawn) == (True, ())
    (body,) = await events(bare)
    assert (body["type"], body["actor"]) == ("catalog.applied", "operator:root")
    assert body["data"] == {"before": "", "after": a_catalog().fingerprint}


async def test_another_one_names_both_fingerprints_and_wakes_the_worker(world: World):
    rings = world.bell.rings
    other = await applied(world, timezone="Europe/Amsterdam")

    assert (await events(world))[-1]["data"] == {"before": a_catalog().fingerprint, "after": other.fingerprint}
    async with world.store.read() as reading:
        assert (await reading.active_catalog()).fingerprint == other.fingerprint
    assert world.bell.rings == rings + 1


async def test_the_same_again_changes_nothing(world: World):
    before = await events(world)

    answer = await apply(world.ports(), ROOT, a_catalog())

    assert isinstance(answer, Applied)
    assert not answer.changed
    assert await events(world) == before


@pytest.mark.parametrize("state", [asked, planned, ready])
async def test_what_waits_for_a_place_that_is_no_more_is_withdrawn_and_people_are_told(world: World, state):
    deploy = await (
        asked(world, environment="production")
        if state is asked
        else planned(world, "production")
        if state is planned
        else ready(world)
    )

    answer = await apply(world.ports(), ROOT, without_production())
    assert isinstance(answer, Applied)
    assert answer.withdrawn == (deploy,)
    await judged(world)
    await delivered(world)

    deploy = await now(world, deploy)
    assert deploy.status is Status.WITHDRAWN
    (card,) = world.chat.cards.values()
    assert card.deploy == deploy
    (note,) = [note for _, note, _ in world.chat.said if "withdrawn" in note.text]
    assert note.mention == (ALICE.id,)
    body = (await events(world, deploy.id))[-1]
    assert (body["type"], body["actor"]) == ("deploy.withdrawn", "system:catalog")


@pytest.mark.parametrize("catalog", re_pointed())
async def test_what_is_sent_elsewhere_is_withdrawn(world: World, catalog: Catalog):
    deploy = await planned(world, "production")

    await apply(world.ports(), ROOT, catalog)
    await judged(world)

    assert (await now(world, deploy)).status is Status.WITHDRAWN


async def test_a_lane_that_is_quicker_withdraws_it_and_nobody_does_so_twice(world: World):
    deploy = await asked(world, environment="production")
    await apply(world.ports(), ROOT, without_production())
    assert await plan.step(world.ports())
    assert (await now(world, deploy)).status is Status.WITHDRAWN

    await judged(world)

    assert (await types(world, deploy.id)).count("deploy.withdrawn") == 1


@pytest.mark.parametrize("state", [planned, ready])
async def test_until_it_is_withdrawn_nothing_is_done_with_what_is_sent_elsewhere(world: World, state):
    deploy = await (planned(world, "production") if state is planned else ready(world))
    await apply(world.ports(), ROOT, a_catalog(environments=environments("production", namespace="other")))

    with pytest.raises(TargetGone):
        await approve(world.ports(), BOB, deploy.id, plan=1, origin=Origin())
    assert not world.nomad.registers
    await dispatch.step(world.ports())
    world.clock.advance(RECHECK)
    await rechecked(world)

    assert (await now(world, deploy)).status is Status.WITHDRAWN


async def test_many_are_judged_in_more_than_one_batch_and_each_once(world: World):
    async with world.store.begin() as tx:
        await tx.add_release(a_release())
        waiting = {"status": Status.WAITING, "plan": 1, "due_at": world.clock.now() + RECHECK}
        for _ in range(judge.BATCH + 1):
            await tx.add_plan(a_plan((await tx.add_deploy(a_draft(environment="production", **waiting))).id))

    await apply(world.ports(), ROOT, a_catalog(timezone="Europe/Amsterdam"))
    due = []
    while await judge.step(world.ports()):
        async with world.store.read() as reading:
            due.append(sum(each.due_at == world.clock.now() for each in await reading.open_deploys()))

    assert due == [judge.BATCH, judge.BATCH + 1]


@pytest.mark.parametrize("on_its_way", [dispatching, rolling])
async def test_it_is_refused_while_a_deploy_that_it_cuts_is_on_its_way_naming_it(world: World, on_its_way):
    deploy = await on_its_way(world)
    waiting = await planned(world, "production", version="v1.5.0")
    before = await events(world)

    answer = await apply(world.ports(), ROOT, without_production())

    assert isinstance(answer, Refused)
    assert answer.codes == ("catalog-cuts-deploy",)
    assert answer.reasons[0].text.startswith(f"D-1 (checkout to production) is {deploy.status}, and this catalog")
    assert (await now(world, waiting)).status is Status.WAITING
    assert await events(world) == before


@pytest.mark.parametrize("state", [dispatching, rolling])
async def test_what_stays_where_it_is_stops_nothing(world: World, state):
    deploy = await state(world)

    await applied(world, environments=environments("staging", namespace="other"))

    assert await now(world, deploy) == deploy


async def test_waiting_and_ready_ones_are_judged_anew_at_once(world: World):
    waiting = await planned(world, "production")
    held = await ready(world, version="v1.5.0")
    rules = (Rule("sre"), Rule("developers", 2))
    await applied(world, environments=environments("production", approvals=rules))
    assert await dispatch.step(world.ports())
    assert (await now(world, held)).status is Status.WAITING

    await applied(world, environments=environments("production", approvals=()))
    assert await rechecked(world)
    assert await rechecked(world)

    assert {(await now(world, each)).status for each in (waiting, held)} == {Status.READY}


async def test_their_messages_show_the_seats_of_the_new_rules(world: World):
    await planned(world, "production")
    await delivered(world)

    await applied(world, environments=environments("production", approvals=(Rule("sre"),)))
    await delivered(world)

    (card,) = world.chat.cards.values()
    assert [seat.label for seat in card.seating.seats] == ["sre"]


async def test_one_that_is_being_planned_keeps_its_own_time(world: World):
    deploy = await asked(world)

    await applied(world, timezone="Europe/Amsterdam")

    assert await now(world, deploy) == deploy
