"""What a plan replaces: who made the live version, whatever happened to the job meanwhile."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.domain.audit.history import HistoryPage
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.plan import Base, Job, JobState, Plan, fingerprint
from bot.domain.deploy.rollout import NomadDeployment, Observation, RolloutKind
from bot.domain.deploy.sentences import STARTS_STOPPED
from bot.operations.queries.history import history
from bot.operations.queries.status import card
from bot.operations.worker import dispatch, follow
from bot.operations.worker import plan as plan_deploy
from tests.builders import a_job, a_rollout, a_service
from tests.operations.acts import applied, asked, delivered, ended, events, now, planned, ready, succeeded

if TYPE_CHECKING:
    from bot.domain.deploy.deploy import Deploy
    from tests.fakes import World

COMPARE = "https://git.example/{from}...{to}"


async def plan_now(world: World, deploy: Deploy) -> Plan:
    """The deploy's current plan."""
    async with world.store.read() as reading:
        found = await reading.plan(deploy.id, (await now(world, deploy)).plan)
    assert found is not None
    return found


async def base_now(world: World, deploy: Deploy) -> Base:
    """What the current plan of the deploy replaces."""
    found = (await plan_now(world, deploy)).base
    assert found is not None
    return found


async def running(world: World, version: str, image: str = "") -> Deploy:
    """A deploy to staging that succeeded with a job of its own."""
    world.nomad.parsed = a_job(image or f"checkout:{version}")
    return await succeeded(world, version=version)


def stopped(world: World) -> None:
    """An operator's ``nomad job stop``."""
    world.nomad.change({**live(world), "Stop": True})


def live(world: World) -> Job:
    return world.nomad.jobs["checkout"]


async def stepped(world: World) -> None:
    """Plan and dispatch whatever can be, as the worker does, until only rollouts are left."""
    for _ in range(9):
        for step in (plan_deploy.step, dispatch.step):
            await step(world.ports())


async def finished(world: World, deploy: Deploy) -> None:
    """Nomad's deployment of that rollout is successful, and what waits for it goes on."""
    done = NomadDeployment(
        id="d", status="successful", description="", job_version=0, job_spec_modify_index=0, groups=()
    )
    world.nomad.seen = Observation(exists=True, deployment=done)
    world.clock.advance(seconds=60)
    while (await now(world, deploy)).status is Status.ROLLING:
        assert await follow.step(world.ports())


async def test_a_new_job_replaces_nothing(world: World):
    deploy = await planned(world)
    assert await base_now(world, deploy) == Base(state=JobState.ABSENT)
    assert (await plan_now(world, deploy)).from_version is None


async def test_it_is_the_deploy_that_made_the_version_and_its_frozen_job_is_compared(world: World):
    first = await running(world, "v1")
    second = await planned(world, version="v2")
    found = await plan_now(world, second)
    assert found.base == Base(state=JobState.RUNNING, job_version=0, deploy=first.id, version="v1")
    assert found.from_version == "v1"
    (event,) = [each for each in await events(world, second.id) if each["type"] == "deploy.planned"]
    assert (event["data"]["base"]["deploy"], event["data"]["from_version"]) == (first.id, "v1")
    known = world.nomad.known[-1]
    assert known is not None
    assert known.ours is not None
    assert known.ours["TaskGroups"][0]["Tasks"][0]["Config"]["image"] == "checkout:v1"
    assert known.outside == ()


async def test_a_failed_deploy_still_made_the_version_that_runs(world: World):
    await running(world, "v1")
    world.nomad.parsed = a_job("checkout:v2")
    failed = await ended(world, await asked(world, version="v2"), "failed")
    assert failed.status is Status.FAILED

    third = await planned(world, version="v3")

    assert (await base_now(world, third)).deploy == failed.id
    assert (await plan_now(world, third)).from_version == "v2"


async def test_nomads_revert_is_named_by_the_deploy_whose_job_it_restored(world: World):
    first = await running(world, "v1")
    old = live(world)
    world.nomad.parsed = a_job("checkout:v2")
    failed = await ended(world, await asked(world, version="v2"), "failed")
    again = world.nomad.change({name: old[name] for name in a_job()})
    async with world.store.begin() as tx:
        (ours,) = await tx.rollouts(failed.id)
        await tx.save_rollout(replace(ours, reverted_to=0, reverted_as=2))
        version, index = again["Version"], again["JobModifyIndex"]
        revert = {"kind": RolloutKind.REVERT, "job_version": version, "job_modify_index": index}
        await tx.save_rollout(a_rollout(failed.id, 2, **revert))

    third = await planned(world, version="v3")

    found = await base_now(world, third)
    assert (found.deploy, found.version, found.reverted, found.job_version) == (first.id, "v1", True, 2)
    known = world.nomad.known[-1]
    assert known is not None
    assert known.ours is not None


