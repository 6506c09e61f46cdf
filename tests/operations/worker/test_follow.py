from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.catalog.catalog import Catalog
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.rollout import (
    AllocationState,
    GroupHealth,
    Observation,
    RolloutKind,
    RolloutStatus,
    TaskFailure,
)
from bot.domain.deploy.sentences import waiting_for
from bot.errors import NomadForbidden, NomadUnavailable
from bot.gateways.nomad.rollouts.deployments import nomad_deployment
from bot.operations.worker import follow
from bot.operations.worker.nudge import nudge, nudge_all
from bot.ports.nomad import JobEvent
from tests.builders import ALICE, a_service
from tests.operations.acts import applied, change, delivered, environments, events, now, rolling, rollouts, texts, types

if TYPE_CHECKING:
    from bot.domain.deploy.deploy import Deploy
    from tests.fakes import World


def seen(status: str = "running", *, healthy: int = 1, said: str = "", **changes) -> Observation:
    """Our deployment of two allocations, in some state."""
    group = GroupHealth(name="web", desired=2, placed=2, healthy=healthy)
    words = {"Status": status, "StatusDescription": said}
    found = nomad_deployment({"ID": "d-1", "JobVersion": 0, "JobSpecModifyIndex": 101, **words})
    deployment = replace(found, groups=(group,))
    return Observation(**{"exists": True, "deployment": deployment, "wanted": {"web": 2}, **changes})


def crashed() -> AllocationState:
    """An allocation whose task ended."""
    failure = TaskFailure(
        allocation="a-1", group="web", task="app", event="Terminated", message="no database", exit_code=3
    )
    return AllocationState(
        id="a-1", group="web", job_version=0, client_status="failed", desired_status="run", failure=failure
    )


UNHEALTHY = TaskFailure(allocation="a-1", group="web", task="", event="Alloc Unhealthy", message="not healthy")


async def followed(world: World, deploy: Deploy, nomad_says: Observation) -> Deploy:
    """The deploy after the next look."""
    world.nomad.seen = nomad_says
    world.clock.advance(follow.POLL)
    assert await follow.step(world.ports())
    return await now(world, deploy)


FAILED = "Failed due to unhealthy allocations"
REVERTING = f"{FAILED} - rolling back to job version 0"


async def reverting(world: World) -> Deploy:
    """A failed deploy that Nomad is taking back by itself, as version 2."""
    deploy = await rolling(world)
    return await followed(world, deploy, seen("failed", said=REVERTING, allocations=(crashed(),), reverted_to=(2, 130)))


async def test_there_is_nothing_to_do_without_a_rollout(world: World):
    assert not await follow.step(world.ports())


async def test_while_it_runs_its_counters_are_shown_and_it_is_looked_at_again(world: World):
    deploy = await followed(world, await rolling(world), seen(healthy=1))
    await delivered(world)

    assert deploy.status is Status.ROLLING
    assert deploy.due_at == world.clock.now() + follow.POLL
    (rollout,) = await rollouts(world, deploy)
    assert (rollout.healthy, rollout.wanted, rollout.nomad_deployment) == (1, 2, "d-1")
    (card,) = world.chat.cards.values()
    assert card.rollouts == (rollout,)


