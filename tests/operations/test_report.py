from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.actor import Operator
from bot.domain.decision import Refused
from bot.domain.digest import Scope, Span
from bot.domain.dispatch import Answer
from bot.domain.environment import After
from bot.domain.events import EventType
from bot.domain.history import Outcome
from bot.domain.report import MOST_CHANGES, MOST_NAMED, CatalogChange
from bot.domain.rollout import GroupHealth, NomadDeployment, Observation
from bot.operations import expire, follow, register
from bot.operations.approve import approve
from bot.operations.origin import Origin
from bot.operations.report import all_entries, report
from bot.operations.request import request
from tests.builders import ALICE, BOB, GUS, SAM, a_catalog, a_draft, a_posted, an_event
from tests.clocks import NOON
from tests.operations.acts import (
    HERE,
    an_ask,
    applied,
    asked,
    delivered,
    dispatching,
    ended,
    environments,
    now,
    planned,
    ready,
    rolling,
    succeeded,
)

if TYPE_CHECKING:
    from bot.domain.actor import Actor
    from bot.domain.catalog import Catalog
    from bot.domain.deploy import Deploy
    from bot.domain.history import Entry
    from bot.domain.report import Listed, Report, Signs
    from tests.fakes import World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TODAY = Span(NOON - HOUR, NOON + DAY)
LATER = Span(TODAY.ends, TODAY.ends + DAY)


async def drawn(
    world: World, span: Span = TODAY, *of: str, zone: str = "UTC", catalog: Catalog | None = None
) -> Report:
    async with world.store.read() as reading:
        known = catalog or (await reading.active_catalog()).catalog
        return await report(reading, Scope(span, frozenset(of) or None), zone, known, world.directory.link)


async def entries(world: World, span: Span = TODAY, *of: str) -> list[Entry]:
    async with world.store.read() as reading:
        return list(await all_entries(reading, Scope(span, frozenset(of) or None)))


def numbers(listed: Listed) -> list[int]:
    return [entry.deploy_id for entry in listed.entries]


def approvers(signs: Signs) -> list[Actor]:
    return [sign.actor for sign in signs.signs]


async def recorded(world: World, deploy: Deploy, *kinds: EventType, **data: Any) -> None:
    """More events of a deploy, as if they had happened now."""
    async with world.store.begin() as tx:
        for kind in kinds:
            event = an_event(kind, at=world.clock.now(), deploy_id=deploy.id, environment=deploy.environment, data=data)
            await tx.record(event)


async def that_succeeded(world: World, how_many: int) -> list[int]:
    """So many deploys in production, by their events alone."""
    async with world.store.begin() as tx:
        made = [await tx.add_deploy(a_draft(environment="production")) for _ in range(how_many)]
        for deploy in made:
            await tx.save_deploy(replace(deploy, changed_at=NOON - HOUR))
    for deploy in made:
        kinds = (EventType.DEPLOY_REQUESTED, EventType.DEPLOY_LANDED, EventType.DEPLOY_SUCCEEDED)
        await recorded(world, deploy, *kinds, version="v1.4.2")
    return [deploy.id for deploy in made]


async def seen(world: World, said: str, **more: Any) -> None:
    """One look at the rollout that is due, of which Nomad says that."""
    web = GroupHealth(name="web", desired=2, placed=2, healthy=1)
    deployment = NomadDeployment(
        id="d-1", status=said, description="", job_version=0, job_spec_modify_index=101, groups=(web,)
    )
    world.nomad.seen = Observation(exists=True, deployment=deployment, wanted={"web": 2}, **more)
    assert await follow.step(world.ports())


async def test_a_day_on_which_nothing_happened_is_quiet(world: World):
    found = await drawn(world, LATER)

    assert found.quiet
    assert (found.tally.events, found.requested, found.refused) == (0, 0, 0)
    assert dict(found.outcomes) == dict.fromkeys(Outcome, 0)
    assert await entries(world, LATER) == []


