"""An approval is of a change, not of a number: plans that are made again, and who has been shown what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.operations.deploys.approve import Approved, Unseen, approve
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.reject import check_reject, reject
from bot.operations.deploys.replan import replan
from bot.operations.deploys.retract import retract
from bot.operations.deploys.shown import record_shown
from bot.operations.worker import plan as plan_deploy
from tests.builders import ALICE, BOB, GUS, NORA, SAM, a_job
from tests.operations.acts import events, now, planned, ready, types

if TYPE_CHECKING:
    from bot.domain.actor import SlackUser
    from bot.domain.deploy.deploy import Deploy
    from tests.fakes import World

NOWHERE = Origin()
FIRST, OTHER = "registry.example/checkout:v1", "registry.example/checkout:hotfix"


async def waiting(world: World) -> Deploy:
    """A production deploy that waits, planned over a job that runs."""
    world.nomad.change(a_job(FIRST))
    return await planned(world, "production")


async def planned_again(world: World, deploy: Deploy, image: str = FIRST) -> Deploy:
    """The deploy with its next plan, over a live job of that image."""
    world.nomad.change(a_job(image))
    await replan(world.ports(), ALICE, deploy.id, origin=NOWHERE)
    assert await plan_deploy.step(world.ports())
    return await now(world, deploy)


async def approved(
    world: World, deploy: Deploy, who: SlackUser, plan: int | None = None
) -> Approved | Unseen | Refused:
    return await approve(world.ports(), who, deploy.id, plan=plan, origin=NOWHERE)


async def shown(world: World, deploy: Deploy, who: SlackUser) -> None:
    """Show somebody the deploy's plan, as `/deploy plan` does."""
    async with world.store.read() as reading:
        plan = await reading.plan(deploy.id, deploy.plan)
    assert plan is not None
    await record_shown(world.ports(), who, deploy, plan)


async def test_a_click_on_an_older_plan_of_the_same_change_counts_for_the_current_one(world: World):
    deploy = await planned_again(world, await waiting(world))

    answer = await approved(world, deploy, BOB, plan=1)

    assert deploy.plan == 2
    assert isinstance(answer, Approved)
    async with world.store.read() as reading:
        assert [(each.plan, each.void) for each in await reading.approvals(deploy.id)] == [(2, "")]
    data = (await events(world, deploy.id))[-1]["data"]
    assert (data["plan"], data["seen"]) == (2, 1)


async def test_a_click_on_a_plan_of_another_change_does_not(world: World):
    deploy = await planned_again(world, await waiting(world), OTHER)

    answer = await approved(world, deploy, BOB, plan=1)

    assert isinstance(answer, Refused)
    assert answer.codes == ("stale-plan",)
    assert isinstance(await approved(world, deploy, BOB, plan=2), Approved)


async def test_a_change_that_came_back_is_the_same_change(world: World):
    deploy = await planned_again(world, await planned_again(world, await waiting(world), OTHER))

    assert deploy.plan == 3
    assert isinstance(await approved(world, deploy, BOB, plan=1), Approved)
    assert isinstance(await approved(world, deploy, SAM, plan=2), Refused)


async def test_a_rejection_is_of_a_change_too(world: World):
    deploy = await planned_again(world, await waiting(world), OTHER)

    stale = await reject(world.ports(), SAM, deploy.id, plan=1, reason="not today", origin=NOWHERE)
    deploy = await planned_again(world, deploy, OTHER)
    done = await reject(world.ports(), SAM, deploy.id, plan=2, reason="not today", origin=NOWHERE)

    assert isinstance(stale, Refused)
    assert stale.codes == ("stale-plan",)
    assert not isinstance(done, Refused)
    assert done.status is Status.REJECTED


async def test_a_plan_that_was_never_made_is_named(world: World):
    answer = await approved(world, await waiting(world), BOB, plan=7)

    assert isinstance(answer, Refused)
    assert answer.reasons[0].text == "D-1 has no plan 7. Its current plan is 1."


async def test_typed_without_a_plan_it_counts_as_long_as_there_was_one_change(world: World):
    deploy = await planned_again(world, await waiting(world))

    assert isinstance(await approved(world, deploy, BOB), Approved)
    assert "deploy.shown" not in await types(world, deploy.id)


