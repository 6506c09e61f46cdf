"""The gate of `after` asks Nomad: what does not run there any more does not go on, and a break is not forgotten."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.catalog.environment import After, Require
from bot.domain.decision import Reason, Refused
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.dispatch import Answer
from bot.domain.deploy.rollout import Observation
from bot.errors import AmbiguousCommit, NomadForbidden, NomadUnavailable, StoreBusy
from bot.operations.deploys.request import Requested, request
from bot.operations.worker import dispatch, offer
from tests.builders import ALICE, a_job, a_service, an_allocation
from tests.operations.acts import (
    HERE,
    SOAK,
    after_staging,
    an_ask,
    applied,
    change,
    delivered,
    environments,
    events,
    now,
    planned,
    ready,
    succeeded,
    types,
)

if TYPE_CHECKING:
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.plan import Job
    from tests.fakes import World

STAGING = "checkout-staging"
SECOND = timedelta(seconds=1)
TODO = "Deploy it there: `/deploy checkout v1.4.2 to staging`."
TIMED_OUT = NomadUnavailable("timed out")


def scaled(count: int) -> list[dict[str, Any]]:
    return [{**a_job()["TaskGroups"][0], "Count": count, "Scaling": {"Min": 1, "Max": 9}}]


async def running(world: World, **after: Any) -> Deploy:
    """v1.4.2 has run in staging for its soak, and has to run there to go on."""
    await after_staging(world, **{"require": Require.RUNNING, **after})
    deploy = await succeeded(world)
    world.clock.advance(SOAK)
    return deploy


def changed(world: World, **changes: Any) -> Job:
    """Somebody registers a new version of staging's job in Nomad, now."""
    nanoseconds = int(world.clock.now().timestamp()) * 1_000_000_000
    return world.nomad.change({**world.nomad.jobs[STAGING], "SubmitTime": nanoseconds, **changes})


async def requested(world: World) -> Deploy | Reason:
    """Alice's request for production, or the first reason why not."""
    answer = await request(world.ports(), ALICE, an_ask(environment="production"), origin=HERE)
    return answer.reasons[0] if isinstance(answer, Refused) else answer.deploy


async def code(world: World) -> str:
    """Why a request for production is refused; empty if it is not."""
    answer = await request(world.ports(), ALICE, an_ask(environment="production"), origin=HERE)
    return "" if isinstance(answer, Requested) else answer.codes[0]


async def test_what_nomad_runs_as_it_was_proved_may_go_on(world: World):
    await running(world)

    assert await code(world) == ""


PUT_BACK = "The job was stopped or changed in Nomad, and put back."
BREAKS = {
    "stopped": ([{"Stop": True}], "The job was stopped in Nomad."),
    "another": ([{"Priority": 70}], "Job version 1 was registered outside Nomatron."),
    "started again": ([{"Stop": True}, {"Stop": False}], PUT_BACK),
    "changed back": ([{"Priority": 70}, {"Priority": 50}], PUT_BACK),
}


@pytest.mark.parametrize(("steps", "said"), BREAKS.values(), ids=BREAKS)
async def test_what_does_not_run_there_any_more_is_refused_with_what_does_and_since_when(world: World, steps, said):
    world.nomad.parsed = a_job(Priority=50)
    deploy = await running(world)
    world.clock.advance(SECOND)
    broken_at = world.clock.now()
    for each in steps:
        changed(world, **each)
    world.clock.advance(5 * SECOND)

    reason = await requested(world)

    assert reason == Reason("not-running", f"staging no longer runs v1.4.2. {said} {TODO}", since=broken_at)
    (event,) = [each for each in await events(world, deploy.id) if each["type"] == "deploy.deviated"]
    assert (event["actor"], event["data"]["detail"]) == ("system:watch", said)
    assert event["data"]["since"] == broken_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def test_a_purge_ends_it_when_it_is_seen_also_if_the_same_is_registered_again(world: World):
    deploy = await running(world)
    job = world.nomad.jobs.pop(STAGING)
    world.clock.advance(SECOND)

    reason = await requested(world)

    gone = f"staging no longer runs v1.4.2. The job no longer exists in Nomad. {TODO}"
    assert reason == Reason("not-running", gone, since=world.clock.now())
    # even a restore from a snapshot, which brings version and index back, is no run without a break
    world.nomad.jobs[STAGING] = job
    assert await code(world) == "not-running"
    assert (await types(world, deploy.id)).count("deploy.deviated") == 1