async def test_an_outside_change_names_token_and_date_and_is_handed_on(world: World):
    await running(world, "v1")
    world.nomad.change({**a_job("checkout:hotfix"), "NomadTokenID": "1a2b3c4d-5e6f", "SubmitTime": 10**18})
    second = await planned(world, version="v2")
    found = await plan_now(world, second)
    assert found.from_version is None
    assert found.base is not None
    assert (found.base.job_version, found.base.token, found.base.first) == (1, "1a2b3c4d", False)
    assert found.base.at is not None
    known = world.nomad.known[-1]
    assert known is not None
    assert (known.ours, [version for version, _ in known.outside]) == (None, [0, 1])


async def test_a_scaling_step_is_looked_through(world: World):
    job = a_job("checkout:v1")
    job["TaskGroups"][0]["Scaling"] = {"Min": 1, "Max": 9}
    world.nomad.parsed = job
    first = await succeeded(world, version="v1")
    scaled = a_job("checkout:v1", **{key: live(world)[key] for key in ("Namespace",)})
    scaled["TaskGroups"][0] |= {"Scaling": {"Min": 1, "Max": 9}, "Count": 5}
    world.nomad.change(scaled)

    second = await planned(world, version="v2")

    assert (await base_now(world, second)).deploy == first.id
    known = world.nomad.known[-1]
    assert known is not None
    assert known.ours is not None
    # what the autoscaler did is no change: the frozen job is compared with the count that runs
    assert known.ours["TaskGroups"][0]["Count"] == 5


def scaled_to(count: int, image: str = "checkout:v2") -> Job:
    """A job whose counts an autoscaler owns."""
    job = a_job(image, Namespace="staging")
    job["TaskGroups"][0] |= {"Scaling": {"Min": 1, "Max": 9}, "Count": count}
    return job


async def autoscaled(world: World, image: str = "checkout:v2") -> None:
    """More steps of an autoscaler than Nomad keeps versions."""
    for count in range(1, 9):
        world.nomad.change(scaled_to(count, image))
    for name, version in list(world.nomad.kept):
        if version < live(world)["Version"] - 5:
            del world.nomad.kept[name, version]


async def test_what_nomad_no_longer_keeps_is_known_by_its_content(world: World):
    world.nomad.parsed = scaled_to(2)
    first = await succeeded(world, version="v2.0.0")
    await autoscaled(world)

    older = await planned(world, version="v1.0.0")

    found = await plan_now(world, older)
    assert found.base == Base(state=JobState.RUNNING, job_version=0, deploy=first.id, version="v2.0.0")
    assert found.warnings[0] == "It replaces v2.0.0 by the older v1.0.0."
    known = world.nomad.known[-1]
    assert known is not None
    assert known.ours == scaled_to(8)


async def test_a_restored_version_that_nomad_no_longer_keeps_is_known_too(world: World):
    world.nomad.parsed = scaled_to(2)
    first = await succeeded(world, version="v2")
    world.nomad.parsed = scaled_to(2, "checkout:v3")
    failed = await ended(world, await asked(world, version="v3"), "failed")
    again = world.nomad.change(scaled_to(2))
    async with world.store.begin() as tx:
        (ours,) = await tx.rollouts(failed.id)
        await tx.save_rollout(replace(ours, reverted_to=0, reverted_as=2))
        revert = {"job_version": again["Version"], "job_modify_index": again["JobModifyIndex"]}
        await tx.save_rollout(a_rollout(failed.id, 2, kind=RolloutKind.REVERT, **revert))
    await autoscaled(world)

    found = await base_now(world, await planned(world, version="v4"))

    assert (found.deploy, found.version, found.reverted) == (first.id, "v2", True)


async def test_another_job_is_not_taken_for_one_that_nomad_no_longer_keeps(world: World):
    world.nomad.parsed = scaled_to(2)
    await succeeded(world, version="v2")
    await autoscaled(world, "checkout:hotfix")

    found = await plan_now(world, await planned(world, version="v3"))

    assert found.from_version is None
    assert found.base is not None
    assert (found.base.deploy, found.base.job_version) == (None, 3)