class TestLinks:
    async def test_a_success_is_counted_with_its_times_and_named_with_its_link(self, world: World):
        deploy = await ready(world)
        world.clock.advance(minutes=3)
        await ended(world, deploy)
        await delivered(world)
        found = await drawn(world)

        assert (found.outcomes[Outcome.DEPLOYED], sum(found.outcomes.values())) == (1, 1)
        assert numbers(found.changes) == [deploy.id]
        assert (found.time_to_approve, found.time_to_succeed) == (timedelta(0), timedelta(0))
        assert found.posted == {deploy.id: "https://t0nomatron.slack.com/archives/C0PROD0001/p10"}
        assert found.changes.entries[0].approvers == (SAM.id, BOB.id)
        assert await entries(world) == list(found.changes.entries)

    async def test_there_is_none_before_slack_has_said_which_workspace_this_is(self, world: World):
        await ended(world, await ready(world))
        await delivered(world)
        world.directory.team = ""

        assert (await drawn(world)).posted == {}

    async def test_there_is_none_to_a_message_that_is_being_posted(self, world: World):
        deploy = await ended(world, await ready(world))
        async with world.store.begin() as tx:
            await tx.save_posted(a_posted(deploy.id, ts="", posting=NOON))

        assert (await drawn(world)).posted == {}


class TestTheEndOfASpan:
    async def test_what_was_open_stays_open_in_that_digest_and_has_ended_in_the_next(self, world: World):
        deploy = await rolling(world)
        before = await drawn(world)
        world.clock.instant = TODAY.ends
        await seen(world, "successful")

        assert before == await drawn(world)
        assert before.outcomes[Outcome.OPEN] == 1
        assert numbers(before.changes) == [deploy.id]
        after = await drawn(world, LATER)
        assert (after.outcomes[Outcome.DEPLOYED], after.outcomes[Outcome.OPEN]) == (1, 0)
        assert numbers(after.changes) == [deploy.id]
        assert (after.time_to_approve, after.time_to_succeed) == (None, DAY)

    async def test_what_happens_at_its_end_is_of_the_next(self, world: World):
        deploy = await planned(world, "production")
        world.clock.instant = TODAY.ends
        assert await expire.step(world.ports())

        assert [(entry.deploy_id, entry.outcome) for entry in await entries(world)] == [(deploy.id, Outcome.OPEN)]
        (entry,) = await entries(world, LATER)
        assert entry.outcome is Outcome.EXPIRED
        assert entry.detail == "It waited for a decision until its time was over."
        assert entry.ended_at == TODAY.ends

    async def test_what_was_asked_for_later_is_not_of_it(self, world: World):
        world.clock.instant = TODAY.ends
        await asked(world)

        assert await entries(world) == []
        assert (await drawn(world)).outcomes[Outcome.OPEN] == 0


class TestChanges:
    async def test_they_are_those_of_the_environments_that_nothing_comes_after(self, world: World):
        await applied(world, environments=environments("production", after=(After(environment="staging"),)))
        staging = await succeeded(world)
        production = await ended(world, await ready(world))
        found = await drawn(world)

        assert found.final == ("production",)
        assert numbers(found.changes) == [production.id]
        assert [entry.deploy_id for entry in await entries(world)] == [staging.id, production.id]

    async def test_there_are_none_in_a_digest_of_what_comes_before(self, world: World):
        await applied(world, environments=environments("production", after=(After(environment="staging"),)))
        await succeeded(world)
        await ended(world, await ready(world))
        found = await drawn(world, TODAY, "staging")

        assert (found.final, found.changes.total, found.outcomes[Outcome.DEPLOYED]) == ((), 0, 1)

    async def test_final_is_what_the_catalog_of_the_digest_says(self, world: World):
        other = a_catalog(environments={"staging": a_catalog().environments["staging"]})
        deploy = await succeeded(world)
        found = await drawn(world, catalog=other)

        assert (found.final, numbers(found.changes)) == (("staging",), [deploy.id])

    async def test_the_first_forty_are_shown_and_all_are_counted_and_in_the_csv(self, world: World):
        made = await that_succeeded(world, MOST_CHANGES + 63)
        found = await drawn(world)

        assert numbers(found.changes) == made[:MOST_CHANGES]
        assert found.changes.total == found.outcomes[Outcome.DEPLOYED] == MOST_CHANGES + 63
        assert [entry.deploy_id for entry in await entries(world)] == made

    async def test_what_nomad_refused_changed_nothing_but_failed(self, world: World):
        world.nomad.answers = [Answer.DENIED]
        refused = await dispatching(world)
        assert await register.step(world.ports())
        found = await drawn(world)

        assert (await now(world, refused)).status == "failed"
        assert (found.changes.total, numbers(found.failures)) == (0, [refused.id])