class TestWhileTheEventStreamIsRead:
    @pytest.fixture(autouse=True)
    def read(self, world: World) -> None:
        world.nomad.silence = timedelta(seconds=1)

    async def test_a_quiet_rollout_is_looked_at_twelve_times_an_hour_and_an_event_brings_one_look(self, world: World):
        deploy = await rolling(world)
        world.nomad.seen = seen(progress_deadline=timedelta(hours=2))
        looks = 0
        for _ in range(360):
            looks += await follow.step(world.ports())
            world.clock.advance(seconds=10)
        assert looks == 12

        assert await follow.step(world.ports())
        world.clock.advance(seconds=10)
        due = (await now(world, deploy)).due_at
        assert await nudge(world.ports(), "main", [JobEvent("production", "checkout")] * 2) == 1
        assert await follow.step(world.ports())
        assert not await follow.step(world.ports())
        assert due != (await now(world, deploy)).due_at

    async def test_what_time_alone_makes_of_it_is_not_missed(self, world: World):
        deploy = await rolling(world)
        world.nomad.seen = seen(progress_deadline=timedelta(minutes=1))
        assert await follow.step(world.ports())
        idle = timedelta(minutes=11)
        for wait in (follow.SLOW_POLL, follow.SLOW_POLL):
            world.clock.advance(wait)
            assert await follow.step(world.ports())
        assert (await now(world, deploy)).due_at == deploy.changed_at + idle
        world.clock.advance(idle - 2 * follow.SLOW_POLL)
        assert await follow.step(world.ports())
        assert "deploy.stuck" in await types(world, deploy.id)

    async def test_when_it_breaks_it_is_polled(self, world: World):
        deploy = await rolling(world)
        world.nomad.seen = seen()
        assert await follow.step(world.ports())
        assert (await now(world, deploy)).due_at == world.clock.now() + follow.SLOW_POLL
        world.nomad.silence = timedelta(0)
        await nudge_all(world.ports(), deploy.lane)
        assert await follow.step(world.ports())
        assert (await now(world, deploy)).due_at == world.clock.now() + follow.POLL

    async def test_no_look_hashes_the_catalog_which_may_be_large(self, world: World, monkeypatch: pytest.MonkeyPatch):
        deploy = await rolling(world)
        hashed: list[Catalog] = []
        monkeypatch.setattr(Catalog, "fingerprint", property(hashed.append))
        assert (await followed(world, deploy, seen())).due_at == world.clock.now() + follow.SLOW_POLL
        assert hashed == []

    async def test_a_revert_is_polled_which_no_event_makes_due(self, world: World):
        deploy = await reverting(world)
        assert deploy.due_at == world.clock.now() + follow.POLL
        assert (await followed(world, deploy, seen())).due_at == world.clock.now() + follow.POLL

    async def test_where_the_catalog_in_force_has_the_job_no_more_it_is_polled(self, world: World):
        moved = await rolling(world)
        catalog = await applied(world, timezone="Europe/Amsterdam")
        assert (await followed(world, moved, seen())).due_at == world.clock.now() + follow.SLOW_POLL
        async with world.store.begin() as tx:
            elsewhere = {"checkout": a_service(job="{environment}-checkout")}
            await tx.apply_catalog(replace(catalog, services=elsewhere), world.clock.now())
        await change(world, replace(await now(world, moved), due_at=world.clock.now()))
        assert (await followed(world, moved, seen())).due_at == world.clock.now() + follow.POLL


async def test_a_look_that_sees_nothing_new_says_nothing(world: World):
    deploy = await followed(world, await rolling(world), seen())
    await delivered(world)
    before = (world.chat.drawn, await events(world))

    await followed(world, deploy, seen())
    await delivered(world)

    assert (world.chat.drawn, await events(world)) == before


async def test_success_ends_it_and_its_requester_is_told(world: World):
    deploy = await rolling(world)

    deploy = await followed(world, deploy, seen("successful", healthy=2, said="Deployment completed successfully"))
    await delivered(world)

    # due once more: it may be promoted now
    assert (deploy.status, deploy.due_at) == (Status.SUCCEEDED, deploy.changed_at)
    body = (await events(world, deploy.id))[-1]
    assert (body["type"], body["data"]["seconds"]) == ("deploy.succeeded", 10)
    said = next(note for _, note, _ in world.chat.said if "succeeded in" in note.text)
    assert (said.text, said.mention, said.lines) == (
        "checkout v1.4.2 succeeded in production: Deployment completed successfully",
        (ALICE.id,),
        (),
    )
    assert not await follow.step(world.ports())


async def test_failure_shows_nomads_reason_and_the_first_failed_task_with_its_exit_code(world: World):
    deploy = await rolling(world)

    deploy = await followed(world, deploy, seen("failed", said=FAILED, allocations=(crashed(),)))
    await delivered(world)

    assert deploy.status is Status.FAILED
    assert deploy.detail.startswith(FAILED)
    assert (await types(world, deploy.id))[-1] == "deploy.failed"
    said = next(note for _, note, _ in world.chat.said if "failed" in note.text)
    assert said.text == f"D-1 failed: {deploy.detail}"
    assert said.lines == ("web/app, allocation a-1: Terminated (exit code 3): no database",)
    assert not await follow.step(world.ports())


