from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.actor import System
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.message import PLANNING_SHOWN_AFTER
from bot.errors import NomadForbidden, NomadRefused, NomadUnavailable
from bot.operations.catalog import apply
from bot.operations.deploys.approve import Approved, approve
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.replan import replan
from bot.operations.worker import plan as plan_deploy
from bot.operations.worker.render import AGAIN_KEY
from tests.builders import ALICE, BOB, DEVELOPERS, SAM, SRE, a_catalog, a_job, a_live_job, a_service
from tests.operations.acts import (
    asked,
    change,
    delivered,
    events,
    judged,
    now,
    planned,
    ready,
    rechecked,
    texts,
    types,
)

if TYPE_CHECKING:
    from tests.fakes import World


async def test_there_is_nothing_to_do_without_a_deploy(world: World):
    assert not await plan_deploy.step(world.ports())


async def test_without_rules_a_plan_makes_it_ready(world: World):
    deploy = await planned(world)

    assert deploy.status is Status.READY
    assert deploy.plan == 1
    assert deploy.asked_via == ""
    assert await types(world, deploy.id) == ["deploy.requested", "deploy.planned", "deploy.ready"]


async def test_with_rules_it_waits_for_approvals(world: World):
    assert (await planned(world, "production")).status is Status.WAITING


async def test_the_plan_keeps_what_is_registered_and_what_it_is_based_on(world: World):
    world.nomad.jobs["checkout"] = a_live_job()

    await planned(world)

    async with world.store.read() as reading:
        plan = await reading.plan(1, 1)
    assert plan is not None
    assert (plan.base_index, plan.base_version) == (41, 3)
    assert '"ID":"checkout"' in plan.job
    assert '"Namespace":"staging"' in plan.job
    assert '"JobModifyIndex"' not in plan.replaced
    assert world.nomad.variables == {"version": "v1.4.2"}


async def test_the_message_and_the_thread_show_it(world: World):
    await planned(world, "production")
    await delivered(world)

    (card,) = world.chat.cards.values()
    assert card.plan is not None
    assert card.plan.effect == "web: 2 replaced one by one"
    assert texts(world, "reply") == ["Plan 1: web: 2 replaced one by one"]


@pytest.mark.parametrize("error", [NomadUnavailable("no leader"), NomadForbidden("403")])
async def test_while_nomad_is_away_it_stays_in_planning_and_says_so_once(world: World, error):
    world.nomad.trouble = error
    deploy = await asked(world)

    for _ in range(3):
        assert await plan_deploy.step(world.ports())
        world.clock.advance(plan_deploy.RETRY_AFTER)

    deploy = await now(world, deploy)
    assert deploy.status is Status.PLANNING
    assert [reason.code for reason in deploy.blocked] == [error.code]
    assert (await types(world, deploy.id)).count("deploy.blocked") == 1
    world.nomad.trouble = None
    assert await plan_deploy.step(world.ports())
    assert (await now(world, deploy)).status is Status.READY


async def test_after_ten_seconds_its_message_says_why_and_since_when(world: World):
    world.nomad.trouble = NomadUnavailable("cluster main took too long to answer")
    first = world.clock.now()
    await planned(world)
    world.clock.advance(PLANNING_SHOWN_AFTER)
    world.nomad.trouble = NomadUnavailable("cluster main refuses connections")
    assert await plan_deploy.step(world.ports())
    await delivered(world)

    (card,) = world.chat.cards.values()
    (reason,) = card.deploy.blocked
    assert (reason.text, reason.since) == ("Nomad: cluster main refuses connections", first)


async def test_the_next_outage_has_its_own_beginning(world: World):
    world.nomad.trouble = NomadUnavailable("no leader")
    deploy = await planned(world, "production")
    world.nomad.trouble = None
    world.clock.advance(plan_deploy.RETRY_AFTER)
    assert await plan_deploy.step(world.ports())
    await replan(world.ports(), ALICE, deploy.id, origin=Origin())
    world.nomad.trouble = NomadUnavailable("no leader")
    later = world.clock.advance(minutes=5)
    assert await plan_deploy.step(world.ports())

    assert [reason.since for reason in (await now(world, deploy)).blocked] == [later]


async def test_a_job_that_changes_while_it_is_planned_is_planned_again(world: World):
    deploy = await asked(world)

    async def moving():
        world.nomad.change(a_job())

    world.nomad.hooks.after("job", moving, always=True)
    await plan_deploy.step(world.ports())

    assert (await now(world, deploy)).blocked[0].text == "Nomad: the job changed while it was planned"


async def test_a_job_that_nomad_refuses_is_invalid_and_told_to_its_requester_alone(world: World):
    world.nomad.trouble = NomadRefused("line 6: Missing task driver")

    deploy = await planned(world)
    await delivered(world)

    assert deploy.status is Status.INVALID
    assert world.chat.cards == {}
    (said,) = world.chat.said
    assert said[0] == "tell"
    assert said[1].code == "line 6: Missing task driver"
    assert said[2] == {"user": ALICE.id, "channel": "C0GENERAL1", "response_url": "https://hooks.slack.com/r/1"}