async def test_three_overlapping_deploys_replace_what_ran_before_each(world: World):
    await applied(world, services={"checkout": a_service(compare=COMPARE)})
    before = await running(world, "v2.1.2")
    three = []
    for version in ("v2.2.0", "v2.2.1", "v2.2.2"):
        world.nomad.parsed = a_job(f"checkout:{version}")
        three.append(await asked(world, version=version))
        await stepped(world)
        world.clock.advance(seconds=1)
    for deploy in three:
        await finished(world, deploy)
        await stepped(world)

    assert [(await now(world, each)).status for each in three] == [Status.SUCCEEDED] * 3
    assert [(await base_now(world, each)).deploy for each in three] == [before.id, three[0].id, three[1].id]
    expected = ["v2.1.2", "v2.2.0", "v2.2.1"]
    assert [(await plan_now(world, each)).from_version for each in three] == expected
    page = await history(world.ports(), "checkout", "staging", None, 9)
    assert isinstance(page, HistoryPage)
    told = {entry.deploy_id: (entry.from_version, entry.base) for entry in page.entries}
    for each, version in zip(three, expected, strict=True):
        assert told[each.id] == (version, await base_now(world, each))
        shown = await card(world.ports(), each.id)
        assert shown is not None
        assert shown.links["Compare"] == f"https://git.example/{version}...{each.version}"
    # our own deploys are nobody else's
    for each in three:
        assert all("outside" not in line for line in (await plan_now(world, each)).moved)


async def test_our_own_deploy_in_between_is_named(world: World):
    waiting = await planned(world, "production", version="v1")
    world.nomad.parsed = a_job("checkout:v2")
    other = await ready(world, version="v2")
    await stepped(world)
    assert (await now(world, other)).status is Status.ROLLING
    # in production nobody has approved the first one yet, and it was planned against no job
    found = await plan_now(world, waiting)
    assert found.number == 2
    assert found.moved[0] == f"{other.number} (v2) was deployed meanwhile."
    assert found.moved[1].endswith(f"changed by {other.number}")


# --- stopped, absent, running ----------------------------------------------------------------------------------------


async def approved(world: World) -> Deploy:
    """A production deploy that is ready, over a job of our own."""
    first = await ready(world, version="v1")
    await stepped(world)
    await finished(world, first)
    return await ready(world, version="v2")


async def test_a_job_that_was_stopped_after_the_approval_is_not_started(world: World):
    deploy = await approved(world)
    stopped(world)

    await stepped(world)
    await delivered(world)

    assert (await now(world, deploy)).status is Status.WAITING
    assert live(world)["Stop"]
    async with world.store.read() as reading:
        assert [each.void for each in await reading.approvals(deploy.id)] == ["the plan changed"] * 2
    found = await plan_now(world, deploy)
    assert found.moved[0] == "The job was stopped in Nomad."
    assert found.base is not None
    assert (found.base.state, found.base.version) == (JobState.STOPPED, "v1")
    assert found.warnings == (STARTS_STOPPED,)
    causes = [each["data"]["cause"] for each in await events(world, deploy.id) if each["type"] == "deploy.replanning"]
    assert causes[-1] == "The job was stopped in Nomad."
    told = next(note for _, note, _ in world.chat.said if "no longer count" in note.text)
    assert told.lines[0] == "The job was stopped in Nomad."
    known = world.nomad.known[-1]
    # only the live job tells that it is stopped
    assert known is not None
    assert known.ours is None


async def test_approvals_of_a_plan_that_starts_a_stopped_job_hold(world: World):
    first = await ready(world, version="v1")
    await stepped(world)
    await finished(world, first)
    stopped(world)
    deploy = await ready(world, version="v2")

    await stepped(world)

    assert (await now(world, deploy)).status is Status.ROLLING
    assert not live(world).get("Stop")


async def test_a_job_that_was_purged_after_the_approval_is_planned_anew(world: World):
    deploy = await approved(world)
    world.nomad.jobs.clear()

    await stepped(world)

    assert (await now(world, deploy)).status is Status.WAITING
    found = await plan_now(world, deploy)
    assert found.moved[0] == "The job no longer exists in Nomad."
    assert (found.base, found.base_index) == (Base(state=JobState.ABSENT), 0)


