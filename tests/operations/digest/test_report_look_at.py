from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.actor import Operator
from bot.domain.audit.events import EventType
from bot.domain.audit.history import Outcome, Word
from bot.domain.decision import Refused
from bot.domain.deploy.dispatch import Resolution, Result
from bot.domain.digest.report import MOST_NAMED, CatalogChange
from bot.domain.digest.schedule import Span
from bot.operations.deploys.approve import approve
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.request import request
from bot.operations.deploys.resolve import Resolve, resolve
from bot.operations.deploys.withdraw import withdraw
from bot.operations.locks import expire
from tests.builders import ALICE, BOB, GUS, SAM
from tests.clocks import NOON
from tests.operations.acts import (
    HERE,
    an_ask,
    applied,
    environments,
    planned,
    ready,
    rolling,
)
from tests.operations.closing import locked, unlocked

if TYPE_CHECKING:
    from bot.domain.actor import Actor
    from tests.fakes import World

from tests.operations.reported import DAY, HOUR, LATER, TODAY, approvers, drawn, numbers, recorded, seen


async def test_a_failure_that_nomad_reverts_is_named_and_the_revert_when_it_fails(world: World):
    deploy = await rolling(world)
    await seen(world, "failed", reverted_to=(1, 120))
    world.clock.instant = TODAY.ends
    await seen(world, "failed")
    today, later = await drawn(world), await drawn(world, LATER)

    assert (today.outcomes[Outcome.REVERTED], today.outcomes[Outcome.FAILED]) == (1, 0)
    assert (numbers(today.failures), today.reverts_failed.total) == ([deploy.id], 0)
    assert numbers(today.changes) == [deploy.id]
    assert not later.quiet
    assert (numbers(later.reverts_failed), later.failures.total) == ([deploy.id], 0)
    assert sum(later.outcomes.values()) == 0


async def test_a_revert_that_succeeds_is_none_to_look_at(world: World):
    await rolling(world)
    await seen(world, "failed", reverted_to=(1, 120))
    world.clock.advance(minutes=1)
    await seen(world, "successful", reverted_to=(1, 120))

    assert (await drawn(world)).tally.types[EventType.DEPLOY_REVERTED] == 2
    assert (await drawn(world)).reverts_failed.total == 0


async def test_a_rollout_is_stuck_until_it_goes_on_to_its_end_and_in_each_digest_until_then(world: World):
    deploy = await rolling(world)
    await seen(world, "running")
    world.clock.advance(hours=2)
    await seen(world, "running")
    world.clock.instant = LATER.ends
    await seen(world, "successful")

    assert numbers((await drawn(world)).stuck) == [deploy.id]
    assert numbers((await drawn(world, LATER)).stuck) == [deploy.id]
    assert (await drawn(world, Span(LATER.ends, LATER.ends + DAY))).stuck.total == 0


async def test_so_is_a_revert_that_nomad_cannot_go_on_with(world: World):
    deploy = await rolling(world)
    await seen(world, "failed", reverted_to=(1, 120))
    world.clock.advance(minutes=1)
    await seen(world, "running")
    world.clock.advance(hours=2)
    await seen(world, "running")

    assert numbers((await drawn(world)).stuck) == [deploy.id]


async def test_what_waits_since_half_of_its_time_is_overdue(world: World):
    old = await planned(world, "production", version="v1")
    world.clock.advance(hours=13)
    await planned(world, "production", version="v2")

    assert (await drawn(world, Span(NOON, NOON + 12 * HOUR))).overdue.total == 1
    assert (await drawn(world, Span(NOON, NOON + 12 * HOUR - timedelta(seconds=1)))).overdue.total == 0
    assert numbers((await drawn(world, Span(NOON, NOON + 14 * HOUR))).overdue) == [old.id]


@pytest.mark.parametrize(
    ("zone", "named"), [("UTC", []), ("Asia/Tokyo", [BOB, SAM]), ("America/Los_Angeles", [BOB, SAM])]
)
async def test_out_of_hours_is_by_the_digest_s_zone(world: World, zone: str, named: list[Actor]):
    # a Monday: 21:00 in Tokyo, 04:00 in Los Angeles
    world.clock.advance(days=2)
    await ready(world)
    found = await drawn(world, Span(NOON, NOON + 3 * DAY), zone=zone)

    assert approvers(found.out_of_hours) == named
    assert found.out_of_hours.total == len(named)


