from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from bot.domain.actor import CiIdentity, System
from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.errors import Replayed
from bot.operations.catalog import apply
from bot.operations.deploys.approve import Approved, approve
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.reject import reject
from bot.operations.deploys.replan import replan
from bot.operations.deploys.retract import retract
from bot.operations.deploys.withdraw import withdraw
from bot.operations.worker import plan as plan_deploy
from tests.builders import ALICE, BOB, CAROL, DEVELOPERS, GUS, NORA, SAM, SRE, a_catalog, a_membership, a_person
from tests.operations.acts import (
    asked,
    change,
    delivered,
    dispatching,
    events,
    now,
    planned,
    ready,
    rolling,
    texts,
    types,
)

if TYPE_CHECKING:
    from tests.fakes import World

NOWHERE = Origin()


async def refused(world: World, deploy, who, plan=1) -> Refused:
    answer = await approve(world.ports(), who, deploy.id, plan=plan, origin=NOWHERE)
    assert isinstance(answer, Refused), answer
    return answer


async def test_one_yes_fills_one_seat(world: World):
    deploy = await planned(world, "production")

    answer = await approve(world.ports(), BOB, deploy.id, plan=1, note=" looks good ", origin=NOWHERE)

    assert isinstance(answer, Approved)
    assert (answer.seating.filled, len(answer.seating.seats)) == (1, 2)
    assert answer.deploy.status is Status.WAITING
    async with world.store.read() as reading:
        (approval,) = await reading.approvals(deploy.id)
    assert approval.note == "looks good"
    assert (await events(world, deploy.id))[-1]["data"]["note"] == "looks good"


async def test_the_last_yes_makes_it_ready_and_tells_the_requester(world: World):
    deploy = await ready(world)
    await delivered(world)

    assert deploy.status is Status.READY
    assert "D-1 has every approval it needs and goes next." in texts(world, "reply")
    body = (await events(world, deploy.id))[-1]
    assert body["type"] == "deploy.ready"
    assert [seat["holder"] for seat in body["data"]["judged"]["seats"]] == [SAM.id, BOB.id]
    assert body["data"]["blocked"] == []


@pytest.mark.parametrize(
    ("who", "code"),
    [
        (ALICE, "own-request"),
        (GUS, "person-guest"),
        (NORA, "not-an-approver"),
        (System("x"), "not-a-person"),
        (CiIdentity("github", "repo", SAM.id), "not-a-person"),
    ],
)
async def test_who_may_not_is_told_why_and_it_is_recorded(world: World, who, code: str):
    deploy = await planned(world, "production")

    assert (await refused(world, deploy, who)).codes == (code,)
    body = (await events(world, deploy.id))[-1]
    assert (body["type"], body["data"]["act"], body["data"]["codes"]) == ("action.refused", "approve", [code])
    assert body["data"]["judged"]["missing"] == ["sre", "owners of checkout"]


async def test_a_refusal_says_who_can(world: World):
    deploy = await planned(world, "production")

    reason = (await refused(world, deploy, NORA)).reasons[0]

    assert reason.groups == ("S0SRE00001", "S0DEV00001")


async def test_the_same_person_fills_no_second_seat(world: World):
    deploy = await planned(world, "production")
    await approve(world.ports(), BOB, deploy.id, plan=1, origin=NOWHERE)

    assert (await refused(world, deploy, BOB)).codes == ("already-seated",)
    assert (await refused(world, deploy, CAROL)).codes == ("no-seat-left",)


async def test_a_button_of_a_replaced_plan_is_stale(world: World):
    deploy = await planned(world, "production")

    assert (await refused(world, deploy, BOB, plan=7)).codes == ("stale-plan",)


async def test_a_typed_command_means_the_current_plan(world: World):
    deploy = await planned(world, "production")

    assert isinstance(await approve(world.ports(), BOB, deploy.id, plan=None, origin=NOWHERE), Approved)


async def test_too_late_and_too_early_are_answered_in_words(world: World):
    deploy = await asked(world, environment="production")
    assert "being planned" in (await refused(world, deploy, BOB, plan=None)).reasons[0].text
    await plan_deploy.step(world.ports())
    for who in (BOB, SAM):
        await approve(world.ports(), who, deploy.id, plan=1, origin=NOWHERE)
    assert "already has every approval" in (await refused(world, deploy, CAROL)).reasons[0].text


async def test_an_unknown_deploy_is_refused(world: World):
    answer = await approve(world.ports(), BOB, 99, plan=None, origin=NOWHERE)

    assert isinstance(answer, Refused)
    assert answer.codes == ("unknown-deploy",)