class TestWhatToLookAt:
    async def test_a_failure_that_nomad_reverts_is_named_and_the_revert_when_it_fails(self, world: World):
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

    async def test_a_rollout_is_stuck_until_it_goes_on_to_its_end_and_in_each_digest_until_then(self, world: World):
        deploy = await rolling(world)
        await seen(world, "running")
        world.clock.advance(hours=2)
        await seen(world, "running")
        world.clock.instant = LATER.ends
        await seen(world, "successful")

        assert numbers((await drawn(world)).stuck) == [deploy.id]
        assert numbers((await drawn(world, LATER)).stuck) == [deploy.id]
        assert (await drawn(world, Span(LATER.ends, LATER.ends + DAY))).stuck.total == 0

    async def test_so_is_a_revert_that_nomad_cannot_go_on_with(self, world: World):
        deploy = await rolling(world)
        await seen(world, "failed", reverted_to=(1, 120))
        world.clock.advance(minutes=1)
        await seen(world, "running")
        world.clock.advance(hours=2)
        await seen(world, "running")

        assert numbers((await drawn(world)).stuck) == [deploy.id]

    async def test_what_waits_since_half_of_its_time_is_overdue(self, world: World):
        old = await planned(world, "production", version="v1")
        world.clock.advance(hours=13)
        await planned(world, "production", version="v2")

        assert (await drawn(world, Span(NOON, NOON + 12 * HOUR))).overdue.total == 1
        assert (await drawn(world, Span(NOON, NOON + 12 * HOUR - timedelta(seconds=1)))).overdue.total == 0
        assert numbers((await drawn(world, Span(NOON, NOON + 14 * HOUR))).overdue) == [old.id]

    @pytest.mark.parametrize(
        ("zone", "named"), [("UTC", []), ("Asia/Tokyo", [BOB, SAM]), ("America/Los_Angeles", [BOB, SAM])]
    )
    async def test_out_of_hours_is_by_the_digest_s_zone(self, world: World, zone: str, named: list[Actor]):
        # a Monday: 21:00 in Tokyo, 04:00 in Los Angeles
        world.clock.advance(days=2)
        await ready(world)
        found = await drawn(world, Span(NOON, NOON + 3 * DAY), zone=zone)

        assert approvers(found.out_of_hours) == named
        assert found.out_of_hours.total == len(named)

    async def test_an_approval_of_one_s_own_request_is_named(self, world: World):
        await applied(world, environments=environments("production", self_approval=True))
        deploy = await planned(world, "production")
        assert not isinstance(await approve(world.ports(), ALICE, deploy.id, plan=None, origin=HERE), Refused)
        assert not isinstance(await approve(world.ports(), SAM, deploy.id, plan=None, origin=HERE), Refused)
        found = await drawn(world)

        assert approvers(found.self_approved) == [ALICE]
        assert approvers(found.out_of_hours) == [ALICE, SAM]

    async def test_ten_of_each_kind_are_named_and_all_are_counted(self, world: World):
        for number in range(MOST_NAMED + 2):
            await planned(world, "production", version=f"v{number}")
        found = await drawn(world)

        assert (len(found.overdue.entries), found.overdue.total) == (MOST_NAMED, MOST_NAMED + 2)
        assert found.overdue.entries[0].version == "v0"

    async def test_refusals_are_counted_by_the_rule_that_said_no(self, world: World):
        deploy = await planned(world, "production")
        for who in (GUS, ALICE, ALICE):
            await approve(world.ports(), who, deploy.id, plan=None, origin=HERE)
        await request(world.ports(), ALICE, an_ask(service="chekout"), origin=Origin())
        found = await drawn(world)

        assert list(found.refusals.items()) == [("own-request", 2), ("person-guest", 1), ("unknown-service", 1)]
        assert found.refused == 4

    async def test_a_catalog_that_became_active_is_named_with_who_did_it(self, bare: World):
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


async def test_a_deploy_without_its_request_is_left_out(world: World):
    async with world.store.begin() as tx:
        deploy = await tx.add_deploy(a_draft(environment="production"))
    await recorded(world, deploy, EventType.DEPLOY_SUCCEEDED)

    assert await entries(world) == []