async def with_logs(world: World, lines: int) -> Deploy:
    """A rolling deploy of an environment whose threads get that many lines of a failed task's log."""
    await applied(world, environments=environments("production", logs=lines))
    deploy = await rolling(world)
    world.nomad.logs["a-1", "app"] = "begin\nconnecting\nno database"
    return deploy


@pytest.mark.parametrize(
    ("lines", "log"), [(0, ""), (2, "connecting\nno database"), (100, "begin\nconnecting\nno database")]
)
async def test_the_thread_gets_the_end_of_the_failed_tasks_log_where_the_environment_asks(world: World, lines, log):
    deploy = await followed(world, await with_logs(world, lines), seen("failed", said=FAILED, allocations=(crashed(),)))
    await delivered(world)

    (said,) = [note for _, note, _ in world.chat.said if "failed" in note.text]
    assert said.code == log
    # nowhere else
    assert "connecting" not in str(await events(world, deploy.id))
    assert "connecting" not in str([deploy, *await rollouts(world, deploy)])


@pytest.mark.parametrize(
    ("end", "failed"),
    [
        ("successful", (crashed(),)),
        ("failed", ()),
        ("failed", (replace(crashed(), failure=UNHEALTHY),)),
    ],
)
async def test_where_no_task_failed_the_deploy_nobody_reads_a_log(world: World, end, failed):
    deploy = await with_logs(world, 20)
    world.nomad.hooks.before("log_tail", AssertionError("read"))

    deploy = await followed(world, deploy, seen(end, said="done", allocations=failed, healthy=2))

    assert not deploy.status.open


async def test_a_failure_without_an_exit_code_names_none(world: World):
    cause = TaskFailure(allocation="a-1", group="web", task="app", event="Driver Failure", message="no such image")
    broken = replace(crashed(), failure=cause)

    await followed(world, await rolling(world), seen("failed", said=FAILED, allocations=(broken,)))
    await delivered(world)

    said = next(note for _, note, _ in world.chat.said if "failed" in note.text)
    assert said.lines == ("web/app, allocation a-1: Driver Failure: no such image",)


async def test_a_success_after_a_crash_tells_nothing_of_it(world: World):
    await followed(world, await rolling(world), seen("successful", healthy=2, allocations=(crashed(),)))
    await delivered(world)

    said = next(note for _, note, _ in world.chat.said if "succeeded in" in note.text)
    assert said.lines == ()


async def test_a_success_is_told_in_the_words_of_its_rollout_not_as_running(world: World):
    nothing = Observation(exists=True, evaluated=True, current_version=0, wanted={"web": 0})
    deploy = await followed(world, await rolling(world), nothing)
    await delivered(world)

    assert deploy.status is Status.SUCCEEDED
    text = "checkout v1.4.2 succeeded in production: registered: nothing has to run"
    assert text in texts(world, "reply")


async def test_a_newer_version_supersedes_it(world: World):
    deploy = await rolling(world)

    deploy = await followed(world, deploy, seen("cancelled", said="Cancelled due to newer version of job"))
    await delivered(world)

    assert deploy.status is Status.SUPERSEDED
    assert "D-1 was superseded: Cancelled due to newer version of job" in texts(world, "reply")


async def test_a_purged_job_fails_it(world: World):
    assert (await followed(world, await rolling(world), Observation(exists=False))).status is Status.FAILED


# --- Nomad's own revert ----------------------------------------------------------------------------------------------


async def test_a_revert_is_a_rollout_of_its_own_while_the_deploy_is_failed_at_once(world: World):
    deploy = await reverting(world)

    assert deploy.status is Status.FAILED
    assert deploy.due_at == world.clock.now() + follow.POLL
    ours, revert = await rollouts(world, deploy)
    assert (ours.status, ours.reverted_to) == (RolloutStatus.FAILED, 0)
    assert (revert.kind, revert.status, revert.job_version) == (RolloutKind.REVERT, RolloutStatus.RUNNING, 2)
    body = (await events(world, deploy.id))[-1]
    assert (body["type"], body["data"]) == ("deploy.reverted", {"job_version": 2, "status": "running"})