async def test_while_slack_does_not_answer_a_click_is_not_counted(world: World):
    deploy = await planned(world, "production")
    world.directory.silent = True

    assert (await refused(world, deploy, BOB)).codes == ("membership-unknown",)
    assert await now(world, deploy) == deploy
    body = (await events(world))[-1]
    assert (body["type"], body["actor"], body["catalog"]) == ("action.refused", BOB.key, a_catalog().fingerprint)
    assert body["data"] == {"act": "approve", "codes": ["membership-unknown"], "plan": 1}


async def test_a_click_that_slack_was_silent_for_is_taken_once_too(world: World):
    deploy = await planned(world, "production")
    world.directory.silent = True
    origin = Origin(signature="c" * 64)
    await approve(world.ports(), BOB, deploy.id, plan=1, origin=origin)

    with pytest.raises(Replayed):
        await approve(world.ports(), BOB, deploy.id, plan=1, origin=origin)


async def test_a_yes_is_recorded_with_what_it_was_judged_on(world: World):
    deploy = await planned(world, "production")
    await approve(world.ports(), BOB, deploy.id, plan=1, origin=NOWHERE)

    body = (await events(world, deploy.id))[-1]
    assert (body["type"], body["data"]["judged"]) == (
        "deploy.approved",
        {
            "missing": ["sre"],
            "people": {ALICE.id: [DEVELOPERS], BOB.id: [DEVELOPERS]},
            "seats": [{"holder": "", "label": "sre"}, {"holder": BOB.id, "label": "owners of checkout"}],
            "uncounted": {},
        },
    )


async def test_who_does_not_count_is_recorded_with_why(world: World):
    deploy = await planned(world, "production")
    await refused(world, deploy, GUS)

    judged = (await events(world, deploy.id))[-1]["data"]["judged"]
    assert (judged["people"], judged["uncounted"]) == ({ALICE.id: [DEVELOPERS]}, {GUS.id: "person-guest"})


async def test_the_last_yes_does_not_say_next_where_another_goes_before(world: World):
    await rolling(world)
    deploy = await ready(world, version="v1.5.0")
    await delivered(world)

    assert [reason.code for reason in deploy.blocked] == ["turn"]
    assert (
        "D-2 has every approval it needs. D-1 (v1.4.2) is rolling out. This deploy goes after it, "
        "with a new plan." in texts(world, "reply")
    )


async def test_a_replayed_click_does_nothing(world: World):
    deploy = await planned(world, "production")
    origin = Origin(signature="b" * 64)
    await approve(world.ports(), BOB, deploy.id, plan=1, origin=origin)

    with pytest.raises(Replayed):
        await approve(world.ports(), SAM, deploy.id, plan=1, origin=origin)


async def test_quorum_is_reached_once_under_any_race(world: World):
    deploy = await planned(world, "production")

    await asyncio.gather(
        *(approve(world.ports(), who, deploy.id, plan=1, origin=NOWHERE) for who in (BOB, SAM, CAROL, BOB, SAM))
    )

    assert (await types(world, deploy.id)).count("deploy.ready") == 1
    assert (await types(world, deploy.id)).count("deploy.approved") == 2


async def test_an_approver_who_appears_while_slack_is_asked_is_asked_about_too(world: World):
    deploy = await planned(world, "production")

    async def sam_too():
        await approve(world.ports(), SAM, deploy.id, plan=1, origin=NOWHERE)

    world.directory.hooks.after("membership", sam_too)

    answer = await approve(world.ports(), BOB, deploy.id, plan=1, origin=NOWHERE)

    assert isinstance(answer, Approved)
    assert answer.seating.complete


async def test_a_catalog_that_never_stands_still_is_refused_in_words(world: World):
    deploy = await planned(world, "production")

    async def applying():
        await apply(world.ports(), System("test"), a_catalog(admin_channel=f"C0{world.directory.asked}"))

    world.directory.hooks.before("membership", applying, always=True)

    assert (await refused(world, deploy, BOB)).codes == ("catalog-busy",)


# --- retract ---------------------------------------------------------------------------------------------------------


async def test_an_approval_can_be_taken_back(world: World):
    deploy = await planned(world, "production")
    await approve(world.ports(), BOB, deploy.id, plan=1, origin=NOWHERE)

    answer = await retract(world.ports(), BOB, deploy.id, origin=NOWHERE)

    assert answer == await now(world, deploy)
    async with world.store.read() as reading:
        assert [approval.void for approval in await reading.approvals(deploy.id)] == ["retracted"]
    assert isinstance(await approve(world.ports(), BOB, deploy.id, plan=1, origin=NOWHERE), Approved)


