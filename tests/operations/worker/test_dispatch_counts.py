"""What a dispatch costs, and who may be quicker between its read and its lock."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.deploy.deploy import Status
from bot.domain.deploy.dispatch import Answer
from bot.domain.deploy.rollout import Observation
from bot.operations.deploys.approve import approve
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.withdraw import withdraw
from bot.operations.worker import dispatch, follow, judge, offer, register
from bot.ports.claims import MESSAGES
from handlers.work import LANES
from tests.builders import ALICE, BOB, SAM
from tests.faults.commits import Commits
from tests.operations.acts import attempts, delivered, events, now, planned, ready, rolling, types

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from bot.domain.actor import SlackUser
    from tests.fakes import World

CALLS = ("reach", "job", "versions", "plan", "register", "look", "observe", "log_tail")
LONG = timedelta(days=1)


def calls_of(world: World) -> list[str]:
    """What Nomad is asked from now on."""
    calls: list[str] = []
    for call in CALLS:

        async def note(call: str = call) -> None:
            calls.append(call)

        world.nomad.hooks.before(call, note, always=True)
    return calls


async def test_from_the_last_click_to_the_landing_there_are_three_commits_and_one_call_to_nomad(world: World):
    deploy = await planned(world, "production")
    await approve(world.ports(), BOB, deploy.id, plan=1, origin=Origin())
    world.nomad.silence = LONG
    commits, calls, sent_after = Commits(world.store), calls_of(world), []

    async def sent() -> None:
        sent_after.append(commits.count)
        calls.append("register")

    world.nomad.hooks.before("register", sent)
    await approve(world.ports(), SAM, deploy.id, plan=1, origin=Origin(signature="click"))
    assert await dispatch.step(world.ports())

    assert (sent_after, commits.count, calls) == ([2], 3, ["register"])
    assert (await now(world, deploy)).status is Status.ROLLING
    # the landing has ended the lease, too
    assert await follow.step(world.ports("worker-2"))


async def test_to_find_nothing_takes_no_write_lock(world: World):
    await rolling(world)
    for step in (follow.step, offer.step):
        while await step(world.ports()):
            pass
    await delivered(world)
    commits = Commits(world.store)

    for work, _ in LANES:
        assert await work.claim(world.ports(), frozenset(), ()) is None
    assert not await judge.step(world.ports())
    await delivered(world)

    assert commits.count == 0


async def test_a_hold_is_one_commit_and_the_same_one_again_says_nothing(world: World):
    await rolling(world)
    behind = await ready(world, version="v1.5.0")
    await delivered(world)
    commits, costs = Commits(world.store), []
    for _ in range(2):
        assert await dispatch.step(world.ports())
        costs.append(commits.count)
        world.clock.advance(dispatch.TURN_AGAIN)
    before, drawn = len(await events(world)), world.chat.drawn

    assert costs == [1, 2]
    await delivered(world)
    assert await dispatch.step(world.ports())
    await delivered(world)
    assert (await now(world, behind)).blocked[0].code == "turn"
    assert (len(await events(world)), world.chat.drawn - drawn) == (before, 0)


async def test_what_a_rule_holds_is_held_by_the_transaction_that_found_it(world: World):
    deploy = await ready(world)
    world.directory.usergroups = {
        name: frozenset(each - {ALICE.id}) for name, each in world.directory.usergroups.items()
    }
    commits = Commits(world.store)

    assert await dispatch.step(world.ports())

    assert [each.code for each in (await now(world, deploy)).blocked] == ["no-permission"]
    assert commits.count == 1


async def test_each_act_rings_once_and_only_for_the_work_that_it_leaves(world: World):
    deploy = await planned(world, "production")
    await delivered(world)
    rung = world.bell.rung
    rung.clear()

    async def rings(act: Awaitable[object]) -> list[frozenset[str]]:
        await act
        heard = list(rung)
        rung.clear()
        return heard

    def clicked(who: SlackUser) -> Awaitable[object]:
        return approve(world.ports(), who, deploy.id, plan=1, origin=Origin())

    assert await rings(clicked(BOB)) == [{MESSAGES}]
    assert await rings(clicked(ALICE)) == []
    assert await rings(clicked(SAM)) == [{Status.READY, MESSAGES}]
    assert await rings(dispatch.step(world.ports())) == [{MESSAGES}, {Status.ROLLING, MESSAGES}]
    world.nomad.seen = Observation(exists=True, wanted={"web": 2})
    assert await rings(follow.step(world.ports())) == [{MESSAGES}]
    world.clock.advance(follow.POLL)
    assert await rings(follow.step(world.ports())) == []
    assert await rings(delivered(world)) == []


# --- others who are quicker ------------------------------------------------------------------------------------------


async def test_while_one_is_under_way_the_next_one_is_found(world: World):
    first, second = await ready(world), await planned(world, "staging")
    found = await dispatch.WORK.claim(world.ports())
    assert found is not None
    other = await dispatch.WORK.claim(world.ports(), frozenset(), [found])
    assert other is not None
    assert {found.deploy_id, other.deploy_id} == {first.id, second.id}
    assert await dispatch.WORK.claim(world.ports(), frozenset(), [found, other]) is None

    await dispatch.WORK.carry_out(world.ports(), found)
    await dispatch.WORK.carry_out(world.ports(), other)

    # in this world both are one job: the first one's landing moved what the second one would replace
    assert [(await now(world, each)).status for each in (first, second)] == [Status.ROLLING, Status.PLANNING]


async def test_two_processes_find_it_and_one_sends_it(world: World):
    deploy = await ready(world)
    world.directory.hooks.before("membership", lambda: dispatch.step(world.ports("worker-2")))

    assert await dispatch.step(world.ports("worker-1"))

    assert len(world.nomad.registers) == 1
    assert (await now(world, deploy)).status is Status.ROLLING
    assert (await types(world, deploy.id)).count("deploy.dispatching") == 1


async def test_one_that_was_withdrawn_while_slack_was_asked_does_not_go(world: World):
    deploy = await ready(world)
    world.directory.hooks.before("membership", lambda: withdraw(world.ports(), ALICE, deploy.id, origin=Origin()))

    assert await dispatch.step(world.ports())

    assert world.nomad.registers == []
    assert (await now(world, deploy)).status is Status.WITHDRAWN


async def test_one_that_another_process_put_off_meanwhile_is_not_put_off_again(world: World):
    deploy = await ready(world)
    world.directory.usergroups = {
        name: frozenset(each - {ALICE.id}) for name, each in world.directory.usergroups.items()
    }

    async def quicker() -> None:
        assert await dispatch.step(world.ports("worker-2"))
        world.clock.advance(seconds=1)

    world.directory.hooks.before("membership", quicker)
    assert await dispatch.step(world.ports("worker-1"))

    held = await now(world, deploy)
    assert held.due_at is not None
    assert held.due_at == world.clock.now() - timedelta(seconds=1) + dispatch.ASK_AGAIN


async def test_one_whose_turn_comes_between_the_look_and_the_lock_goes_at_once(world: World):
    first = await rolling(world)
    deploy = await ready(world, version="v1.5.0")
    found = await dispatch.WORK.claim(world.ports())
    assert found is not None

    async def ends() -> None:
        async with world.store.begin() as tx:
            locked = await tx.lock_deploy(first.id)
            assert locked is not None
            await tx.save_deploy(locked.advance(Status.SUCCEEDED, world.clock.now()))

    # it is behind when it is read, and the one before it ends before it is locked
    world.store.hooks.before("begin", ends)
    world.store.hooks.before("begin", None)
    await dispatch.WORK.carry_out(world.ports(), found)

    assert (await now(world, deploy)).status is Status.ROLLING


async def test_a_worker_that_dies_after_the_commit_is_taken_over_and_nothing_is_sent_twice(world: World):
    deploy = await ready(world)
    world.nomad.hooks.before("register", SystemExit())
    with pytest.raises(SystemExit):
        await dispatch.step(world.ports())
    (attempt,) = await attempts(world, deploy)
    assert (attempt.number, attempt.answer) == (1, None)

    world.clock.advance(seconds=5)
    assert await register.step(world.ports("worker-2"))
    (attempt,) = await attempts(world, deploy)
    assert (attempt.answer, attempt.taken_over) == (Answer.UNKNOWN, world.clock.now())
    assert world.nomad.registers == []
    world.clock.advance(seconds=35 + 20)
    assert await register.step(world.ports("worker-2"))
    assert (await now(world, deploy)).status is Status.READY


async def test_one_whose_step_breaks_before_it_is_claimed_is_put_off(world: World):
    deploy = await ready(world)
    world.nomad.trouble = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await dispatch.step(world.ports())

    assert not await dispatch.step(world.ports())
    world.nomad.trouble = None
    world.clock.advance(seconds=5)
    assert await dispatch.step(world.ports())
    assert (await now(world, deploy)).status is Status.ROLLING


async def test_a_sender_that_slept_past_its_lease_writes_no_answer(world: World):
    deploy = await ready(world)
    after: list[object] = []

    async def stalls() -> None:
        await world.store.take_over()
        assert await register.step(world.ports("worker-2"))
        after.extend([await now(world, deploy), await attempts(world, deploy), await types(world, deploy.id)])

    world.nomad.hooks.after("register", stalls)
    assert await dispatch.step(world.ports("worker-1"))

    assert after == [await now(world, deploy), await attempts(world, deploy), await types(world, deploy.id)]
    assert (await now(world, deploy)).status is Status.ROLLING