async def test_an_approval_of_one_s_own_request_is_named(world: World):
    await applied(world, environments=environments("production", self_approval=True))
    deploy = await planned(world, "production")
    assert not isinstance(await approve(world.ports(), ALICE, deploy.id, plan=None, origin=HERE), Refused)
    assert not isinstance(await approve(world.ports(), SAM, deploy.id, plan=None, origin=HERE), Refused)
    found = await drawn(world)

    assert approvers(found.self_approved) == [ALICE]
    assert approvers(found.out_of_hours) == [ALICE, SAM]


async def test_ten_of_each_kind_are_named_and_all_are_counted(world: World):
    for number in range(MOST_NAMED + 2):
        deploy = await planned(world, "production", version=f"v{number}")
        await recorded(world, deploy, EventType.DEPLOY_LANDED, EventType.DEPLOY_FAILED)
        await recorded(world, deploy, EventType.DEPLOY_WAITING)
    found = await drawn(world)

    assert (len(found.failures.entries), found.failures.total) == (MOST_NAMED, MOST_NAMED + 2)
    assert (len(found.overdue.entries), found.overdue.total) == (MOST_NAMED, MOST_NAMED + 2)
    assert found.overdue.entries[0].version == "v0"


async def test_refusals_are_counted_by_the_rule_that_said_no(world: World):
    deploy = await planned(world, "production")
    for who in (GUS, ALICE, GUS):
        # what is refused again within a minute is only counted
        world.clock.advance(minutes=1)
        await approve(world.ports(), who, deploy.id, plan=None, origin=HERE)
    await request(world.ports(), ALICE, an_ask(service="chekout"), origin=Origin())
    found = await drawn(world)

    assert list(found.refusals.items()) == [("person-guest", 2), ("own-request", 1), ("unknown-service", 1)]
    assert found.refused == 4


async def test_a_catalog_that_became_active_is_named_with_who_did_it(bare: World):
    before = await applied(bare)
    bare.clock.advance(minutes=1)
    after = await applied(bare, timezone="Europe/Amsterdam")
    found = await drawn(bare)

    assert [replace(change, actor=Operator("root")) for change in found.catalogs] == [
        CatalogChange(NOON, Operator("root"), "", before.fingerprint),
        CatalogChange(NOON + timedelta(minutes=1), Operator("root"), before.fingerprint, after.fingerprint),
    ]
    assert {change.actor.key for change in found.catalogs} == {"system:test"}
    assert not found.quiet


async def test_locks_that_were_placed_lifted_or_ended_are_named_with_who_did_it_and_why(world: World):
    await locked(world, "everything", lasts="1h")
    await locked(world, "checkout", environment="staging")
    world.clock.advance(minutes=1)
    await unlocked(world, "checkout", by=Operator("root"), environment="staging")
    world.clock.advance(HOUR)
    await expire.step(world.ports())
    found = await drawn(world)

    assert [(each.kind, each.what, each.actor.key, each.reason, each.until) for each in found.locks] == [
        (EventType.LOCK_PLACED, "everything", SAM.key, "the database moves", NOON + HOUR),
        (EventType.LOCK_PLACED, "checkout in staging", SAM.key, "the database moves", None),
        (EventType.LOCK_LIFTED, "checkout in staging", "operator:root", "it has moved", None),
        (EventType.LOCK_EXPIRED, "everything", "system:expiry", "the database moves", None),
    ]
    assert not found.quiet


async def test_what_a_person_settled_is_to_look_at(world: World):
    deploy = await rolling(world)
    assert (await drawn(world)).resolved.total == 0
    await resolve(world.ports(), SAM, Resolve(deploy.id, Resolution(Result.FAILED), "gone"), origin=HERE)

    today = await drawn(world)

    assert numbers(today.resolved) == [deploy.id]
    assert today.resolved.entries[0].resolved == Word("failed", SAM, "gone")


async def test_a_landing_after_the_end_is_to_look_at_in_the_span_in_which_it_is_found(world: World):
    deploy = await planned(world)
    await withdraw(world.ports(), ALICE, deploy.id, origin=HERE)
    world.clock.instant = TODAY.ends
    await recorded(world, deploy, EventType.DEPLOY_LANDED_LATE, job_version=4, plan=1)

    today, later = await drawn(world), await drawn(world, LATER)

    assert (numbers(today.landed_late), numbers(later.landed_late)) == ([], [deploy.id])
    assert not later.quiet