async def test_a_break_ends_the_soak_and_the_next_one_begins_where_it_is_found_running_well(world: World):
    await running(world, require=Require.PASSED, soak=4 * SOAK)
    changed(world, Stop=True)
    world.clock.advance(4 * SOAK)
    broken = await requested(world)
    assert (broken.code, broken.text) == (
        "soak-broken",
        f"v1.4.2 ran in staging for only 10s; it has to run there for 40s. The job was stopped in Nomad. {TODO}",
    )
    changed(world, Stop=False)
    assert await code(world) == "soak-broken"

    found = await unchanged(world)

    assert await code(world) == "soaking"
    world.clock.advance(4 * SOAK)
    assert await code(world) == ""
    assert (await now(world, found)).deviation is None


async def unchanged(world: World) -> Deploy:
    """The same again for staging, where it is found running well."""
    live = world.nomad.jobs[STAGING]
    world.nomad.unchanged = True
    index = live["JobModifyIndex"]
    running = tuple(an_allocation(id=each, job_version=live["Version"]) for each in ("a-1", "a-2"))
    world.nomad.seen = Observation(
        exists=True, current_version=live["Version"], index=index, wanted={"web": 2}, allocations=running
    )
    deploy = await planned(world)
    world.nomad.unchanged = False
    assert deploy.status is Status.UNCHANGED
    return deploy


async def test_a_break_that_nobody_saw_was_over_when_it_was_found_running_well(world: World):
    await after_staging(world, soak=2 * SOAK)
    first = await succeeded(world)
    world.clock.advance(SECOND)
    # without the time of either, as Nomad has none of a revert
    for each in ({"Stop": True}, {"Stop": False}):
        world.nomad.change({**world.nomad.jobs[STAGING], **each})
    world.clock.advance(SECOND)
    found = await unchanged(world)
    world.clock.advance(2 * SOAK - SECOND)

    assert await code(world) == "soaking"

    seen = (await now(world, first)).deviation
    assert seen is not None
    assert (seen.at, (await now(world, found)).deviation) == (found.changed_at, None)
    world.clock.advance(SECOND)
    assert await code(world) == ""


async def test_what_changed_nothing_is_compared_with_what_its_plan_found(world: World):
    await after_staging(world, require=Require.RUNNING, soak=timedelta(0))
    world.nomad.change(a_job(ID=STAGING))
    deploy = await unchanged(world)
    assert await code(world) == ""

    changed(world, Priority=70)

    assert await code(world) == "not-running"
    assert (await now(world, deploy)).deviation is not None


@pytest.mark.parametrize("dropped", [False, True])
async def test_a_scaling_step_is_no_break_even_where_nomad_keeps_nothing_from_before(world: World, dropped):
    world.nomad.parsed = a_job(TaskGroups=scaled(2))
    await running(world)
    for count in (3, 4):
        changed(world, TaskGroups=scaled(count))
    if dropped:
        del world.nomad.kept[STAGING, 0]

    assert await code(world) == ""


async def test_while_nomad_does_not_answer_nothing_is_requested_and_nothing_lost(world: World):
    deploy = await running(world)
    for trouble in (TIMED_OUT, NomadForbidden("403")):
        world.nomad.trouble = trouble

        reason = await requested(world)

        assert isinstance(reason, Reason)
        assert reason.code == "running-unknown"
        assert reason.text == f"Nomatron cannot tell whether staging still runs v1.4.2. Nomad: {trouble}"
    assert "deploy.deviated" not in await types(world, deploy.id)
    world.nomad.trouble = None
    assert await code(world) == ""


async def never() -> None:
    await asyncio.Event().wait()


async def test_a_cluster_that_hangs_is_not_waited_for(world: World):
    await running(world)
    world.limits = replace(world.limits, ask=timedelta(milliseconds=10))
    world.nomad.hooks.before("job", never)

    reason = await requested(world)

    assert isinstance(reason, Reason)
    assert (reason.code, reason.text.endswith(". Nomad did not answer in time. Try again in a minute.")) == (
        "running-unknown",
        True,
    )


