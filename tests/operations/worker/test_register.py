"""Each row of the answer table: what an answer to a register leads to."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.deploy.deploy import Status
from bot.domain.deploy.dispatch import Answer
from bot.domain.deploy.plan import stamp
from bot.domain.deploy.rollout import RolloutKind, RolloutStatus
from bot.operations.worker import dispatch, register
from bot.operations.worker import plan as plan_deploy
from tests.builders import ALICE, JOBSPEC, a_job, a_live_job
from tests.operations.acts import (
    attempts,
    delivered,
    dispatching,
    events,
    now,
    planned,
    ready,
    rollouts,
    texts,
    types,
)

if TYPE_CHECKING:
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.dispatch import Attempt
    from tests.fakes import World


async def answered(world: World, *answers: Answer) -> Deploy:
    """A deploy after one register that was answered so."""
    deploy = await dispatching(world)
    world.nomad.answers = list(answers)
    assert await register.step(world.ports())
    return await now(world, deploy)


def versions(world: World) -> int:
    """How many versions of the job Nomad has made."""
    return len(world.nomad.stamps)


async def test_there_is_nothing_to_do_without_a_dispatching_deploy(world: World):
    await ready(world)

    assert not await register.step(world.ports())


# --- landed ----------------------------------------------------------------------------------------------------------


async def test_what_landed_rolls(world: World):
    world.nomad.jobs["checkout"] = a_live_job(version=3, index=100)

    deploy = await answered(world, Answer.LANDED)

    assert deploy.status is Status.ROLLING
    (rollout,) = await rollouts(world, deploy)
    assert (rollout.kind, rollout.status) == (RolloutKind.DEPLOY, RolloutStatus.RUNNING)
    assert (rollout.job_version, rollout.job_modify_index, rollout.evaluation) == (4, 101, "eval-1")
    assert (await types(world, deploy.id))[-3:] == ["deploy.attempted", "deploy.answered", "deploy.landed"]
    assert versions(world) == 1


async def test_a_new_job_lands_as_its_version_0(world: World):
    (rollout,) = await rollouts(world, await answered(world, Answer.LANDED))

    assert rollout.job_version == 0


async def test_the_frozen_job_goes_out_on_its_base_with_the_stamp_before_the_template(world: World):
    world.nomad.jobs["checkout"] = a_live_job(version=3, index=100)

    deploy = await answered(world, Answer.LANDED)

    async with world.store.read() as reading:
        plan = await reading.plan(deploy.id, 1)
    assert plan is not None
    (sent,) = world.nomad.registers
    assert (sent["job"], sent["base"]) == (plan.job, 100)
    assert sent["source"] == f"{stamp('D-1', plan)}\n{JOBSPEC}"
    assert json.loads(sent["variables"]) == {"version": "v1.4.2"}


async def test_the_attempt_is_recorded_before_it_is_sent(world: World):
    deploy = await dispatching(world)
    seen: list[Attempt] = []

    async def looking():
        seen.extend(await attempts(world, deploy))

    world.nomad.hooks.before("register", looking)
    await register.step(world.ports())

    (before,) = seen
    assert (before.number, before.at, before.answer) == (1, world.clock.now(), None)
    assert [attempt.answer for attempt in await attempts(world, deploy)] == [Answer.LANDED]


async def test_others_that_wait_for_the_same_service_there_are_planned_again_with_the_cause(world: World):
    deploy = await dispatching(world)
    waiting = await planned(world, "production", version="v1.5.0")
    behind = await ready(world, version="v1.6.0")
    elsewhere = await planned(world, "staging")

    await register.step(world.ports())

    for other in (waiting, behind):
        anew = await now(world, other)
        assert anew.status is Status.PLANNING
        assert anew.detail == f"{deploy.number} (v1.4.2) was deployed in the meantime; planning again."
        assert (await types(world, other.id))[-1] == "deploy.replanning"
    assert await now(world, elsewhere) == elsewhere


# --- no-op, conflict -------------------------------------------------------------------------------------------------


async def test_a_no_op_ends_as_unchanged(world: World):
    deploy = await answered(world, Answer.NO_OP)

    assert deploy.status is Status.UNCHANGED
    assert "made no new version" in deploy.detail
    assert (await types(world, deploy.id))[-1] == "deploy.unchanged"
    assert (versions(world), await rollouts(world, deploy)) == (0, ())


async def test_what_nomad_took_without_an_evaluation_is_followed_if_it_made_a_version(world: World):
    deploy = await answered(world, Answer.ACCEPTED)

    assert deploy.status is Status.ROLLING
    (rollout,) = await rollouts(world, deploy)
    assert (rollout.job_version, rollout.job_modify_index) == (0, world.nomad.index)
    assert (await types(world, deploy.id))[-2:] == ["deploy.answered", "deploy.landed"]


async def test_what_nomad_took_without_an_evaluation_is_unchanged_if_it_made_none(world: World):
    world.nomad.apply = False
    deploy = await answered(world, Answer.ACCEPTED)

    assert (deploy.status, await rollouts(world, deploy)) == (Status.UNCHANGED, ())


async def test_somebody_elses_change_in_between_is_planned_again(world: World):
    deploy = await dispatching(world)
    world.nomad.change(a_job("registry.example/checkout:hotfix"))

    await register.step(world.ports())

    deploy = await now(world, deploy)
    assert (deploy.status, deploy.detail) == (
        Status.PLANNING,
        "The job in Nomad changed before Nomad took this one; planning again.",
    )
    assert [attempt.answer for attempt in await attempts(world, deploy)] == [Answer.CONFLICT]
    assert versions(world) == 1


async def test_a_conflict_with_nothing_moved_is_tried_again(world: World):
    deploy = await answered(world, Answer.CONFLICT)

    assert deploy.status is Status.READY


# --- a definite no, not sent -----------------------------------------------------------------------------------------


async def test_a_definite_no_fails_in_nomads_words_and_people_are_told(world: World):
    deploy = await answered(world, Answer.DENIED)
    await delivered(world)

    assert (deploy.status, deploy.detail) == (Status.FAILED, "Nomad refused the job: said so")
    assert (await types(world, deploy.id))[-1] == "deploy.failed"
    said = next(note for _, note, _ in world.chat.said if "failed" in note.text)
    assert (said.text, said.mention) == ("D-1 failed. Nomad refused the job: said so", (ALICE.id,))
    assert (versions(world), deploy.due_at) == (0, None)


async def test_a_token_that_lacks_the_right_is_named_with_what_to_do(world: World):
    world.nomad.words = "Permission denied"
    deploy = await answered(world, Answer.FORBIDDEN)

    assert (deploy.status, deploy.detail) == (
        Status.FAILED,
        (
            "Nomad refused the job: the token lacks `register-job` in namespace `production`, "
            "or the right to a volume of the job. Run `nomatron doctor`."
        ),
    )


async def test_another_403_is_told_in_nomads_words(world: World):
    world.nomad.words = "Job registration is disabled by the scheduler configuration"
    deploy = await answered(world, Answer.FORBIDDEN)

    assert deploy.detail == f"Nomad refused the job: {world.nomad.words}"


async def test_a_no_about_a_job_that_moved_besides_is_planned_again(world: World):
    deploy = await dispatching(world)
    world.nomad.answers = [Answer.DENIED]
    world.nomad.change(a_job("registry.example/checkout:hotfix"))

    await register.step(world.ports())

    assert (await now(world, deploy)).status is Status.PLANNING


async def test_what_was_not_sent_meets_the_gates_again_after_longer_and_longer_waits(world: World):
    deploy = await ready(world)
    world.nomad.answers = [Answer.NOT_SENT] * 3
    waits = []

    for _ in range(3):
        assert await dispatch.step(world.ports())
        deploy = await now(world, deploy)
        assert deploy.status is Status.READY
        assert deploy.due_at is not None
        waits.append(deploy.due_at - world.clock.now())
        assert not await dispatch.step(world.ports())
        world.clock.advance(waits[-1])

    assert waits == [timedelta(seconds=1), timedelta(seconds=2), timedelta(seconds=4)]
    assert deploy.detail == "Nomad did not register attempt 3 (said so); trying again."
    assert await dispatch.step(world.ports())
    assert (await now(world, deploy)).status is Status.ROLLING
    assert [each.number for each in await attempts(world, deploy)] == [1, 2, 3, 4]
    assert versions(world) == 1


async def test_the_answer_is_recorded_in_short(world: World):
    deploy = await answered(world, Answer.NOT_SENT)

    body = next(event for event in await events(world, deploy.id) if event["type"] == "deploy.answered")
    assert body["data"] == {"answer": "not-sent", "number": 1, "text": "said so"}


@pytest.mark.parametrize("answer", [Answer.DENIED, Answer.NOT_SENT, Answer.NO_OP, Answer.CONFLICT])
async def test_while_nomad_cannot_be_looked_at_nothing_is_concluded_nor_sent_again(world: World, answer: Answer):
    world.nomad.blind = True

    deploy = await answered(world, answer)
    for _ in range(3):
        world.clock.advance(register.LOOK_AGAIN)
        assert await register.step(world.ports())

    assert (await now(world, deploy)).status is Status.DISPATCHING
    assert len(world.nomad.registers) == 1


async def test_after_a_replan_the_next_plan_is_registered_on_its_own_base(world: World):
    deploy = await dispatching(world)
    world.nomad.change(a_job("registry.example/checkout:hotfix"))
    await register.step(world.ports())
    assert await plan_deploy.step(world.ports())
    deploy = await now(world, deploy)
    assert (deploy.status, deploy.plan) == (Status.WAITING, 2)

    assert "D-1 changed since plan 1; its approvals no longer count." in await _said(world)


async def _said(world: World) -> list[str]:
    await delivered(world)
    return texts(world, "reply")


async def test_a_worker_that_stood_still_sends_nothing_late(world: World):
    deploy = await dispatching(world)

    async def stopping():
        world.clock.advance(world.limits.write_timeout + timedelta(seconds=1))

    # the second commit is that of the attempt: after it the process is stopped for longer than a register may take
    world.store.hooks.after("commit", None, stopping)
    assert await register.step(world.ports())

    assert world.nomad.registers == []
    (attempt,) = await attempts(world, deploy)
    assert attempt.answer is Answer.NOT_SENT
    assert (await now(world, deploy)).status is Status.READY
