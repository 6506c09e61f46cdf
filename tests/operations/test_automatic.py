"""Automatic promotion: requested once, for the person behind the deploy that passed, and never over a step back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.domain.access import Grant, Permission
from bot.domain.catalog.environment import After
from bot.domain.decision import Refused
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.gates import RECHECK
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.promote import Promotion, promote
from bot.operations.deploys.withdraw import withdraw
from bot.operations.worker import offer
from bot.operations.worker import plan as plan_deploy
from tests.builders import ALICE, BOB, a_service, every_deploy
from tests.operations.acts import (
    SOAK,
    applied,
    asked,
    delivered,
    ended,
    environments,
    events,
    now,
    succeeded,
)

if TYPE_CHECKING:
    import pytest

    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.message import Note
    from tests.fakes import World

MAY = frozenset({Permission.REQUEST, Permission.PROMOTE, Permission.WITHDRAW})


async def automatic(world: World, *, auto: bool = True, may: frozenset[Permission] = MAY, **changes: Any) -> None:
    """Production comes automatically after ten seconds in staging, and needs nobody's approval."""
    rule = After(environment="staging", soak=SOAK)
    production = {"after": (rule,), "approvals": (), "auto": auto, **changes}
    grants = (Grant("developers", may), Grant("sre", frozenset(Permission)))
    services = {"checkout": a_service(job="checkout-{environment}")}
    await applied(world, environments=environments("production", **production), grants=grants, services=services)


async def looked(world: World) -> None:
    """Look at all that is due."""
    while await offer.step(world.ports()):
        pass


async def soaked(world: World, version: str = "v1.4.2") -> Deploy:
    """A deploy to staging that has soaked and was looked at."""
    world.clock.advance(timedelta(seconds=1))
    deploy = await succeeded(world, version=version)
    world.clock.advance(SOAK)
    await looked(world)
    return await now(world, deploy)


async def in_production(world: World) -> list[Deploy]:
    """All deploys to production."""
    async with world.store.read() as reading:
        return [each for each in await every_deploy(reading) if each.environment == "production"]


async def notes(world: World) -> list[Note]:
    """What was said of automatic promotions."""
    await delivered(world)
    return [note for _, note, _ in world.chat.said if "automatically" in note.text]


async def rolled_out(world: World) -> Deploy:
    """The newest deploy to production, succeeded."""
    return await ended(world, (await in_production(world))[-1])


async def test_it_is_requested_when_it_has_soaked_for_the_person_behind_it(world: World):
    await automatic(world)
    source = await succeeded(world)
    await looked(world)
    assert await in_production(world) == []
    world.clock.advance(SOAK)

    await looked(world)

    (made,) = await in_production(world)
    assert (made.requester, made.release, made.promotes) == (ALICE, source.release, "staging")
    assert (made.status, made.reason) == (Status.PLANNING, "D-1 passed in staging.")
    assert (await events(world, made.id))[0]["data"]["automatic"] is True
    (note,) = await notes(world)
    assert (note.text, note.mention) == ("D-2 was requested automatically: v1.4.2 to production.", (ALICE.id,))


async def test_it_approves_nothing(world: World):
    approvals = environments("production")["production"].approvals
    await automatic(world, approvals=approvals)
    await soaked(world)
    assert await plan_deploy.step(world.ports())

    (made,) = await in_production(world)

    assert made.status is Status.WAITING


async def test_without_the_key_nobody_asks(world: World):
    await automatic(world, auto=False)

    source = await soaked(world)

    assert source.offers == ("production",)
    assert await in_production(world) == []


async def test_a_release_is_requested_once_whatever_became_of_it(world: World):
    await automatic(world)
    await soaked(world)
    await withdraw(world.ports(), ALICE, 2, origin=Origin())
    await looked(world)
    assert (await now(world, 1)).offers == ("production",)

    world.clock.advance(timedelta(days=1))
    await looked(world)

    assert [each.id for each in await in_production(world)] == [2]


async def test_a_worker_that_comes_late_finds_what_another_requested(world: World, monkeypatch: pytest.MonkeyPatch):
    """As after a crash between the request and the note: both look, and one deploy is made."""
    await automatic(world)
    await succeeded(world)
    world.clock.advance(SOAK)
    source = await now(world, 1)
    await promote(world.ports(), BOB, Promotion(deploy_id=1, overrides={}), origin=Origin())
    await withdraw(world.ports(), BOB, 2, origin=Origin())

    async def nothing_there(*_: object) -> bool:
        return False

    monkeypatch.setattr("bot.operations.automatic._was_there", nothing_there)
    await looked(world)

    assert [(each.id, each.requester) for each in await in_production(world)] == [(2, BOB)]
    assert (await notes(world), source.auto_refused) == ([], ())