@pytest.mark.parametrize("error", [StoreBusy("the database is busy"), AmbiguousCommit("the connection was lost")])
async def test_a_deviation_that_cannot_be_recorded_leaves_the_request_undoubted(world: World, error):
    deploy = await running(world)
    changed(world, Stop=True)
    world.store.hooks.before("begin", error)
    assert await code(world) == "running-unknown"
    assert "deploy.deviated" not in await types(world, deploy.id)

    assert await code(world) == "not-running"
    assert (await types(world, deploy.id)).count("deploy.deviated") == 1


async def test_a_soak_needs_no_answer(world: World):
    await running(world, require=Require.PASSED)
    world.nomad.trouble = TIMED_OUT

    assert await code(world) == ""


async def test_nobody_is_asked_about_what_may_not_go_on_anyway(world: World):
    calls = counted(world)
    await after_staging(world, require=Require.RUNNING)
    await succeeded(world)
    calls.clear()

    assert await code(world) == "soaking"

    assert calls == []


def counted(world: World) -> list[str]:
    """Each time that a job is read from Nomad from now on."""
    calls: list[str] = []

    async def count() -> None:
        calls.append("job")

    world.nomad.hooks.before("job", count, always=True)
    return calls


async def test_another_job_than_the_catalog_names_now_proves_nothing(world: World):
    await running(world)
    rule = After(environment="staging", require=Require.RUNNING)
    services = {"checkout": a_service(job="checkout-new-{environment}")}
    await applied(world, environments=environments("production", after=(rule,)), services=services)

    reason = await requested(world)

    elsewhere = "The catalog now deploys checkout in staging to another cluster, namespace or job than D-1."
    assert reason == Reason("not-running", f"{elsewhere} {TODO}")


async def test_a_version_that_may_be_of_a_deploy_of_ours_is_no_break_yet(world: World):
    deploy = await running(world)
    other = await planned(world, version="v1.4.3")
    world.nomad.answers, world.nomad.apply = [Answer.UNKNOWN], False
    assert await dispatch.step(world.ports())
    assert (await now(world, other)).status is Status.DISPATCHING
    changed(world, Priority=70)

    reason = await requested(world)

    assert isinstance(reason, Reason)
    assert reason.text.endswith("Nomad: job version 1 may come from D-2, which has not ended")
    assert (await now(world, deploy)).deviation is None


@pytest.mark.parametrize("kind", ["batch", "sysbatch"])
async def test_a_batch_job_that_nomad_no_longer_keeps_has_soaked_but_does_not_run(world: World, kind):
    world.nomad.parsed = a_job(Type=kind)
    deploy = await running(world, require=Require.PASSED)
    del world.nomad.jobs[STAGING]
    assert await code(world) == ""

    await after_staging(world, require=Require.RUNNING)

    reason = await requested(world)
    assert isinstance(reason, Reason)
    gone = "The batch job of D-1 has finished, and Nomad no longer has it."
    again = "Deploy it there: `/deploy checkout v1.4.2 to staging`."
    assert (reason.code, reason.text) == ("not-running", f"{gone} {again}")
    assert (await now(world, deploy)).deviation is None


async def test_of_two_looks_at_once_the_first_to_see_it_is_recorded(world: World):
    deploy = await running(world)
    changed(world, Stop=True)
    world.clock.advance(SECOND)

    async def look_too() -> None:
        assert await code(world) == "not-running"

    world.nomad.hooks.before("versions", look_too)

    assert await code(world) == "not-running"
    assert (await types(world, deploy.id)).count("deploy.deviated") == 1