@pytest.mark.parametrize("end", ["successful", "failed"])
async def test_a_revert_is_followed_to_its_end_and_that_is_said(world: World, end: str):
    deploy = await reverting(world)
    deploy = await followed(world, deploy, seen("running"))
    assert (await types(world, deploy.id)).count("deploy.reverted") == 1

    deploy = await followed(world, deploy, seen(end, healthy=2, said="done"))
    await delivered(world)

    assert (deploy.status, deploy.due_at) == (Status.FAILED, None)
    word = {"successful": "succeeded", "failed": "failed"}[end]
    assert [each.status.value for each in await rollouts(world, deploy)] == ["failed", word]
    assert f"Nomad's own revert of D-1 {word}: done" in texts(world, "reply")
    assert (await events(world, deploy.id))[-1]["data"]["status"] == word
    assert not await follow.step(world.ports())


async def test_a_revert_that_waits_for_canary_promotion_says_so_on_the_message(world: World):
    deploy = await reverting(world)
    waiting = "Deployment is running but requires manual promotion"

    deploy = await followed(world, deploy, seen("running", said=waiting))
    await delivered(world)

    (card,) = world.chat.cards.values()
    assert "nomad deployment promote d-1" in waiting_for(card.rollouts[1])
    assert deploy.due_at is not None


async def test_that_it_is_stuck_and_that_it_moves_again_is_recorded_once_each(world: World):
    deploy = await followed(world, await rolling(world), seen(healthy=0))
    world.clock.advance(timedelta(hours=2))
    await followed(world, deploy, seen(healthy=0))
    await followed(world, deploy, seen(healthy=0))
    assert (await types(world, deploy.id))[-1] == "deploy.stuck"
    await followed(world, deploy, seen(healthy=1))
    await followed(world, deploy, seen(healthy=1))
    assert (await types(world, deploy.id))[-2:] == ["deploy.stuck", "deploy.moving"]

    await followed(world, deploy, seen("successful", healthy=2))

    assert (await types(world, deploy.id))[-2:] == ["deploy.moving", "deploy.succeeded"]


async def test_what_ends_while_it_is_stuck_only_ends(world: World):
    deploy = await followed(world, await rolling(world), seen(healthy=0))
    world.clock.advance(timedelta(hours=2))
    await followed(world, deploy, seen(healthy=0))

    await followed(world, deploy, seen("failed", said=FAILED))

    assert (await types(world, deploy.id))[-2:] == ["deploy.stuck", "deploy.failed"]


# --- trouble ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("away", [NomadUnavailable("no leader"), NomadForbidden("403")])
async def test_while_nomad_is_away_nothing_ends_and_it_says_so_once(world: World, away):
    deploy = await rolling(world)
    world.nomad.trouble = away

    for _ in range(3):
        world.clock.advance(follow.RETRY_AFTER)
        assert await follow.step(world.ports())

    deploy = await now(world, deploy)
    assert (deploy.status, [reason.code for reason in deploy.blocked]) == (Status.ROLLING, [away.code])
    assert (await types(world, deploy.id)).count("deploy.blocked") == 1
    world.nomad.trouble = None
    assert (await followed(world, deploy, seen())).blocked == ()


async def test_nudged_while_nomad_is_asked_it_is_looked_at_again_at_once(world: World):
    deploy = await rolling(world)

    async def nudging():
        world.clock.advance(timedelta(seconds=1))
        await nudge(world.ports(), "main", [JobEvent("production", "checkout")])

    world.nomad.hooks.before("observe", nudging)

    deploy = await followed(world, deploy, seen())

    assert deploy.due_at == world.clock.now()
    assert await follow.step(world.ports())


async def test_one_that_ended_otherwise_while_nomad_was_asked_stays_ended(world: World):
    deploy = await rolling(world)

    async def ending():
        await change(world, deploy.advance(Status.SUCCEEDED, world.clock.now(), detail="resolved"))

    world.nomad.hooks.before("observe", ending)

    deploy = await followed(world, deploy, seen("failed", said=FAILED))

    assert (deploy.status, deploy.detail) == (Status.SUCCEEDED, "resolved")
