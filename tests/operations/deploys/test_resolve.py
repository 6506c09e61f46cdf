"""Resolve: a person says what Nomad cannot; it counts only when nothing can be on its way and Nomad shows nothing."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from bot.domain.actor import Operator
from bot.domain.decision import Refused
from bot.domain.deploy.deploy import TRANSITIONS, Status
from bot.domain.deploy.dispatch import ENQUEUE_LIMIT, Answer, Resolution, Result
from bot.domain.deploy.rollout import RolloutStatus
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.promote import Promotion, promote
from bot.operations.deploys.request import request
from bot.operations.deploys.resolve import Resolve, resolve, resolve_on_host
from bot.operations.worker import dispatch, follow, register
from bot.operations.worker import plan as planning
from tests.builders import ALICE, BOB, SAM, a_job
from tests.operations.acts import (
    after_staging,
    an_ask,
    asked,
    change,
    delivered,
    dispatching,
    events,
    now,
    planned,
    rolling,
    rollouts,
    texts,
    types,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import timedelta

    from bot.domain.actor import Actor
    from bot.domain.deploy.deploy import Deploy
    from bot.ports import Ports
    from tests.fakes import World

LANDED = Resolution(Result.LANDED, 0)
NOT_LANDED = Resolution(Result.NOT_LANDED)
SUCCEEDED = Resolution(Result.SUCCEEDED)
FAILED = Resolution(Result.FAILED)
WHY = "I looked at the job"


async def said(world: World, deploy: Deploy, word: Resolution, actor: Actor = SAM) -> Deploy | Refused:
    return await resolve(world.ports(), actor, Resolve(deploy.id, word, WHY), origin=Origin())


async def lost(world: World, *, traced: bool = False) -> Deploy:
    """A deploy whose register got no answer, and whose base Nomad no longer keeps, unless it can be ``traced``."""
    world.nomad.apply = False
    deploy = await dispatching(world)
    world.nomad.answers = [Answer.UNKNOWN]
    assert await register.step(world.ports())
    if not traced:
        for image in ("one", "two"):
            world.nomad.change(a_job(image))
        world.nomad.stamps.clear()
    return await now(world, deploy)


async def looked(world: World, deploy: Deploy, after: timedelta = register.LOOK_AGAIN) -> Deploy:
    world.clock.advance(after)
    assert await register.step(world.ports())
    return await now(world, deploy)


def settle(world: World) -> timedelta:
    return ENQUEUE_LIMIT + world.limits.write_timeout


@pytest.mark.parametrize("blind", [False, True], ids=["untraceable", "nomad-away"])
@pytest.mark.parametrize(("word", "becomes"), [(LANDED, Status.ROLLING), (NOT_LANDED, Status.PLANNING)])
async def test_a_word_counts_only_when_nothing_can_be_on_its_way(world: World, word, becomes, blind):
    deploy = await lost(world)
    world.nomad.blind = blind
    answer = await said(world, deploy, word)
    assert not isinstance(answer, Refused)

    deploy = await looked(world, deploy)
    assert deploy.status is Status.DISPATCHING
    deploy = await looked(world, deploy, settle(world))
    if blind:
        # a look that fails decides nothing: the next may show what happened
        assert deploy.status is Status.DISPATCHING
        deploy = await looked(world, deploy, register.UNREADABLE_FOR)

    assert deploy.status is becomes
    assert deploy.resolution == ("landed 0" if word is LANDED else "")
    assert [each.job_version for each in await rollouts(world, deploy)] == ([0] if word is LANDED else [])
    (body,) = [each for each in await events(world, deploy.id) if each["type"] == "deploy.resolved"]
    assert (body["actor"], body["data"]["resolution"], body["data"]["reason"]) == (SAM.key, str(word), WHY)
    await delivered(world)
    assert [user for _, note, _ in world.chat.said for user, words in note.said if WHY in words] == [SAM.id]


@pytest.mark.parametrize("surface", ["slack", "host"])
async def test_a_version_that_it_cannot_have_made_is_refused(world: World, surface: str):
    deploy = await lost(world)
    word = Resolve(deploy.id, Resolution(Result.LANDED, 7), WHY)

    on_host = surface == "host"
    answer = await (
        resolve_on_host(world.ports(), Operator("root"), word)
        if on_host
        else resolve(world.ports(), SAM, word, origin=Origin())
    )

    assert isinstance(answer, Refused)
    assert answer.codes == ("resolve-version",)
    assert "job version 0" in answer.reasons[0].text
    assert (await now(world, deploy)).resolution == ""


async def test_what_nomad_shows_goes_before_a_word(world: World):
    deploy = await lost(world, traced=True)
    await said(world, deploy, LANDED)

    deploy = await looked(world, deploy, settle(world))

    assert (deploy.status, deploy.resolution) == (Status.READY, "")


async def test_a_landing_that_nomad_shows_is_no_persons_word(world: World):
    world.nomad.late = True
    deploy = await dispatching(world)
    world.nomad.answers = [Answer.UNKNOWN]
    assert await register.step(world.ports())
    await said(world, deploy, NOT_LANDED)
    world.nomad.arrive()

    deploy = await looked(world, deploy)

    assert (deploy.status, deploy.resolution) == (Status.ROLLING, "")


@pytest.mark.parametrize(("word", "becomes"), [(SUCCEEDED, Status.SUCCEEDED), (FAILED, Status.FAILED)])
async def test_a_rollout_that_nomad_never_settles_is_settled_at_once(world: World, word, becomes):
    deploy = await rolling(world)

    await said(world, deploy, word)

    deploy = await now(world, deploy)
    assert (deploy.status, deploy.resolution, deploy.due_at) == (becomes, word.result, None)
    (rollout,) = await rollouts(world, deploy)
    assert (rollout.status, rollout.ended_at) == (RolloutStatus(becomes.value), world.clock.now())
    assert (await types(world, deploy.id))[-2:] == ["deploy.resolved", f"deploy.{becomes}"]
    assert not await follow.step(world.ports())
    await delivered(world)
    assert any(WHY in text for text in texts(world, "reply"))


async def test_a_rollout_that_ended_before_keeps_its_end(world: World):
    deploy = await rolling(world)
    (rollout,) = await rollouts(world, deploy)
    ended = replace(rollout, status=RolloutStatus.SUPERSEDED)
    async with world.store.begin() as tx:
        await tx.lock_deploy(deploy.id)
        await tx.save_rollout(ended)

    await said(world, deploy, FAILED)

    assert await rollouts(world, deploy) == (ended,)


async def test_a_requester_settles_nothing_of_their_own(world: World):
    deploy = await rolling(world)
    await change(world, replace(deploy, requester=SAM))

    answer = await said(world, deploy, SUCCEEDED)

    assert isinstance(answer, Refused)
    assert answer.codes == ("resolve-own",)
    assert (await now(world, deploy)).status is Status.ROLLING


@pytest.mark.parametrize("actor", [ALICE, BOB])
async def test_only_who_has_the_permission_resolves(world: World, actor):
    deploy = await rolling(world)

    answer = await said(world, deploy, SUCCEEDED, actor)

    assert isinstance(answer, Refused)
    assert answer.codes == ("no-permission",)


@pytest.mark.parametrize("word", [LANDED, NOT_LANDED, SUCCEEDED, FAILED], ids=str)
@pytest.mark.parametrize("state", TRANSITIONS)
async def test_every_other_state_is_refused_and_told_what_to_do(world: World, state, word):
    deploy = await planned(world, "production")
    await change(world, replace(deploy, status=state))
    before = await now(world, deploy)
    if state is word.result.needs:
        return

    answers = [
        await said(world, deploy, word),
        await resolve_on_host(world.ports(), Operator("root"), Resolve(deploy.id, word, WHY)),
    ]

    for answer in answers:
        assert isinstance(answer, Refused)
        assert answer.codes == ("cannot-resolve",)
        verb = "withdraw" if state.undecided else "resolve"
        assert (f"/deploy {verb} {deploy.number}" in answer.reasons[0].text) is state.open
    assert await now(world, deploy) == before


async def test_an_operator_resolves_while_slack_is_away(world: World):
    deploy = await rolling(world)
    world.directory.silent = True

    await resolve_on_host(world.ports(), Operator("root"), Resolve(deploy.id, FAILED, WHY))

    assert (await now(world, deploy)).status is Status.FAILED
    assert [each["actor"] for each in await events(world, deploy.id)][-2:] == [Operator("root").key] * 2


async def test_an_unknown_deploy_is_refused_on_the_host(world: World):
    answer = await resolve_on_host(world.ports(), Operator("root"), Resolve(99, FAILED, WHY))

    assert isinstance(answer, Refused)
    assert answer.codes == ("unknown-deploy",)


async def test_what_a_person_settled_is_not_promoted(world: World):
    await after_staging(world)
    deploy = await asked(world)

    for step in (planning.step, dispatch.step):
        assert await step(world.ports())
    await said(world, deploy, SUCCEEDED)
    world.clock.advance(minutes=5)

    answer = await promote(world.ports(), ALICE, Promotion(deploy_id=deploy.id, overrides={}), origin=Origin())

    assert isinstance(answer, Refused)
    assert answer.codes == ("nothing-to-promote",)
    answer = await request(world.ports(), ALICE, an_ask(environment="production"), origin=Origin())
    assert isinstance(answer, Refused)
    assert answer.codes == ("not-passed",)
    assert (await now(world, deploy)).status is Status.SUCCEEDED


# --- beside a worker that has the deploy -----------------------------------------------------------------------------


async def on_its_way(world: World, *steps: Callable[[Ports], Awaitable[bool]]) -> Deploy:
    """A deploy to staging, where nobody has to approve, after those steps."""
    deploy = await planned(world)
    for step in steps:
        assert await step(world.ports())
    return await now(world, deploy)


async def test_a_word_during_the_look_at_a_rollout_wins_and_the_worker_writes_nothing(world: World):
    deploy = await on_its_way(world, dispatch.step)
    world.nomad.hooks.before("observe", partial(said, world, deploy, FAILED))

    assert await follow.step(world.ports())
    assert not await follow.step(world.ports())

    deploy = await now(world, deploy)
    assert (deploy.status, deploy.resolution) == (Status.FAILED, "failed")
    assert [each.status for each in await rollouts(world, deploy)] == [RolloutStatus.FAILED]
    assert (await types(world, deploy.id))[-2:] == ["deploy.resolved", "deploy.failed"]


async def test_an_end_during_the_question_who_may_say_so_wins_and_the_word_is_refused(world: World):
    deploy = await on_its_way(world, dispatch.step)
    world.directory.hooks.before("membership", partial(follow.step, world.ports()))

    answer = await said(world, deploy, FAILED)

    assert isinstance(answer, Refused)
    deploy = await now(world, deploy)
    assert (deploy.status, deploy.resolution) == (Status.SUCCEEDED, "")
    assert (await types(world, deploy.id))[-2:] == ["deploy.succeeded", "action.refused"]


async def test_a_word_while_the_job_is_sent_stays_on_record_and_nomads_answer_counts(world: World):
    deploy = await on_its_way(world)
    world.nomad.hooks.before("register", partial(said, world, deploy, NOT_LANDED))

    assert await dispatch.step(world.ports())

    deploy = await now(world, deploy)
    assert (deploy.status, deploy.resolution) == (Status.ROLLING, "")
    assert (await types(world, deploy.id))[-3:] == ["deploy.resolved", "deploy.answered", "deploy.landed"]
    assert len(world.nomad.registers) == 1


async def test_a_word_during_the_last_look_counts_in_its_verdict(world: World):
    world.nomad.blind = True
    world.nomad.answers = [Answer.UNKNOWN]
    deploy = await on_its_way(world, dispatch.step)
    world.nomad.hooks.before("look", partial(said, world, deploy, LANDED))

    deploy = await looked(world, deploy, register.UNREADABLE_FOR)

    assert (deploy.status, deploy.resolution) == (Status.ROLLING, "landed 0")
    (body,) = [each for each in await events(world, deploy.id) if each["type"] == "deploy.landed"]
    assert body["data"]["by_person"] is True