class TestAtTheClaim:
    async def held(self, world: World, deploy: Deploy) -> Reason:
        """Why the deploy does not go, as its message says it; nothing was sent to production."""
        assert await dispatch.step(world.ports())
        await delivered(world)
        found = await now(world, deploy)
        assert found.status is Status.READY
        (card,) = [each for each in world.chat.cards.values() if each.deploy.id == deploy.id]
        assert card.deploy.blocked == found.blocked
        assert "checkout-production" not in world.nomad.jobs
        return found.blocked[0]

    async def test_what_no_longer_runs_there_is_held_until_it_is_found_running_well_again(self, world: World):
        await running(world, soak=timedelta(0))
        deploy = await ready(world)
        changed(world, Stop=True)

        reason = await self.held(world, deploy)

        stopped = f"staging no longer runs v1.4.2. The job was stopped in Nomad. {TODO}"
        assert reason == Reason("not-running", stopped, since=world.clock.now())
        world.clock.advance(SECOND)
        changed(world, Stop=False)
        await unchanged(world)
        world.clock.advance(dispatch.ASK_AGAIN)
        assert await dispatch.step(world.ports())
        assert (await now(world, deploy)).status is Status.ROLLING

    async def test_while_nomad_cannot_tell_it_stays_ready_and_says_since_when(self, world: World):
        await running(world)
        deploy = await ready(world)
        since = world.clock.now()
        # its own job is read first
        world.nomad.hooks.before("job", None, TIMED_OUT, None, TIMED_OUT)
        first = await self.held(world, deploy)
        world.clock.advance(dispatch.ASK_AGAIN)

        assert await self.held(world, deploy) == first

        unknown = "Nomatron cannot tell whether staging still runs v1.4.2. Nomad: timed out"
        assert first == Reason("running-unknown", unknown, since=since)
        world.clock.advance(dispatch.ASK_AGAIN)
        assert await dispatch.step(world.ports())
        assert (await now(world, deploy)).status is Status.ROLLING

    async def test_a_soak_that_was_whole_asks_nobody(self, world: World):
        await running(world, require=Require.PASSED)
        deploy = await ready(world)
        calls = counted(world)

        assert await dispatch.step(world.ports())

        assert (await now(world, deploy)).status is Status.ROLLING
        assert len(calls) == 1

    async def test_under_a_catalog_that_asks_for_it_only_since_the_look_it_is_looked_again(self, world: World):
        await running(world, require=Require.PASSED)
        deploy = await ready(world)

        async def ask_for_more() -> None:
            await after_staging(world, require=Require.RUNNING)

        world.directory.hooks.before("membership", ask_for_more)

        assert (await self.held(world, deploy)).code == "running-unknown"
        world.clock.advance(dispatch.ASK_AGAIN)
        assert await dispatch.step(world.ports())
        assert (await now(world, deploy)).status is Status.ROLLING


class TestWhileItSoaks:
    async def looked(self, world: World) -> None:
        while await offer.step(world.ports()):
            pass

    async def test_it_is_watched_each_minute_and_once_when_it_has_soaked(self, world: World):
        await after_staging(world, soak=timedelta(seconds=90))
        await succeeded(world)
        calls = counted(world)
        seen = []
        for pause in (0, 30, 30, 29, 1, 60, 60):
            world.clock.advance(timedelta(seconds=pause))
            await self.looked(world)
            seen.append(len(calls))

        assert seen == [1, 1, 2, 2, 3, 3, 3]

    async def test_a_break_is_seen_kept_and_told_when_somebody_asks(self, world: World):
        await after_staging(world, soak=timedelta(minutes=5))
        deploy = await succeeded(world)
        await self.looked(world)
        world.clock.advance(timedelta(minutes=1))
        job = world.nomad.jobs.pop(STAGING)

        await self.looked(world)

        world.nomad.jobs[STAGING] = job
        seen = (await now(world, deploy)).deviation
        assert seen is not None
        assert seen.at == world.clock.now()
        world.clock.advance(timedelta(minutes=10))
        await self.looked(world)
        assert (await now(world, deploy)).offers == ()
        assert await code(world) == "soak-broken"

    async def test_while_nomad_does_not_answer_nothing_is_seen(self, world: World):
        await after_staging(world)
        deploy = await succeeded(world)
        world.nomad.trouble = TIMED_OUT
        world.clock.advance(SOAK)

        await self.looked(world)

        assert (await now(world, deploy)).offers == ("production",)

    async def test_a_catalog_without_a_soak_watches_nothing(self, world: World):
        await after_staging(world, soak=timedelta(0), require=Require.RUNNING)
        await succeeded(world)
        calls = counted(world)

        await self.looked(world)

        assert calls == []

    async def test_a_deploy_that_is_due_for_no_look_has_none(self, world: World):
        """Somebody else finished its offers between the claim and the look."""
        await after_staging(world)
        deploy = await succeeded(world)
        calls = counted(world)

        async def finish() -> None:
            await change(world, replace(await now(world, deploy), due_at=None))

        world.store.hooks.before("read", finish)
        await self.looked(world)

        assert calls == []