async def test_taken_back_from_a_ready_deploy_it_waits_again(world: World):
    deploy = await ready(world)

    await retract(world.ports(), SAM, deploy.id, origin=NOWHERE)

    waiting = await now(world, deploy)
    assert (waiting.status, waiting.detail) == (Status.WAITING, "An approval was taken back.")


async def test_taken_back_while_it_is_planned_anew_the_next_plan_does_not_have_it(world: World):
    deploy = await ready(world)
    await replan(world.ports(), ALICE, deploy.id, origin=NOWHERE)

    answer = await retract(world.ports(), SAM, deploy.id, origin=NOWHERE)

    assert not isinstance(answer, Refused)
    assert answer.status is Status.PLANNING
    body = (await events(world, deploy.id))[-1]
    assert (body["type"], body["data"]["judged"]["missing"]) == ("deploy.retracted", ["sre"])
    assert await plan_deploy.step(world.ports())
    assert (await now(world, deploy)).status is Status.WAITING


async def test_nothing_to_take_back_and_too_late_are_said(world: World):
    deploy = await planned(world, "production")
    nothing = await retract(world.ports(), BOB, deploy.id, origin=NOWHERE)
    assert isinstance(nothing, Refused)
    assert nothing.codes == ("nothing-to-retract",)
    await change(world, (await now(world, deploy)).advance(Status.WITHDRAWN, world.clock.now()))

    late = await retract(world.ports(), BOB, deploy.id, origin=NOWHERE)
    assert isinstance(late, Refused)
    assert late.codes == ("cannot-retract",)


# --- reject ----------------------------------------------------------------------------------------------------------


async def test_a_no_is_final_with_its_reason(world: World):
    deploy = await planned(world, "production")

    answer = await reject(world.ports(), SAM, deploy.id, plan=1, reason=" not on a Friday ", origin=NOWHERE)
    await delivered(world)

    assert not isinstance(answer, Refused)
    assert (answer.status, answer.detail) == (Status.REJECTED, "not on a Friday")
    assert "D-1 was rejected: not on a Friday" in texts(world, "reply")


@pytest.mark.parametrize(
    ("who", "reason", "codes"),
    [
        (NORA, "because", ("not-an-approver",)),
        (GUS, "because", ("person-guest",)),
        (SAM, "no", ("reject-reason",)),
        (SAM, "x" * 1001, ("reject-reason",)),
    ],
)
async def test_who_may_not_reject_is_told(world: World, who, reason, codes):
    deploy = await planned(world, "production")

    answer = await reject(world.ports(), who, deploy.id, plan=1, reason=reason, origin=NOWHERE)

    assert isinstance(answer, Refused)
    assert answer.codes == codes
    assert who is SAM or answer.reasons[0].groups == (SRE, DEVELOPERS)
    assert (await now(world, deploy)).status is Status.WAITING


async def test_a_dispatching_deploy_cannot_be_rejected_or_withdrawn(world: World):
    deploy = await dispatching(world)

    for answer in (
        await reject(world.ports(), SAM, deploy.id, plan=1, reason="too late", origin=NOWHERE),
        await withdraw(world.ports(), ALICE, deploy.id, origin=NOWHERE),
    ):
        assert isinstance(answer, Refused)
        assert "already on its way" in answer.reasons[0].text


# --- withdraw --------------------------------------------------------------------------------------------------------


async def test_its_requester_takes_it_back_before_its_plan_and_nobody_is_bothered(world: World):
    deploy = await asked(world)

    answer = await withdraw(world.ports(), ALICE, deploy.id, origin=NOWHERE)
    world.clock.advance(seconds=60)
    await delivered(world)

    assert not isinstance(answer, Refused)
    assert answer.status is Status.WITHDRAWN
    assert world.chat.cards == {}


async def test_with_the_permission_others_may_too(world: World):
    deploy = await planned(world, "production")

    assert not isinstance(await withdraw(world.ports(), SAM, deploy.id, origin=NOWHERE), Refused)
    await delivered(world)
    (card,) = world.chat.cards.values()
    assert card.deploy.status is Status.WITHDRAWN


async def test_without_it_they_may_not_nor_may_one_who_was_deactivated(world: World):
    deploy = await planned(world, "production")
    other = await withdraw(world.ports(), NORA, deploy.id, origin=NOWHERE)
    world.directory.snapshot = a_membership(a_person(ALICE, deleted=True))
    gone = await withdraw(world.ports(), ALICE, deploy.id, origin=NOWHERE)

    assert isinstance(other, Refused)
    assert other.codes == ("no-permission",)
    assert isinstance(gone, Refused)
    assert gone.codes == ("person-deactivated",)