async def test_a_refusal_is_told_once_and_a_person_can_still_promote(world: World):
    await automatic(world, may=frozenset({Permission.REQUEST}))
    await soaked(world)
    await automatic(world)
    await looked(world)
    world.clock.advance(timedelta(days=1))
    await looked(world)

    (note,) = await notes(world)

    assert note.text == (
        "D-1 (v1.4.2) is not promoted to production automatically. "
        "You need the `promote` permission for checkout in production."
    )
    assert note.lines == ("To promote it anyway: `/deploy promote D-1 to production`.",)
    assert await in_production(world) == []
    answer = await promote(world.ports(), BOB, Promotion(deploy_id=1, overrides={}), origin=Origin())
    assert not isinstance(answer, Refused)


async def test_an_outage_of_slack_is_waited_out_and_nobody_is_told(world: World):
    await automatic(world)
    await succeeded(world)
    world.clock.advance(SOAK)
    world.directory.silent = True
    await looked(world)
    assert (await in_production(world), await notes(world)) == ([], [])
    world.directory.silent = False
    world.clock.advance(RECHECK)

    await looked(world)

    assert len(await in_production(world)) == 1


async def test_an_older_version_in_production_stops_it_until_a_person_deploys_a_newer_one(world: World):
    await automatic(world)
    for version in ("v1.4.1", "v1.4.2"):
        await soaked(world, version)
        await rolled_out(world)
    # back to the version before, by a person
    await promote(world.ports(), BOB, Promotion(deploy_id=1, overrides={}), origin=Origin())
    await rolled_out(world)

    await soaked(world, "v1.4.3")
    world.clock.advance(timedelta(days=1))
    await looked(world)

    assert [each.version for each in await in_production(world)] == ["v1.4.1", "v1.4.2", "v1.4.1"]
    told = (await notes(world))[-1]
    assert told.text == (
        "D-6 (v1.4.3) is not promoted to production automatically. v1.4.1 (D-5) in production is older than v1.4.2, "
        "which it replaced: until somebody deploys a newer version there, nothing is automatic."
    )
    assert len([note for note in await notes(world) if "not promoted" in note.text]) == 1

    await promote(world.ports(), BOB, Promotion(deploy_id=6, overrides={}), origin=Origin())
    await rolled_out(world)
    await soaked(world, "v1.4.4")

    assert [each.version for each in await in_production(world)][-2:] == ["v1.4.3", "v1.4.4"]


async def test_what_was_held_goes_on_when_the_hold_has_ended(world: World):
    await automatic(world)
    for version in ("v1.4.1", "v1.4.2"):
        await soaked(world, version)
        await rolled_out(world)
    await promote(world.ports(), BOB, Promotion(deploy_id=1, overrides={}), origin=Origin())
    await rolled_out(world)
    source = await soaked(world, "v1.4.4")
    assert source.auto_held == ("production",)
    await automatic(world, after=())
    await ended(world, await asked(world, environment="production", version="v1.4.3"))

    await automatic(world)
    await looked(world)

    assert (await in_production(world))[-1].version == "v1.4.4"


async def test_an_older_version_in_staging_is_not_promoted_automatically(world: World):
    await automatic(world, approvals=environments("production")["production"].approvals)
    await soaked(world, "v1.4.2")
    assert await plan_deploy.step(world.ports())

    source = await soaked(world, "v1.4.1")

    assert source.auto_held == ("production",)
    assert "v1.4.1 (D-3) in staging is older than v1.4.2" in (await notes(world))[-1].text
    assert [each.version for each in await in_production(world)] == ["v1.4.2"]


async def test_what_is_older_than_what_production_has_is_left_alone(world: World):
    await automatic(world, after=(), auto=False)
    await ended(world, await asked(world, environment="production", version="v2.0.0"))
    await automatic(world)

    source = await soaked(world, "v1.4.2")

    assert (source.auto_held, len(await in_production(world))) == ((), 1)


async def test_versions_that_have_no_order_go_by_what_ran_first(world: World):
    await automatic(world)
    for version in ("3f9a", "0b1c"):
        await soaked(world, version)
        await rolled_out(world)

    assert [each.version for each in await in_production(world)] == ["3f9a", "0b1c"]
    await promote(world.ports(), BOB, Promotion(deploy_id=1, overrides={}), origin=Origin())
    await rolled_out(world)

    assert (await soaked(world, "77aa")).auto_held == ("production",)
