"""Lost answers, lost workers, late arrivals: Nomad's state decides, and only when nothing can be on its way."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.deploy.deploy import Status
from bot.domain.deploy.dispatch import ENQUEUE_LIMIT, Answer
from bot.operations.worker import dispatch, register
from bot.operations.worker.nudge import nudge
from bot.ports.nomad import JobEvent
from tests.builders import a_job
from tests.operations.acts import attempts, delivered, dispatching, now, rollouts, texts, types

if TYPE_CHECKING:
    from bot.domain.deploy.deploy import Deploy
    from tests.fakes import World


async def lost(world: World) -> Deploy:
    """A deploy whose register was answered by nothing."""
    deploy = await dispatching(world)
    world.nomad.answers = [Answer.UNKNOWN]
    assert await register.step(world.ports())
    return await now(world, deploy)


async def looked(world: World, deploy: Deploy, after: timedelta = register.LOOK_AGAIN) -> Deploy:
    """The deploy after the next look."""
    world.clock.advance(after)
    assert await register.step(world.ports())
    return await now(world, deploy)


def settle(world: World) -> timedelta:
    return ENQUEUE_LIMIT + world.limits.write_timeout


async def test_a_lost_answer_to_what_was_applied_is_found_by_its_stamp_at_once(world: World):
    deploy = await lost(world)

    assert deploy.status is Status.ROLLING
    (rollout,) = await rollouts(world, deploy)
    assert (rollout.job_version, rollout.job_modify_index) == (0, 101)
    assert len(world.nomad.stamps) == 1


async def test_what_was_not_applied_is_sent_again_only_when_it_can_no_longer_be_on_its_way(world: World):
    world.nomad.apply = False
    deploy = await lost(world)
    assert deploy.status is Status.DISPATCHING

    deploy = await looked(world, deploy, settle(world) - timedelta(seconds=1))
    assert deploy.status is Status.DISPATCHING
    deploy = await looked(world, deploy)

    assert (deploy.status, deploy.detail) == (
        Status.READY,
        "Nomad did not register attempt 1 (timed out); trying again.",
    )
    world.clock.advance(seconds=1)
    assert await dispatch.step(world.ports())
    assert (await now(world, deploy)).status is Status.ROLLING
    assert len(world.nomad.stamps) == 1


async def test_what_is_applied_late_is_found_and_never_sent_again(world: World):
    world.nomad.late = True
    deploy = await lost(world)
    deploy = await looked(world, deploy)
    assert deploy.status is Status.DISPATCHING
    world.nomad.arrive()

    deploy = await looked(world, deploy)

    assert deploy.status is Status.ROLLING
    assert (len(world.nomad.registers), len(world.nomad.stamps)) == (1, 1)


async def test_anothers_version_stands_but_is_believed_only_when_settled(world: World):
    world.nomad.apply = False
    deploy = await lost(world)
    world.nomad.change(a_job("registry.example/checkout:hotfix"))

    deploy = await looked(world, deploy)
    assert deploy.status is Status.DISPATCHING
    deploy = await looked(world, deploy, settle(world))

    assert deploy.status is Status.PLANNING


async def test_while_the_look_is_blind_it_waits_however_long(world: World):
    world.nomad.blind = True
    deploy = await lost(world)

    deploy = await looked(world, deploy, timedelta(hours=3))

    assert deploy.status is Status.DISPATCHING
    assert deploy.due_at == world.clock.now() + register.LOOK_AGAIN
    world.nomad.blind = False
    assert (await looked(world, deploy)).status is Status.ROLLING


async def test_people_are_told_after_two_minutes_and_once(world: World):
    world.nomad.blind = True
    deploy = await lost(world)
    deploy = await looked(world, deploy, register.NOTIFY_AFTER - timedelta(seconds=1))
    assert deploy.blocked == ()

    for _ in range(3):
        deploy = await looked(world, deploy)
    await delivered(world)

    (reason,) = deploy.blocked
    words = reason.text
    assert (reason.code, f"/deploy resolve {deploy.number} landed" in words) == ("outcome-unknown", True)
    assert texts(world, "reply").count(words) == 1
    (card,) = world.chat.cards.values()
    assert card.deploy.blocked == deploy.blocked


async def test_where_no_proof_is_kept_a_person_is_asked_when_settled_and_once(world: World):
    world.nomad.apply = False
    deploy = await lost(world)
    for image in ("one", "two"):
        world.nomad.change(a_job(image))
    world.nomad.stamps.clear()
    deploy = await looked(world, deploy)
    assert deploy.blocked == ()

    deploy = await looked(world, deploy, settle(world))
    world.nomad.blind = True
    deploy = await looked(world, deploy, register.NOTIFY_AFTER)
    world.nomad.blind = False
    deploy = await looked(world, deploy)
    await delivered(world)

    assert deploy.status is Status.DISPATCHING
    assert [reason.code for reason in deploy.blocked] == ["outcome-unprovable"]
    assert sum("no longer keeps the job version" in said for said in texts(world, "reply")) == 1
    assert not any("not certain yet" in said for said in texts(world, "reply"))


async def test_a_new_job_that_may_have_landed_and_was_purged_is_not_sent_again(world: World):
    world.nomad.late = True
    deploy = await lost(world)
    world.nomad.arrive()
    world.nomad.jobs.clear()

    deploy = await looked(world, deploy, settle(world))

    assert (deploy.status, [reason.code for reason in deploy.blocked]) == (
        Status.DISPATCHING,
        ["outcome-unprovable"],
    )
    assert len(world.nomad.registers) == 1


async def test_what_was_never_sent_is_sent_though_an_earlier_job_of_that_id_was_purged(world: World):
    world.nomad.change(a_job())
    world.nomad.jobs.clear()
    deploy = await dispatching(world)
    world.nomad.answers = [Answer.NOT_SENT]

    assert await register.step(world.ports())
    assert (await now(world, deploy)).status is Status.READY


async def test_nobody_is_asked_about_a_base_that_is_lost_if_every_attempt_was_refused(world: World):
    deploy = await dispatching(world)
    world.nomad.answers = [Answer.CONFLICT]
    for image in ("one", "two"):
        world.nomad.change(a_job(image))
    world.nomad.stamps.clear()

    assert await register.step(world.ports())
    assert (await now(world, deploy)).status is Status.PLANNING


async def test_an_earlier_lost_attempt_that_landed_is_found_behind_a_conflict(world: World):
    world.nomad.late = True
    deploy = await lost(world)
    deploy = await looked(world, deploy, settle(world))
    assert deploy.status is Status.READY
    world.clock.advance(seconds=1)

    async def arrive() -> None:
        world.nomad.arrive()

    world.nomad.hooks.before("register", arrive)
    assert await dispatch.step(world.ports())

    deploy = await now(world, deploy)
    assert deploy.status is Status.ROLLING
    assert [each.answer for each in await attempts(world, deploy)] == [Answer.UNKNOWN, Answer.CONFLICT]
    assert len(world.nomad.stamps) == 1


# --- workers that die or stall ---------------------------------------------------------------------------------------


def dying(world: World, *, before: bool = False) -> None:
    """The next register ends its worker: after it reached Nomad, or before."""
    when = world.nomad.hooks.before if before else world.nomad.hooks.after
    when("register", KeyboardInterrupt())


async def test_a_worker_that_died_after_sending_leaves_an_attempt_that_the_next_one_finds_landed(world: World):
    deploy = await dispatching(world)
    dying(world)
    with pytest.raises(KeyboardInterrupt):
        await register.step(world.ports())
    world.clock.advance(seconds=5)

    assert await register.step(world.ports("worker-2"))

    deploy = await now(world, deploy)
    assert deploy.status is Status.ROLLING
    (attempt,) = await attempts(world, deploy)
    assert (attempt.answer, attempt.taken_over, attempt.text) == (
        Answer.UNKNOWN,
        world.clock.now(),
        "the worker that sent it was lost",
    )
    assert len(world.nomad.stamps) == 1


async def test_the_settle_time_runs_from_the_take_over(world: World):
    deploy = await dispatching(world)
    dying(world, before=True)
    with pytest.raises(KeyboardInterrupt):
        await register.step(world.ports())
    deploy = await looked(world, deploy, timedelta(minutes=30))
    assert deploy.status is Status.DISPATCHING

    deploy = await looked(world, deploy, settle(world) - timedelta(seconds=1))
    assert deploy.status is Status.DISPATCHING
    assert (await looked(world, deploy)).status is Status.READY
    assert world.nomad.registers == []


async def test_who_was_taken_over_while_sending_writes_nothing(world: World):
    deploy = await dispatching(world)
    after = []

    async def stalling():
        await world.store.take_over()
        assert await register.step(world.ports("worker-2"))
        after.append((await now(world, deploy), await attempts(world, deploy), await types(world, deploy.id)))

    world.nomad.hooks.after("register", stalling)
    assert await register.step(world.ports())

    assert after == [(await now(world, deploy), await attempts(world, deploy), await types(world, deploy.id))]
    assert after[0][0].status is Status.ROLLING
    assert len(world.nomad.stamps) == 1


async def test_who_was_taken_over_while_looking_writes_nothing(world: World):
    world.nomad.blind = True
    deploy = await lost(world)

    async def stalling():
        world.nomad.blind = False
        await world.store.take_over()
        assert await register.step(world.ports("worker-2"))

    world.nomad.hooks.after("look", stalling)
    deploy = await looked(world, deploy)

    assert deploy.status is Status.ROLLING
    assert (await types(world, deploy.id)).count("deploy.landed") == 1


async def test_an_attempt_is_found_by_the_next_worker_however_their_clocks_differ(world: World):
    deploy = await dispatching(world)
    world.clock.advance(seconds=-5)
    await nudge(world.ports(), "main", [JobEvent("production", "checkout")])
    dying(world, before=True)
    with pytest.raises(KeyboardInterrupt):
        await register.step(world.ports())
    world.clock.advance(seconds=5)

    assert await register.step(world.ports("worker-2"))

    assert (await now(world, deploy)).status is Status.DISPATCHING
    assert world.nomad.registers == []
