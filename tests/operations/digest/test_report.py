from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.audit.events import EventType
from bot.domain.audit.history import Outcome
from bot.domain.catalog.environment import After
from bot.domain.deploy.dispatch import Answer
from bot.domain.digest.report import MOST_CHANGES
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.withdraw import withdraw
from bot.operations.worker import dispatch, expire, register
from bot.operations.worker import plan as plan_deploy
from tests.builders import ALICE, BOB, SAM, a_catalog, a_draft, a_posted
from tests.clocks import NOON
from tests.operations.acts import (
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
    from tests.fakes import World

from tests.operations.reported import DAY, LATER, TODAY, drawn, entries, numbers, recorded, seen, that_succeeded


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
        assert entry.detail == "Its time was over before it got a decision."
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

    async def test_what_still_rolls_out_comes_last_and_what_does_not_yet_is_no_change(self, world: World):
        await applied(world, environments=environments("production", after=(After(environment="staging"),)))
        made = await that_succeeded(world, MOST_CHANGES - 1)
        # nobody requests so much within a minute
        world.clock.advance(minutes=2)
        await succeeded(world)
        first = await rolling(world)
        await planned(world, "production", overrides={"count": 3})
        before = await drawn(world)
        await that_succeeded(world, 2)

        assert numbers(before.changes) == [*made, first.id]
        assert before.outcomes[Outcome.OPEN] == 2
        after = await drawn(world)
        assert (len(after.changes.entries), after.changes.total) == (MOST_CHANGES, MOST_CHANGES + 2)
        assert first.id not in numbers(after.changes)

    async def test_what_rolls_out_elsewhere_is_no_change_of_production(self, world: World):
        await applied(world, environments=environments("production", after=(After(environment="staging"),)))
        await asked(world)
        for step in (plan_deploy.step, dispatch.step):
            await step(world.ports())
        found = await drawn(world)

        assert [entry.status for entry in await entries(world)] == ["rolling"]
        assert found.changes.total == 0

    async def test_what_nomad_refused_changed_nothing_but_failed(self, world: World):
        world.nomad.answers = [Answer.DENIED]
        refused = await dispatching(world)
        assert await register.step(world.ports())
        found = await drawn(world)

        assert (await now(world, refused)).status == "failed"
        assert (found.changes.total, numbers(found.failures)) == (0, [refused.id])


async def test_the_oldest_request_comes_first_whatever_ended_before_it(world: World):
    first = await planned(world, "production")
    world.clock.advance(minutes=1)
    second = await succeeded(world)
    world.clock.advance(minutes=1)
    third = await succeeded(world, overrides={"count": 3})
    await withdraw(world.ports(), ALICE, first.id, origin=Origin())

    assert [entry.deploy_id for entry in await entries(world)] == [first.id, second.id, third.id]


async def test_a_deploy_without_its_request_is_left_out(world: World):
    async with world.store.begin() as tx:
        deploy = await tx.add_deploy(a_draft(environment="production"))
    await recorded(world, deploy, EventType.DEPLOY_SUCCEEDED)

    assert await entries(world) == []