async def test_after_the_message_was_posted_the_channel_is_told(world: World):
    world.nomad.trouble = NomadUnavailable("no leader")
    deploy = await planned(world)
    await delivered(world)
    assert world.chat.cards == {}
    world.clock.advance(PLANNING_SHOWN_AFTER)
    await delivered(world)
    assert len(world.chat.cards) == 1
    world.nomad.trouble = NomadRefused("Missing task driver")

    assert await plan_deploy.step(world.ports())
    await delivered(world)

    (card,) = world.chat.cards.values()
    assert card.deploy.status is Status.INVALID
    assert len(texts(world, "reply")) == 1
    assert (await now(world, deploy)).detail == "Missing task driver"


async def test_after_a_short_trouble_with_nomad_what_is_invalid_is_still_told_to_its_requester_alone(world: World):
    world.nomad.trouble = NomadUnavailable("no leader")
    await planned(world)
    await delivered(world)
    world.clock.advance(plan_deploy.RETRY_AFTER)
    world.nomad.trouble = NomadRefused("Missing task driver")

    assert await plan_deploy.step(world.ports())
    await delivered(world)

    assert world.chat.cards == {}
    assert [said for said, _, _ in world.chat.said] == ["tell"]


async def test_who_has_to_approve_is_called_where_the_message_stood_before_the_plan(world: World):
    deploy = await asked(world, environment="production")
    world.clock.advance(PLANNING_SHOWN_AFTER)
    await delivered(world)
    assert len(world.chat.cards) == 1

    assert await plan_deploy.step(world.ports())
    await delivered(world)

    note = next(note for _, note, _ in world.chat.said if note.text.startswith("Plan 1"))
    assert note.lines[-1] == "Approval is needed from sre, owners of checkout."
    assert (note.users, note.groups) == ((), (SRE, DEVELOPERS))
    assert (await now(world, deploy)).status is Status.WAITING


async def test_who_has_to_approve_again_is_called_after_the_change_moved(world: World):
    deploy = await ready(world)
    await delivered(world)
    world.nomad.jobs["checkout"] = a_live_job()
    await replan(world.ports(), ALICE, deploy.id, origin=Origin())
    assert await plan_deploy.step(world.ports())
    await delivered(world)

    notes = {note.text.split(":")[0]: note for _, note, _ in world.chat.said}
    assert notes["Plan 1"].groups == ()
    assert notes["Plan 2"].groups == (SRE, DEVELOPERS)


async def test_nobody_is_called_twice_where_nothing_moved(world: World):
    deploy = await planned(world, "production")
    await delivered(world)
    await replan(world.ports(), ALICE, deploy.id, origin=Origin())
    assert await plan_deploy.step(world.ports())
    await delivered(world)

    notes = {note.text.split(":")[0]: note for _, note, _ in world.chat.said}
    assert notes["Plan 2"].groups == ()


async def test_a_changed_kind_of_job_is_invalid(world: World):
    world.nomad.jobs["checkout"] = a_live_job(Type="batch")

    assert "type batch" in (await planned(world)).detail


async def test_variables_that_no_longer_fit_the_template_are_invalid(world: World):
    deploy = await asked(world)
    wrong = a_catalog(services={"checkout": a_service(variables={"colour": "blue"})})
    await apply(world.ports(), System("test"), wrong)

    await plan_deploy.step(world.ports())
    await delivered(world)

    assert (await now(world, deploy)).status is Status.INVALID
    # Nomad was not even asked
    assert world.chat.said[-1][1].text.startswith("Nomatron refused the job of checkout v1.4.2")


async def test_where_nothing_would_change_there_is_nothing_to_do_and_again_is_offered(world: World):
    world.nomad.unchanged = True

    deploy = await planned(world)
    await delivered(world)

    assert deploy.status is Status.UNCHANGED
    assert world.chat.cards == {}
    note = world.chat.said[0][1]
    assert note.action == ("Deploy again anyway", "deploy.again", "D-1:1")


async def test_a_nonce_makes_the_job_differ(world: World):
    deploy = await asked(world)
    await change(world, replace(deploy, nonce="D-7"))

    await plan_deploy.step(world.ports())

    async with world.store.read() as reading:
        plan = await reading.plan(1, 1)
    assert plan is not None
    assert f'"{AGAIN_KEY}":"D-7"' in plan.job


async def test_a_new_plan_that_is_the_same_keeps_the_approvals(world: World):
    deploy = await planned(world, "production")
    await approve(world.ports(), BOB, deploy.id, plan=1, origin=Origin())

    await replan(world.ports(), ALICE, deploy.id, origin=Origin())
    assert (await now(world, deploy)).status is Status.PLANNING
    await plan_deploy.step(world.ports())
    answer = await approve(world.ports(), SAM, deploy.id, plan=2, origin=Origin())

    assert isinstance(answer, Approved)
    assert answer.seating.complete
    assert answer.deploy.plan == 2