async def from_before_the_upgrade(world: World, deploy: Deploy) -> str:
    """The deploy is planned again, and its plan has a fingerprint of format 1, which this returns."""
    plan = await plan_now(world, deploy)
    how = {"release": deploy.release, "environment": deploy.environment}
    older = fingerprint(json.loads(plan.job), live(world), number=1, **how)
    async with world.store.begin() as tx:
        locked = await tx.lock_deploy(deploy.id)
        assert locked is not None
        await tx.add_plan(replace(plan, number=2, fingerprint=older, base=None))
        for approval in await tx.approvals(deploy.id):
            await tx.save_approval(replace(approval, plan=2))
        again = locked.advance(Status.PLANNING, world.clock.now(), plan=2, due_at=world.clock.now())
        await tx.save_deploy(again)
    return older


async def test_an_upgrade_voids_no_approval_of_an_older_plan(world: World):
    deploy = await approved(world)
    older = await from_before_the_upgrade(world, deploy)

    assert await plan_deploy.step(world.ports())

    assert (await now(world, deploy)).status is Status.READY
    assert ((await plan_now(world, deploy)).fingerprint, (await plan_now(world, deploy)).number) == (older, 3)


async def test_a_stop_voids_an_older_plan_too(world: World):
    deploy = await approved(world)
    await from_before_the_upgrade(world, deploy)
    stopped(world)

    assert await plan_deploy.step(world.ports())

    assert (await now(world, deploy)).status is Status.WAITING
    assert (await plan_now(world, deploy)).moved[0] == "The job is stopped in Nomad."


async def test_a_stop_voids_an_older_plan_also_after_it_was_planned_again(world: World):
    deploy = await approved(world)
    older = await from_before_the_upgrade(world, deploy)
    assert await plan_deploy.step(world.ports())
    assert (await plan_now(world, deploy)).fingerprint == older
    async with world.store.begin() as tx:
        locked = await tx.lock_deploy(deploy.id)
        assert locked is not None
        await tx.save_deploy(locked.advance(Status.PLANNING, world.clock.now(), due_at=world.clock.now()))
    stopped(world)

    assert await plan_deploy.step(world.ports())

    assert (await now(world, deploy)).status is Status.WAITING
    assert (await plan_now(world, deploy)).moved


# --- the first deploy over a job that runs ---------------------------------------------------------------------------


async def test_the_first_deploy_over_a_running_job_is_marked(world: World):
    world.nomad.change({**a_job("report:old"), "NomadTokenID": "1a2b3c4d-5e6f"})
    deploy = await planned(world)
    found = await base_now(world, deploy)
    assert (found.first, found.token, found.job_version) == (True, "1a2b3c4d", 0)
    known = world.nomad.known[-1]
    assert known is not None
    assert known.outside == ()


async def test_a_job_that_was_purged_and_registered_by_hand_is_a_first_again(world: World):
    await running(world, "v1")
    world.nomad.jobs.clear()
    world.nomad.kept.clear()
    world.nomad.change(a_job("checkout:hand"))
    assert (await base_now(world, await planned(world, version="v2"))).first


async def test_it_is_none_where_ours_ran_before(world: World):
    await running(world, "v1")
    # Nomad has forgotten our version, but the database has not
    for number in range(3):
        world.nomad.change(a_job(f"checkout:hand{number}"))
    world.nomad.kept = {key: job for key, job in world.nomad.kept.items() if key[1] > 0}
    deploy = await planned(world, version="v2")
    assert not (await base_now(world, deploy)).first


async def test_deploys_to_where_the_catalog_pointed_before_do_not_count(world: World):
    await running(world, "v1")
    await applied(world, services={"checkout": a_service(job="shop")})
    world.nomad.parsed = {**a_job("checkout:hand"), "ID": "shop"}
    world.nomad.change({**a_job("checkout:hand"), "ID": "shop"})
    world.nomad.jobs["shop"]["CreateIndex"] = 0
    assert (await base_now(world, await planned(world, version="v2"))).first


# --- a version that nobody can name yet ------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [Status.DISPATCHING, Status.ROLLING])
async def test_a_version_that_may_be_of_a_running_deploy_is_not_called_outside(world: World, status):
    await running(world, "v1")
    other = await planned(world, version="v2")
    world.clock.advance(seconds=1)
    mine = await asked(world, version="v3")
    async with world.store.begin() as tx:
        locked = await tx.lock_deploy(other.id)
        assert locked is not None
        await tx.save_deploy(replace(locked, status=status))
    # it has landed, or Nomad has reverted it, and the database does not know yet
    world.nomad.change(a_job("checkout:v2"))

    assert await plan_deploy.step(world.ports())

    held = await now(world, mine)
    assert held.status is Status.PLANNING
    assert held.blocked[0].text == f"Nomad: job version 1 may come from {other.number}, which has not ended"
