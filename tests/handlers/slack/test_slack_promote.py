"""Promotion as people meet it in Slack: the button, its form, and the command."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.domain.actor import System
from bot.domain.catalog.environment import After
from bot.domain.catalog.variable import Bound, Declaration
from bot.domain.decision import Refused
from bot.gateways.blocks import modal
from bot.operations.catalog import apply
from bot.operations.outbox import deliver
from handlers.slack.verbs.table import answer
from tests.builders import ALICE, a_placement, a_service, a_template, an_environment
from tests.handlers.slack import bolt
from tests.handlers.slack.test_slack_actions import told
from tests.handlers.slack.test_slack_authority import a_call
from tests.operations.acts import SOAK, after_staging, applied, asked, environments, events, now, succeeded

if TYPE_CHECKING:
    from bot.domain.catalog.catalog import Catalog
    from bot.domain.deploy.deploy import Deploy
    from bot.ports import Ports
    from tests.fakes import World
    from tests.slackside import Door, Slackside

STAGING = "C0STAGING1"


async def soaked(world: World) -> Deploy:
    await after_staging(world)
    deploy = await succeeded(world)
    world.clock.advance(SOAK)
    return deploy


def filled(**inputs: Any) -> dict[str, Any]:
    """A submitted form of D-1, by its blocks."""
    values = {block: {modal.REASON_ACTION: value} for block, value in inputs.items()}
    return {"callback_id": modal.PROMOTE, "private_metadata": "D-1:1", "state": {"values": values}}


async def drawn(ports: Ports) -> None:
    while await deliver.step(ports):
        pass


async def click(slack: Slackside, message: dict[str, Any], **more: Any) -> None:
    body = {"user": "U0ALICE001", "channel": STAGING, "ts": message["ts"], "action_id": "deploy.promote"}
    assert (await slack.page.post("action", **body, **more))["status"] == 200


async def test_the_button_opens_a_form_and_that_asks_for_production(
    world: World, ports: Ports, slack: Slackside, knocking: Door
) -> None:
    await soaked(world)
    await drawn(ports)
    (message,) = await slack.page.messages(STAGING)

    await click(slack, message)
    await knocking.guard.drain()
    (view,) = (await slack.page.get("state", **{"as": "U0ALICE001"}))["views"]
    values = {"reason": {"text": "SHOP-981"}, "set:count": {"text": "3"}}
    sent = await slack.page.post("submit", user="U0ALICE001", view=view["id"], values=values)

    assert sent["status"] == 200
    deploy = await now(world, 2)
    assert (deploy.environment, deploy.promotes, deploy.reason) == ("production", "staging", "SHOP-981")
    assert deploy.overrides == {"count": 3}


async def test_a_click_that_comes_too_late_is_told_why(
    world: World, ports: Ports, slack: Slackside, knocking: Door
) -> None:
    await soaked(world)
    await drawn(ports)
    (message,) = await slack.page.messages(STAGING)
    await asked(world, environment="production")

    await click(slack, message)

    assert "already on its way to production: D-2" in (await told(slack, "U0ALICE001"))[0]


async def test_the_form_chooses_among_several_environments(world: World) -> None:
    known = environments("production", after=(After(environment="staging"),))
    canada = an_environment("canada", after=(After(environment="staging"),))
    placed = {name: a_placement(name) for name in ("staging", "production", "canada")}
    await after_staging(world)
    await applied(
        world,
        environments={**known, "canada": canada},
        services={"checkout": a_service(placements=placed, job="checkout-{environment}")},
        grants=(await after_staging(world)).grants,
    )
    await succeeded(world)
    chosen = {"selected_option": {"value": "canada"}}

    nowhere = await bolt.submit(a_call(world, ALICE), filled(reason={"value": "SHOP-981"}))
    there = await bolt.submit(a_call(world, ALICE), filled(reason={"value": "SHOP-981"}, environment=chosen))

    assert nowhere is not None
    assert "Name the environment for D-1" in str(nowhere["errors"])
    assert there is None
    assert (await now(world, 2)).environment == "canada"


async def test_a_form_that_is_shaped_otherwise_asks_for_nothing_more(world: World) -> None:
    await soaked(world)
    view = {**filled(), "state": "no state"}

    assert await bolt.submit(a_call(world, ALICE), view) is None
    assert (await now(world, 2)).overrides == {}


async def test_a_form_left_empty_sets_nothing(world: World) -> None:
    await soaked(world)

    assert await bolt.submit(a_call(world, ALICE), filled(**{"set:count": {"value": None}})) is None

    assert (await now(world, 2)).reason is None
    assert (await now(world, 2)).overrides == {}


async def test_a_setting_that_may_not_be_set_is_refused_in_the_form(world: World) -> None:
    await soaked(world)

    shown = await bolt.submit(a_call(world, ALICE), filled(**{"set:memory": {"value": "1"}}))

    assert shown is not None
    assert "memory" in str(shown["errors"])


def typed_catalog(catalog: Catalog) -> Catalog:
    """The catalog, with a template that declares a count from 1 to 10 and a greeting."""
    count = Declaration(type="number", whole=True, bounds=(Bound(">=", 1), Bound("<=", 10)), description="How many.")
    declared = {"count": count, "greeting": Declaration(type="string"), "version": Declaration(type="string")}
    template = a_template(declared=frozenset(declared), declarations=declared)
    service = a_service(job="checkout-{environment}", settable=frozenset({"count", "greeting"}))
    return replace(catalog, templates={"web": template}, services={"checkout": service})


async def soaked_with_types(world: World) -> None:
    catalog = await after_staging(world)
    assert not isinstance(await apply(world.ports(), System("test"), typed_catalog(catalog)), Refused)
    await succeeded(world)
    world.clock.advance(SOAK)


async def test_what_is_wrong_with_a_setting_is_said_beside_its_field(world: World) -> None:
    await soaked_with_types(world)
    values = {"reason": {"value": "x" * 1001}, "set:count": {"value": "lots"}, "set:greeting": {"value": "{{ x }}"}}

    shown = await bolt.submit(a_call(world, ALICE), filled(**values))
    typed = await bolt.submit(a_call(world, ALICE), filled(reason={"value": "x"}, **{"set:count": {"value": "lots"}}))

    assert shown == {
        "response_action": "errors",
        "errors": {
            "set:greeting": ("greeting takes text of at most 200 characters on one line, without ${, %{ and {{."),
            "reason": "Keep the reason within 1000 characters.",
        },
    }
    assert typed is not None
    assert typed["errors"] == {"set:count": "count takes a whole number from 1 to 10."}
    async with world.store.read() as reading:
        assert await reading.deploy(2) is None


async def test_a_secret_in_the_form_is_refused_beside_its_field_and_recorded_nowhere(world: World) -> None:
    await soaked_with_types(world)

    values = {"set:greeting": {"value": "https://sam:Zk9hunter2@example.com"}, "set:count": {"value": "3"}}
    shown = await bolt.submit(a_call(world, ALICE), filled(**values))

    assert shown is not None
    assert list(shown["errors"]) == ["set:greeting"]
    assert "Nomad Variables" in shown["errors"]["set:greeting"]
    assert "Zk9hunter2" not in f"{shown}{await events(world)}"


async def test_the_form_says_what_each_setting_takes(
    world: World, ports: Ports, slack: Slackside, knocking: Door
) -> None:
    await soaked_with_types(world)
    await drawn(ports)
    (message,) = await slack.page.messages(STAGING)

    await click(slack, message)
    await knocking.guard.drain()

    (view,) = (await slack.page.get("state", **{"as": "U0ALICE001"}))["views"]
    hints = {block["block_id"]: block["hint"]["text"] for block in view["view"]["blocks"] if "hint" in block}
    assert hints["set:count"] == "How many. Takes a whole number from 1 to 10. Leave empty to use the catalog's value."


async def test_the_command_promotes_a_deploy_or_what_a_service_runs(world: World) -> None:
    await soaked(world)

    first = await answer(a_call(world, ALICE, text="promote D-1 because SHOP-981"))
    again = await answer(a_call(world, ALICE, text="promote checkout to production"))

    assert first is not None
    assert again is not None
    assert "`D-2` checkout `v1.4.2` to production" in first.text
    assert "Already requested" in again.text
    assert "`D-2` checkout `v1.4.2` to production" in again.text


async def test_the_command_says_why_not(world: World) -> None:
    await after_staging(world)
    await succeeded(world)

    said = await answer(a_call(world, ALICE, text="promote D-1"))

    assert said is not None
    assert "has to run in staging for 10s first. Possible from <!date^1795262410^" in said.text


async def test_a_click_on_what_never_succeeded_changes_nothing(world: World, slack: Slackside) -> None:
    await after_staging(world)
    await asked(world)

    (message,) = (await bolt.click(a_call(world, ALICE), "deploy.promote", value="D-1:1")).messages

    assert "D-1" in message.text
    async with world.store.read() as reading:
        assert [deploy.id for deploy in await reading.open_deploys()] == [1]