async def test_once_the_change_moved_it_counts_only_after_it_was_shown(world: World):
    deploy = await planned_again(world, await waiting(world), OTHER)

    # the answer to the first may not have arrived, so asking twice is no look
    first, again = await approved(world, deploy, BOB), await approved(world, deploy, BOB)
    await shown(world, deploy, BOB)
    body = (await events(world, deploy.id))[-1]
    after = await approved(world, deploy, BOB)

    assert first == again == Unseen(deploy)
    assert (body["type"], body["actor"], body["data"]) == ("deploy.shown", BOB.key, {"plan": 2})
    assert isinstance(after, Approved)
    assert after.seating.filled == 1


async def test_what_one_was_shown_is_not_what_another_was_shown(world: World):
    deploy = await planned_again(world, await waiting(world), OTHER)
    await shown(world, deploy, BOB)

    assert isinstance(await approved(world, deploy, SAM), Unseen)
    assert isinstance(await approved(world, deploy, BOB), Approved)


async def test_what_was_shown_before_the_change_moved_again_is_no_longer_enough(world: World):
    deploy = await planned_again(world, await waiting(world), OTHER)
    await shown(world, deploy, BOB)
    again = await planned_again(world, deploy, OTHER)
    moved = await planned_again(world, again, FIRST)

    assert isinstance(await approved(world, moved, BOB), Unseen)


async def test_the_same_change_under_a_new_number_needs_no_second_look(world: World):
    deploy = await planned_again(world, await waiting(world), OTHER)
    await shown(world, deploy, BOB)
    again = await planned_again(world, deploy, OTHER)

    assert isinstance(await approved(world, again, BOB), Approved)


async def test_a_look_is_recorded_only_if_an_approval_may_depend_on_it(world: World):
    deploy = await waiting(world)
    await shown(world, deploy, BOB)
    deploy = await planned_again(world, deploy, OTHER)
    for _ in range(3):
        await shown(world, deploy, BOB)
    ended = await reject(world.ports(), SAM, deploy.id, plan=2, reason="not today", origin=NOWHERE)
    assert not isinstance(ended, Refused)
    await shown(world, ended, SAM)

    assert (await types(world, deploy.id)).count("deploy.shown") == 1


async def test_one_who_cannot_approve_is_refused_and_shown_nothing(world: World):
    deploy = await planned_again(world, await waiting(world), OTHER)

    answer = await approved(world, deploy, NORA)

    assert isinstance(answer, Refused)
    assert answer.codes == ("not-an-approver",)


# --- before the form of a rejection opens ----------------------------------------------------------------------------


@pytest.mark.parametrize(("who", "code"), [(NORA, "not-an-approver"), (GUS, "person-guest")])
async def test_one_who_can_never_reject_is_told_before_they_write_why(world: World, who: SlackUser, code: str):
    deploy = await waiting(world)

    answer = await check_reject(world.ports(), who, deploy.id, plan=1, origin=NOWHERE)

    assert isinstance(answer, Refused)
    assert answer.codes == (code,)
    assert answer.reasons[0].groups
    body = (await events(world, deploy.id))[-1]
    assert (body["type"], body["data"]["act"], body["data"]["codes"]) == ("action.refused", "reject", [code])


async def test_one_who_can_reject_gets_the_form_and_nothing_is_recorded(world: World):
    deploy = await waiting(world)
    before = await types(world, deploy.id)

    assert await check_reject(world.ports(), SAM, deploy.id, plan=1, origin=NOWHERE) == deploy
    assert await types(world, deploy.id) == before


async def test_a_form_for_what_has_ended_does_not_open(world: World):
    deploy = await ready(world)
    await reject(world.ports(), SAM, deploy.id, plan=1, reason="not today", origin=NOWHERE)

    answer = await check_reject(world.ports(), SAM, deploy.id, plan=1, origin=NOWHERE)

    assert isinstance(answer, Refused)
    assert answer.codes == ("cannot-reject",)


async def test_where_nobody_approves_approvals_are_not_mentioned_to_the_one_who_tries(world: World):
    deploy = await planned(world)

    approval = await approved(world, deploy, SAM)
    rejection = await check_reject(world.ports(), SAM, deploy.id, plan=1, origin=NOWHERE)
    retraction = await retract(world.ports(), SAM, deploy.id, origin=NOWHERE)

    assert isinstance(retraction, Refused)
    assert retraction.reasons[0].text == "D-1 needs no approval."
    assert isinstance(approval, Refused)
    assert approval.reasons[0].text == "D-1 needs no approval."
    assert isinstance(rejection, Refused)
    assert rejection.reasons[0].text == "D-1 needs no approval, so nobody rejects it. Its requester can withdraw it."
