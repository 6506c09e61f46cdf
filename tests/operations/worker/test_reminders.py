"""Approvers are reminded of a deploy that waits for them: rarely, and only those who can still act."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.access import Group
from bot.domain.catalog.environment import Rule
from bot.domain.deploy.gates import RECHECK
from bot.operations.deploys.approve import approve
from bot.operations.deploys.decide import Origin
from bot.operations.worker import plan as plan_deploy
from tests.builders import ALICE, BOB, CAROL, DEVELOPERS, GUS, SAM, SRE, USERGROUPS, a_catalog, a_job
from tests.operations.acts import applied, asked, delivered, environments, planned, rechecked
from tests.operations.closing import locked, unlocked

if TYPE_CHECKING:
    from bot.domain.deploy.message import Note
    from tests.fakes import World

HOUR = timedelta(hours=1)
CROWD = frozenset(f"U0CROWD{number:03}" for number in range(6))


async def after(world: World, duration: timedelta) -> None:
    """Let so much time pass, and recheck."""
    world.clock.advance(duration)
    assert await rechecked(world)


async def reminders(world: World) -> list[Note]:
    """The reminders that were sent, oldest first."""
    await delivered(world)
    return [note for _, note, _ in world.chat.said if " expires in " in note.text]


async def test_those_who_can_still_approve_are_reminded_at_half_of_the_time_and_at_four_fifths(world: World):
    await planned(world, "production")
    await after(world, 12 * HOUR - RECHECK)
    assert await reminders(world) == []

    await after(world, RECHECK)
    await after(world, RECHECK)

    (note,) = await reminders(world)
    assert note.text == (
        "D-1 (checkout v1.4.2 to production) expires in 12h and still needs approval from sre, owners of checkout."
    )
    # Alice requested it, and Gus is in the group of owners
    assert note.mention == tuple(sorted([BOB.id, CAROL.id, GUS.id, SAM.id]))

    await after(world, 7 * HOUR + timedelta(minutes=11))
    await after(world, RECHECK)
    assert [note.text.split(" and ")[0].split(") ")[1] for note in await reminders(world)] == [
        "expires in 12h",
        "expires in 4h48m",
    ]


async def test_who_approved_is_not_reminded(world: World):
    deploy = await planned(world, "production")
    await approve(world.ports(), BOB, deploy.id, plan=1, origin=Origin())

    await after(world, 12 * HOUR)

    (note,) = await reminders(world)
    assert note.mention == (SAM.id,)
    assert note.text.endswith("needs approval from sre.")


async def test_a_requester_who_may_approve_is_reminded(world: World):
    await applied(world, environments=environments("production", self_approval=True))
    await planned(world, "production")

    await after(world, 12 * HOUR)

    assert ALICE.id in (await reminders(world))[0].mention


async def test_somebody_is_reminded_whose_approval_lets_another_move_to_the_empty_seat(world: World):
    """Sam owns the service, too: he took the first seat, and whoever else fills that one frees him for the other."""
    world.directory.usergroups = {SRE: frozenset({SAM.id}), DEVELOPERS: frozenset({ALICE.id, BOB.id, SAM.id})}
    rules = (Rule("developers"), Rule("sre"))
    await applied(world, environments=environments("production", approvals=rules))
    deploy = await planned(world, "production")
    await approve(world.ports(), SAM, deploy.id, plan=1, origin=Origin())

    await after(world, 12 * HOUR)

    assert (await reminders(world))[0].mention == (BOB.id,)


async def test_a_large_group_is_mentioned_once_and_late(world: World):
    world.directory.usergroups = {**USERGROUPS, SRE: CROWD}
    await planned(world, "production")
    await after(world, 12 * HOUR)
    assert await reminders(world) == []

    await after(world, 8 * HOUR)

    (note,) = await reminders(world)
    assert (note.mention, note.users, note.groups) == ((), (), (SRE, DEVELOPERS))


async def test_of_a_long_fixed_list_only_those_who_can_act_are_mentioned(world: World):
    groups = {**a_catalog().groups, "crowd": Group("crowd", users=CROWD | {ALICE.id, BOB.id})}
    rules = (Rule("crowd", 2),)
    await applied(world, groups=groups, environments=environments("production", approvals=rules))
    deploy = await planned(world, "production")
    await approve(world.ports(), BOB, deploy.id, plan=1, origin=Origin())

    await after(world, 20 * HOUR)

    (note,) = await reminders(world)
    assert (note.users, note.groups) == (tuple(sorted(CROWD)), ())


async def test_if_nobody_can_approve_any_more_the_requester_is_told_once(world: World):
    await planned(world, "production")
    world.directory.usergroups = {**USERGROUPS, SRE: frozenset(), DEVELOPERS: frozenset({ALICE.id})}
    await after(world, 12 * HOUR)
    assert await reminders(world) == []

    await after(world, 8 * HOUR)

    (note,) = await reminders(world)
    assert (note.mention, note.users, note.groups) == ((ALICE.id,), (), ())


async def test_where_deploys_wait_for_less_than_an_hour_nobody_is_reminded(world: World):
    await applied(world, environments=environments("production", expires=timedelta(minutes=59)))
    await planned(world, "production")

    await after(world, timedelta(minutes=58))

    assert await reminders(world) == []


async def test_while_a_lock_holds_it_nobody_is_reminded_until_it_is_lifted(world: World):
    await planned(world, "production")
    await locked(world)
    await after(world, 13 * HOUR)
    assert await reminders(world) == []
    await unlocked(world)

    await after(world, RECHECK)

    (note,) = await reminders(world)
    assert "expires in 10h59m" in note.text


async def test_the_turn_of_another_deploy_is_no_reason_to_wait_with_the_approval(world: World):
    await asked(world, environment="production", version="v1.4.1")
    world.clock.advance(timedelta(seconds=1))
    assert await plan_deploy.step(world.ports())
    await planned(world, "production")

    await after(world, 12 * HOUR)
    assert await rechecked(world)

    assert len(await reminders(world)) == 2


async def test_a_changed_plan_starts_the_time_again(world: World):
    deploy = await planned(world, "production")
    await after(world, 12 * HOUR)
    world.nomad.parsed = a_job("registry.example/checkout:other")
    world.nomad.jobs["checkout"] = {**a_job(), "Version": 9, "JobModifyIndex": 900}
    await after(world, RECHECK)
    assert await plan_deploy.step(world.ports())

    await after(world, 11 * HOUR)
    assert len(await reminders(world)) == 1
    await after(world, HOUR)

    assert [note.text[:3] for note in await reminders(world)] == [deploy.number] * 2


async def test_after_a_long_outage_there_is_one_reminder_not_two(world: World):
    await planned(world, "production")

    await after(world, 23 * HOUR)
    await after(world, RECHECK)

    assert len(await reminders(world)) == 1
