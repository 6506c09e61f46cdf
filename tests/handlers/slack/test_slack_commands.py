from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bot.operations.worker import offer
from handlers.slack.command.ast import Later
from handlers.slack.verbs.table import VERBS
from tests.handlers.slack.test_slack_preview import BreakingStore, shown
from tests.operations.acts import SOAK, after_staging, succeeded
from tests.slackside import a_command, door

if TYPE_CHECKING:
    from tests.fakes import World
    from tests.slackside import Door, Slackside


async def said(knocking: Door, text: str, user: str = "U0ALICE001") -> Any:
    status, body = await knocking.knock(a_command(text, user_id=user))
    assert status == 200, body
    assert body["response_type"] == "ephemeral"
    return body["text"]


async def test_a_request_is_recorded_and_answered_in_the_acknowledgement(knocking: Door, world: World) -> None:
    answer = await said(knocking, "checkout v1.4.2 to production because SHOP-981")

    async with world.store.read() as reading:
        (deploy,) = await reading.open_deploys()
    assert answer == (
        ":inbox_tray: Recorded as `D-1` checkout `v1.4.2` to production. Nomatron is planning it now. "
        "Its message will be in <#C0PROD0001>."
    )
    assert (deploy.requester.key, deploy.reason) == ("slack:T0NOMATRON:U0ALICE001", "SHOP-981")
    assert deploy.asked_in == "C0GENERAL1"
    assert "Already requested: `D-1`" in await said(knocking, "checkout v1.4.2 to production because again")


async def test_words_that_are_missing_or_mistyped(knocking: Door) -> None:
    assert "Did you mean `status`?" in await said(knocking, "stauts")
    assert "Services: checkout." in await said(knocking, "")
    assert "Did you mean `checkout`?" in await said(knocking, "chekout v1 to staging")
    assert "Nothing is open." in await said(knocking, "approve")
    assert "There is no deploy D-9." in await said(knocking, "plan D-9")
    await said(knocking, "checkout v1.4.2 to staging")
    assert "Open deploys: D-1 (checkout v1.4.2 to staging)." in await said(knocking, "approve")


async def test_what_can_be_promoted_now_is_named_to_those_who_may(knocking: Door, world: World) -> None:
    await after_staging(world)
    assert "There is nothing that you can promote right now." in await said(knocking, "promote")
    assert "You can promote now" not in await said(knocking, "help")
    await succeeded(world)
    world.clock.advance(SOAK)
    while await offer.step(world.ports()):
        pass

    now = "You can promote now: D-1 (checkout v1.4.2 to production)."
    assert now in await said(knocking, "Promote")
    assert now in await said(knocking, "Help")
    assert "There is nothing that you can promote right now." in await said(knocking, "promote", "U0NORA0001")


async def test_help_knows_every_verb_also_those_that_are_to_come(knocking: Door) -> None:
    everything = await said(knocking, "help")

    for name, verb in VERBS.items():
        page = await said(knocking, f"help {name.upper()}")
        if isinstance(verb, Later):
            assert f"`{name}` isn't available yet. {verb.instead}" in page
            assert f"`{name}`" in everything.partition("Not available yet: ")[2]
        else:
            assert page.startswith(f"`{verb.form}`")
            assert f"`{verb.form}`" in everything
    assert "Did you mean `approve`? Topics: request, promote" in await said(knocking, "help aprove")


@pytest.mark.usefixtures("knocking")
async def test_what_runs_where_comes_after_the_acknowledgement(slack: Slackside) -> None:
    found = await shown(slack, "status")
    assert "What runs where" in found["text"]
    assert "staging: nothing deployed by Nomatron yet" in str(found["blocks"])


async def test_a_status_that_fails_says_so(world: World, slack: Slackside) -> None:
    ports: Any = replace(world.ports(), store=BreakingStore(world, after=2))  # type: ignore[arg-type] # it only reads
    async with door(ports, slack):
        assert "The database is busy" in (await shown(slack, "status"))["text"]


async def test_whoami_and_help(knocking: Door) -> None:
    assert "`developers`" in await said(knocking, "whoami")
    assert "Guests" in await said(knocking, "whoami", "U0GUS00001")
    assert "approve its current plan" in await said(knocking, "help")
    assert "Each person gives one approval" in await said(knocking, "help approve")


async def test_one_without_rights_is_told_who_can(knocking: Door, slack: Slackside) -> None:
    answer = await said(knocking, "checkout v1.4.2 to production", "U0NORA0001")

    assert answer.startswith(":lock: You need the `request` permission")
    assert "<!subteam^S0SRE00001>" in answer