async def test_kept_approvals_that_are_enough_make_it_ready_at_once(world: World):
    deploy = await ready(world)

    await replan(world.ports(), ALICE, deploy.id, origin=Origin())
    await plan_deploy.step(world.ports())

    assert (await now(world, deploy)).status is Status.READY


async def test_a_plan_that_moved_voids_them_tells_people_and_gives_new_time(world: World):
    world.nomad.jobs["checkout"] = a_live_job()
    deploy = await ready(world)
    world.nomad.change({**a_job(), "Meta": {"changed": "outside"}})
    world.clock.advance(timedelta(hours=2))

    await replan(world.ports(), ALICE, deploy.id, origin=Origin())
    await plan_deploy.step(world.ports())
    await delivered(world)

    moved = await now(world, deploy)
    assert moved.status is Status.WAITING
    assert moved.expires_at == world.clock.now() + timedelta(hours=24)
    async with world.store.read() as reading:
        assert [approval.void for approval in await reading.approvals(deploy.id)] == ["the plan changed"] * 2
        plan = await reading.plan(deploy.id, 2)
    assert plan is not None
    assert plan.moved == (
        "Job version 4 was registered outside Nomatron.",
        "LOG_LEVEL changed outside Nomatron",
    )
    told = next(note for said, note, _ in world.chat.said if "no longer count" in note.text)
    assert told.mention == (ALICE.id, BOB.id, SAM.id)
    assert told.lines == plan.moved
    planned_events = [event for event in await events(world, deploy.id) if event["type"] == "deploy.planned"]
    assert [event["data"]["voided"] for event in planned_events] == [False, True]
    assert [event["data"]["void_approvals"] for event in planned_events] == [0, 2]


async def test_a_plan_that_moved_before_anybody_approved_voids_nothing(world: World):
    world.nomad.jobs["checkout"] = a_live_job()
    deploy = await planned(world, "production")
    world.nomad.change({**a_job(), "Meta": {"changed": "outside"}})

    await replan(world.ports(), ALICE, deploy.id, origin=Origin())
    await plan_deploy.step(world.ports())
    await delivered(world)

    assert any(note.text == "D-1 changed since plan 1." for _, note, _ in world.chat.said)


async def test_when_slack_does_not_say_who_is_who_it_is_tried_again(world: World):
    deploy = await asked(world)
    world.directory.silent = True

    await plan_deploy.step(world.ports())

    held = await now(world, deploy)
    assert held.status is Status.PLANNING
    assert held.blocked[0].code == "membership-unknown"


async def test_a_catalog_applied_while_nomad_answers_is_planned_under_again(world: World):
    deploy = await asked(world)

    async def applying():
        await apply(world.ports(), System("test"), a_catalog(timezone="Europe/Amsterdam"))

    world.nomad.hooks.before("plan", applying)
    await plan_deploy.step(world.ports())
    assert (await now(world, deploy)).status is Status.PLANNING

    await plan_deploy.step(world.ports())
    assert (await now(world, deploy)).catalog == a_catalog(timezone="Europe/Amsterdam").fingerprint


async def test_one_withdrawn_while_nomad_answers_stays_so(world: World):
    deploy = await asked(world)

    async def withdrawing():
        await change(world, (await now(world, deploy)).advance(Status.WITHDRAWN, world.clock.now()))

    world.nomad.hooks.before("plan", withdrawing)

    assert await plan_deploy.step(world.ports())
    assert (await now(world, deploy)).status is Status.WITHDRAWN


async def test_a_waiting_deploy_is_looked_at_again_after_a_while(world: World):
    world.nomad.jobs["checkout"] = a_live_job()
    deploy = await planned(world, "production")
    assert not await rechecked(world)
    world.clock.advance(seconds=61)
    assert await rechecked(world)
    assert (await now(world, deploy)).status is Status.WAITING
    world.nomad.change(a_job())
    world.clock.advance(seconds=61)

    assert await rechecked(world)

    deploy = await now(world, deploy)
    assert deploy.status is Status.PLANNING
    assert deploy.detail == "The job in Nomad is now at version 4; the plan was made for version 3."


async def test_a_recheck_decides_nothing_while_nomad_or_slack_are_away(world: World):
    deploy = await planned(world, "production")
    world.clock.advance(seconds=61)
    world.nomad.trouble = NomadUnavailable("away")
    world.directory.silent = True

    assert await rechecked(world)
    assert not await rechecked(world)
    assert (await now(world, deploy)).status is Status.WAITING


async def test_seats_that_a_new_catalog_no_longer_asks_for_make_it_ready(world: World):
    deploy = await planned(world, "production")
    strict = a_catalog().environments
    relaxed = a_catalog(environments={**strict, "production": replace(strict["production"], approvals=())})
    await apply(world.ports(), System("test"), relaxed)
    await judged(world)

    assert await rechecked(world)

    assert (await now(world, deploy)).status is Status.READY
