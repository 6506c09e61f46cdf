from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.deploy.deploy import Status
from bot.domain.deploy.dispatch import Resolution, Result
from bot.operations.catalog import apply
from bot.operations.deploys.approve import approve
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.reject import reject
from bot.operations.deploys.replan import replan
from bot.operations.deploys.resolve import Resolve, resolve_on_host
from bot.operations.deploys.retract import retract
from bot.operations.deploys.withdraw import withdraw
from bot.operations.queries.status import card
from tests.builders import ALICE, BOB, SAM, a_catalog, a_live_job, a_service
from tests.operations.acts import applied, asked, change, dispatching, judged, now, planned, rolling
from tests.operations.test_catalog import ROOT, without_production

if TYPE_CHECKING:
    from bot.domain.deploy.message import Card
    from tests.fakes import World


async def shown(world: World, deploy_id: int = 1) -> Card:
    found = await card(world.ports(), deploy_id)
    assert found is not None
    return found


async def succeeded(world: World, **changes) -> None:
    """A deploy that runs in production."""
    deploy = await rolling(world, **changes)
    await change(world, deploy.advance(Status.SUCCEEDED, world.clock.now()))


# --- a card ----------------------------------------------------------------------------------------------------------


async def test_there_is_no_card_without_a_deploy(world: World):
    assert await card(world.ports(), 99) is None


async def test_before_the_plan_it_shows_what_was_asked(world: World):
    deploy = await asked(world, environment="production")

    seen = await shown(world)

    assert (seen.deploy, seen.plan, seen.from_version) == (deploy, None, None)
    assert (seen.channel, seen.job, seen.namespace) == ("C0PROD0001", "checkout", "production")
    assert seen.seating.holders == (None, None)
    assert world.directory.asked == 1


async def test_it_shows_who_sits_where(world: World):
    deploy = await planned(world, "production")
    await approve(world.ports(), BOB, deploy.id, plan=1, origin=Origin())

    seen = await shown(world)

    assert seen.seating.holders == (None, BOB.id)
    assert [seat.label for seat in seen.seating.missing] == ["sre"]
    assert [approval.user for approval in seen.approvals] == [BOB]


async def test_an_approval_taken_back_holds_no_seat_and_slack_is_not_asked_for_it(world: World):
    deploy = await planned(world, "production")
    await approve(world.ports(), BOB, deploy.id, plan=1, origin=Origin())
    await retract(world.ports(), BOB, deploy.id, origin=Origin())
    asked_before = world.directory.asked

    seen = await shown(world)

    assert seen.seating.holders == (None, None)
    assert [approval.void for approval in seen.approvals] == ["retracted"]
    assert world.directory.asked == asked_before


async def test_approvals_of_a_replaced_plan_are_not_shown(world: World):
    world.nomad.jobs["checkout"] = a_live_job()
    deploy = await planned(world, "production")
    await approve(world.ports(), BOB, deploy.id, plan=1, origin=Origin())
    await replan(world.ports(), ALICE, deploy.id, origin=Origin())
    await change(world, replace(await now(world, deploy), plan=2))

    assert (await shown(world)).approvals == ()


async def test_while_slack_does_not_say_who_is_who_approvals_are_shown_without_seats(world: World):
    deploy = await planned(world, "production")
    await approve(world.ports(), BOB, deploy.id, plan=1, origin=Origin())
    world.directory.silent = True

    seen = await shown(world)

    assert seen.seating.holders == (None, None)
    assert [approval.user for approval in seen.approvals] == [BOB]


async def test_once_it_is_dispatched_slack_is_not_asked_about_seats(world: World):
    await dispatching(world)
    asked_before = world.directory.asked

    seen = await shown(world)

    assert [approval.user for approval in seen.approvals] == [BOB, SAM]
    assert world.directory.asked == asked_before


async def test_its_links_compare_versions_and_open_nomads_page(world: World):
    checkout = a_service(compare="https://git.example/compare/{from}...{to}", job="shop/checkout")
    linked = replace(a_catalog().clusters["main"], ui="https://nomad.example/ui/")
    await applied(world, services={"checkout": checkout}, clusters={"main": linked})
    await succeeded(world)
    await planned(world, "production", version="v1.5.0")

    assert (await shown(world, 2)).links == {
        "Compare": "https://git.example/compare/v1.4.2...v1.5.0",
        "Open in Nomad": "https://nomad.example/ui/jobs/shop%2Fcheckout@production",
    }


async def test_the_first_version_and_the_same_again_have_nothing_to_compare(world: World):
    await applied(world, services={"checkout": a_service(compare="https://git.example/{from}...{to}")})
    await succeeded(world)
    assert ((await shown(world)).from_version, (await shown(world)).links) == (None, {})
    await planned(world, "production", overrides={"count": 3})

    seen = await shown(world, 2)

    assert (seen.from_version, seen.links) == ("v1.4.2", {})


async def test_one_whose_service_left_the_catalog_is_shown_as_its_own_catalog_had_it(world: World):
    await planned(world, "production")
    await apply(world.ports(), ROOT, without_production())
    await judged(world)

    seen = await shown(world)

    assert (seen.deploy.status, seen.channel, seen.job) == (Status.WITHDRAWN, "C0PROD0001", "checkout")


async def test_after_dispatch_each_approval_keeps_the_seat_it_was_counted_for(world: World):
    deploy = await rolling(world)
    world.directory.usergroups = {}

    found = await card(world.ports(), deploy.id)

    assert found is not None
    seated = [(seat.label, holder) for seat, holder in zip(found.seating.seats, found.seating.holders, strict=True)]
    assert seated == [("sre", SAM.id), ("owners of checkout", BOB.id)]


async def test_withdrawn_with_one_yes_that_one_keeps_its_seat(world: World):
    deploy = await planned(world, "production")
    await approve(world.ports(), SAM, deploy.id, plan=1, origin=Origin())
    await withdraw(world.ports(), ALICE, deploy.id, origin=Origin())

    found = await card(world.ports(), deploy.id)

    assert found is not None
    assert found.seating.holders == (SAM.id, None)


async def test_who_rejected_or_withdrew_it_is_on_its_message(world: World):
    rejected, withdrawn = await planned(world, "production"), await asked(world)
    await reject(world.ports(), SAM, rejected.id, plan=1, reason="not on a Friday", origin=Origin())
    await withdraw(world.ports(), ALICE, withdrawn.id, origin=Origin())

    enders = [await card(world.ports(), each.id) for each in (rejected, withdrawn)]

    assert [each and each.ended_by for each in enders] == [SAM, ALICE]


async def test_nobody_is_named_for_what_ended_by_itself(world: World):
    deploy = await planned(world, "production")
    await change(world, deploy.advance(Status.REJECTED, world.clock.now()))

    shown = await card(world.ports(), deploy.id)

    assert shown is not None
    assert shown.ended_by is None


async def test_a_word_is_shown_with_whose_it_is(world: World):
    deploy = await rolling(world)
    assert (await shown(world)).resolved_by is None

    await resolve_on_host(world.ports(), ROOT, Resolve(deploy.id, Resolution(Result.FAILED), "gone"))

    assert (await shown(world)).resolved_by == ROOT
