"""A landing that is found after the deploy has ended without it: followed, and told loudly, with what to do."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.deploy.deploy import Status
from bot.domain.deploy.dispatch import ENQUEUE_LIMIT, Answer, Resolution, Result
from bot.domain.deploy.rollout import Observation, RolloutKind, RolloutStatus
from bot.gateways.blocks.card.message import render
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.resolve import Resolve, resolve
from bot.operations.deploys.withdraw import withdraw
from bot.operations.worker import dispatch, expire, follow, late, register
from bot.operations.worker import plan as planning
from tests.builders import ALICE, SAM, a_job
from tests.operations.acts import asked, delivered, events, newest_plan, now, planned, rollouts, texts, types
from tests.operations.reported import entries

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.domain.deploy.deploy import Deploy
    from tests.fakes import World


async def sent(world: World, answer: Answer = Answer.UNKNOWN) -> Deploy:
    """A deploy to staging, where nobody has to approve, whose first attempt got that answer and is under way."""
    world.nomad.late = True
    deploy = await planned(world)
    world.nomad.answers = [answer]
    assert await dispatch.step(world.ports())
    return await now(world, deploy)


async def given_up(world: World) -> Deploy:
    """A deploy that is ready again, because its attempt had not landed when it was settled."""
    deploy = await sent(world)
    world.clock.advance(ENQUEUE_LIMIT + world.limits.write_timeout)
    assert await register.step(world.ports())
    deploy = await now(world, deploy)
    assert deploy.status is Status.READY
    return deploy


async def withdrawn(world: World, deploy: Deploy) -> None:
    await withdraw(world.ports(), ALICE, deploy.id, origin=Origin())


async def expired(world: World, deploy: Deploy) -> None:
    world.clock.advance(deploy.expires_at - world.clock.now())
    assert await expire.step(world.ports())


async def refused(world: World, _: Deploy) -> None:
    world.clock.advance(register.LOOK_AGAIN)
    world.nomad.answers = [Answer.DENIED]
    assert await dispatch.step(world.ports())


ENDS: dict[Status, Callable[[World, Deploy], Awaitable[None]]] = {
    Status.WITHDRAWN: withdrawn,
    Status.EXPIRED: expired,
    Status.FAILED: refused,
}


async def ended(world: World, becomes: Status = Status.WITHDRAWN) -> Deploy:
    """A deploy that was given up and then ended so, though an attempt is still under way."""
    deploy = await given_up(world)
    await ENDS[becomes](world, deploy)
    deploy = await now(world, deploy)
    assert deploy.status is becomes
    return deploy


async def looked(world: World, after: timedelta = late.LOOK_AGAIN) -> bool:
    world.clock.advance(after)
    return await follow.step(world.ports())


@pytest.mark.parametrize(
    ("becomes", "ends"), [(Status.WITHDRAWN, "succeeded"), (Status.EXPIRED, "failed"), (Status.FAILED, "succeeded")]
)
async def test_a_landing_after_the_end_is_told_loudly_and_followed_to_its_own(world: World, becomes, ends):
    deploy = await ended(world, becomes)
    await delivered(world)
    assert await follow.step(world.ports())
    assert await rollouts(world, deploy) == ()
    world.nomad.arrive()

    assert await looked(world)
    await delivered(world)

    assert (await now(world, deploy)).status is becomes
    (rollout,) = await rollouts(world, deploy)
    assert (rollout.kind, rollout.job_version, rollout.job_modify_index) == (RolloutKind.LATE, 0, 101)
    (body,) = [each for each in await events(world, deploy.id) if each["type"] == "deploy.landed-late"]
    assert body["data"] == {"job_modify_index": "101", "job_version": 0, "plan": 1}
    for kind in ("reply", "announce"):
        (said,) = [text for text in texts(world, kind) if "after all" in text]
        assert said.startswith(f"{deploy.number} (checkout v1.4.2 to staging) had ended (")
        assert said.endswith("but Nomad registered it after all as job version 0.")
    ((note, where),) = [(note, where) for kind, note, where in world.chat.said if kind == "announce"]
    assert where["channel"] == "C0OPS00001"
    assert note.lines[0] == "To go back to what it replaced: `nomad job stop -namespace=staging checkout`."
    (card,) = world.chat.cards.values()
    assert "*Nomad registered this after all* as job version 0" in str(render(card).blocks)

    world.nomad.seen = Observation(exists=ends == "succeeded", wanted={"web": 0})
    assert await follow.step(world.ports())
    assert not await looked(world)
    await delivered(world)

    (rollout,) = await rollouts(world, deploy)
    assert rollout.status is RolloutStatus(ends)
    assert any(f"registered after it had ended, has {ends}: " in text for text in texts(world, "reply"))
    (card,) = world.chat.cards.values()
    assert card.deploy.status is becomes
    how = {"succeeded": "as job version 0, and it succeeded", "failed": "the job is gone: somebody purged it"}
    assert how[ends] in str(render(card).blocks)


async def test_one_that_never_ends_is_resolved_with_the_verb_that_its_message_names(world: World):
    deploy = await ended(world)
    world.nomad.arrive()
    assert await follow.step(world.ports())
    world.nomad.seen = Observation(exists=True, evaluated=False)
    assert await looked(world)
    assert await looked(world, timedelta(hours=2))
    await delivered(world)
    (card,) = world.chat.cards.values()
    assert f"/deploy resolve {deploy.number} succeeded|failed because TEXT" in str(render(card).blocks)

    said = await resolve(
        world.ports(), SAM, Resolve(deploy.id, Resolution(Result.SUCCEEDED), "it answers"), origin=Origin()
    )

    assert said == await now(world, deploy)
    assert (said.status, said.resolution, said.due_at) == (deploy.status, "", None)
    assert (await rollouts(world, deploy))[0].status is RolloutStatus.SUCCEEDED
    assert (await events(world, deploy.id))[-1]["data"] == {
        "plan": 1, "reason": "it answers", "resolution": "succeeded", "rollout": 1,
    }  # fmt: skip
    await delivered(world)
    assert texts(world, "reply")[-1] == (
        f"The rollout of {deploy.number} succeeded. Resolved by a person, not by Nomad: it answers"
    )
    (entry,) = await entries(world)
    assert (entry.resolved, entry.resolved_by_person) == (None, False)
    assert entry.word is not None
    assert (entry.word.text, entry.word.by) == ("succeeded", SAM)
    assert not await looked(world, timedelta(days=1))


async def test_a_word_outlives_a_look_that_began_before_it(world: World):
    deploy = await ended(world)
    world.nomad.arrive()
    assert await follow.step(world.ports())
    word = Resolve(deploy.id, Resolution(Result.FAILED), "its node is gone")
    world.nomad.hooks.after("observe", lambda: resolve(world.ports(), SAM, word, origin=Origin()))

    assert await looked(world)

    assert (await rollouts(world, deploy))[0].status is RolloutStatus.FAILED
    assert (await now(world, deploy)).due_at is None


async def test_the_next_deploy_there_knows_what_it_replaces_and_is_told_the_way_back(world: World):
    world.nomad.change(a_job("registry.example/checkout:by-hand"))
    deploy = await ended(world)
    world.nomad.arrive()
    # planned before it was found
    other = await planned(world, version="v1.5.0")

    assert await follow.step(world.ports())
    await delivered(world)

    (outside,) = [note for kind, note, _ in world.chat.said if kind == "announce"]
    assert outside.lines[0].endswith("`nomad job revert -namespace=staging checkout 0`.")
    assert (await now(world, other)).status is Status.PLANNING
    assert await planning.step(world.ports())
    plan = await newest_plan(world, other)
    assert plan.base is not None
    assert (plan.base.deploy, plan.from_version) == (deploy.id, "v1.4.2")


async def test_the_way_back_to_a_version_of_ours_is_a_deploy(world: World):
    first = await asked(world, version="v1.4.1")
    for step in (planning.step, dispatch.step, follow.step):
        assert await step(world.ports())
    assert (await now(world, first)).status is Status.SUCCEEDED
    await ended(world)
    world.nomad.arrive()

    assert await follow.step(world.ports())
    await delivered(world)

    (note,) = [note for kind, note, _ in world.chat.said if kind == "announce"]
    assert note.lines[0].endswith("`/deploy checkout v1.4.1 to staging`.")


async def test_one_that_landed_unseen_and_so_has_nothing_to_do_is_told_too(world: World):
    deploy = await given_up(world)
    world.nomad.arrive()
    world.nomad.unchanged = True
    world.clock.advance(seconds=1)
    assert await dispatch.step(world.ports())
    assert await planning.step(world.ports())
    assert (await now(world, deploy)).status is Status.UNCHANGED

    assert await follow.step(world.ports())

    assert (await types(world, deploy.id))[-1] == "deploy.landed-late"


async def test_a_word_that_was_wrong_comes_to_light(world: World):
    world.nomad.blind = True
    deploy = await sent(world)
    word = Resolve(deploy.id, Resolution(Result.NOT_LANDED), "not there")
    await resolve(world.ports(), SAM, word, origin=Origin())
    world.clock.advance(register.UNREADABLE_FOR)
    assert await register.step(world.ports())
    assert (await now(world, deploy)).status is Status.PLANNING
    await withdrawn(world, deploy)
    world.nomad.arrive()
    world.nomad.blind = False

    assert await follow.step(world.ports())

    assert (await events(world, deploy.id))[-1]["data"]["plan"] == 1


async def test_it_is_looked_for_for_an_hour_and_for_a_day_while_nomad_does_not_say(world: World):
    deploy = await ended(world)
    assert await follow.step(world.ports())
    assert not await looked(world, late.LOOK_AGAIN - timedelta(seconds=1))
    assert await looked(world, timedelta(seconds=1))
    world.nomad.blind = True
    assert await looked(world, late.LOOK_FOR)
    assert (await now(world, deploy)).due_at == world.clock.now() + late.LOOK_AGAIN
    assert await looked(world, late.GIVE_UP)
    assert (await now(world, deploy)).due_at is None


async def test_what_nomad_refused_for_certain_is_not_looked_for(world: World):
    deploy = await sent(world, Answer.DENIED)

    assert (deploy.status, deploy.due_at) == (Status.FAILED, None)
