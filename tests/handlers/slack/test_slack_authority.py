"""Every way in from Slack: a person without the right changes nothing, and is told why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.deploy.deploy import Status
from bot.gateways.blocks.card import buttons
from bot.gateways.blocks.card.buttons import AGAIN, APPROVE
from bot.gateways.blocks.card.buttons import MENU as MENU_BUTTON
from bot.gateways.blocks.modal import PROMOTE, REASON_ACTION, REASON_BLOCK, REJECT, ROLL_BACK
from bot.gateways.blocks.pages import NEWEST, OLDER, STEPS
from bot.gateways.slack.manifest import COMMAND
from bot.operations.worker import plan as plan_deploy
from handlers.slack.actions import MENU
from handlers.slack.desk import Call, Desk
from handlers.slack.identity import Sender
from handlers.slack.respond import Background
from handlers.slack.verbs.table import AVAILABLE, answer
from tests.builders import GUS, NORA, SAM, TEAM, every_deploy
from tests.handlers.slack.bolt import click, registered, submit
from tests.operations.acts import SOAK, after_staging, asked, now, planned, succeeded

if TYPE_CHECKING:
    from bot.domain.actor import SlackUser
    from bot.domain.deploy.deploy import Deploy
    from bot.gateways.blocks.parts import Message
    from tests.fakes import World

CHANGING = {
    "request": "checkout v9 to production",
    "approve": "approve D-1",
    "retract": "retract D-1",
    "reject": "reject D-1 no tests yet",
    "withdraw": "withdraw D-1",
    "promote": "promote D-1",
    "resolve": "resolve D-1 failed because it is gone",
    "lock": "lock production because of me",
    "unlock": "unlock staging because of me",
    "rollback": "rollback checkout in staging because of me",
}
READING = {"help", "whoami", "status", "plan", "history", "audit", "digest"}
CLICKS: dict[str, dict[str, Any]] = {
    "deploy.approve": {"value": "D-1:1"},
    "deploy.reject": {"value": "D-1:1"},
    "deploy.menu": {"selected_option": {"value": "withdraw D-1:1"}},
    "deploy.again": {"value": "D-1:1"},
    "deploy.promote": {"value": "D-1:1"},
    "deploy.rollback": {"value": "D-1:1"},
}
TURNING = {
    OLDER: '{"verb": "audit"}',
    NEWEST: '{"verb": "history", "service": "checkout"}',
    STEPS: '{"verb": "audit", "steps": true}',
}
"""They show another page of what everybody may look up."""
ASKS_FIRST = {"deploy.promote", "deploy.rollback"}
"""They open a modal, and change nothing before that comes back."""

NOBODIES = pytest.mark.parametrize("user", [NORA, GUS], ids=["nora", "gus"])


class Mute:
    """A voice that nobody hears."""

    async def say(self, message: Message, **_: str | bool) -> None:
        """Nothing."""

    async def open_view(self, trigger_id: str, view: dict[str, Any]) -> None:
        """Nothing."""


def a_call(world: World, user: SlackUser, **payload: Any) -> Call:
    desk = Desk(world.ports(), Mute(), Background())
    return Call(desk, payload, Sender(TEAM, "A0NOMATRON", user), "")


async def rows(world: World) -> tuple[Any, ...]:
    """All that a person could have changed."""
    async with world.store.read() as reading:
        deploys = await every_deploy(reading)
        return deploys, await reading.locks(), tuple([await reading.approvals(deploy.id) for deploy in deploys])


async def a_waiting_deploy(world: World) -> Deploy:
    deploy = await planned(world, "production")
    assert deploy.status is Status.WAITING
    return deploy


def test_every_verb_of_the_grammar_is_sorted_here() -> None:
    assert READING | CHANGING.keys() == set(AVAILABLE)


def test_every_button_and_menu_entry_is_sorted_here() -> None:
    assert {*CLICKS, *TURNING} == set(registered().actions)
    assert MENU.keys() == {"withdraw", "retract", "replan", "replace"}


@NOBODIES
@pytest.mark.parametrize("text", [*CHANGING.values(), "checkout v9 to staging"])
async def test_a_command_of_nobody_changes_nothing_and_says_why(world: World, text: str, user: SlackUser) -> None:
    await a_waiting_deploy(world)
    before = await rows(world)

    said = await answer(a_call(world, user, text=text))

    assert said is not None
    assert said.text.startswith((":lock:", ":leftwards_arrow_with_hook:"))
    assert await rows(world) == before


@NOBODIES
@pytest.mark.parametrize("verb", MENU)
async def test_a_menu_entry_of_nobody_changes_nothing_and_says_why(world: World, verb: str, user: SlackUser) -> None:
    await a_waiting_deploy(world)
    before = await rows(world)
    told = await click(a_call(world, user), "deploy.menu", selected_option={"value": f"{verb} D-1:1"})

    (message,) = told.messages
    assert message.text.startswith((":lock:", ":leftwards_arrow_with_hook:"))
    assert await rows(world) == before


@NOBODIES
@pytest.mark.parametrize("action_id", sorted(CLICKS.keys() - ASKS_FIRST))
async def test_a_click_of_nobody_changes_nothing_and_says_why(world: World, action_id: str, user: SlackUser) -> None:
    if action_id == "deploy.again":
        # what had nothing to do is the one that can be asked for again
        world.nomad.unchanged = True
        deploy = await asked(world)
        await plan_deploy.step(world.ports())
        assert (await now(world, deploy)).status is Status.UNCHANGED
    else:
        await a_waiting_deploy(world)
    before = await rows(world)

    told = await click(a_call(world, user), action_id, **CLICKS[action_id])

    (message,) = told.messages
    assert message.text.startswith(":lock:")
    assert await rows(world) == before


@NOBODIES
@pytest.mark.parametrize("action_id", TURNING)
async def test_a_page_is_turned_by_anybody_and_changes_nothing(world: World, action_id: str, user: SlackUser) -> None:
    await a_waiting_deploy(world)
    before = await rows(world)

    (page,) = (await click(a_call(world, user), action_id, value=TURNING[action_id])).messages
    assert "D-1" in page.text
    assert await rows(world) == before


@NOBODIES
async def test_the_reject_modal_of_nobody_changes_nothing_and_says_why(world: World, user: SlackUser) -> None:
    await a_waiting_deploy(world)
    before = await rows(world)
    view = {
        "callback_id": REJECT,
        "private_metadata": "D-1:1",
        "state": {"values": {REASON_BLOCK: {REASON_ACTION: {"value": "no tests yet"}}}},
    }

    shown = await submit(a_call(world, user), view)

    assert shown is not None
    assert shown["response_action"] == "update"
    (block,) = shown["view"]["blocks"]
    assert "Who can: <!subteam^S0SRE00001>, <!subteam^S0DEV00001>." in block["text"]["text"]
    assert await rows(world) == before


async def test_a_reason_that_is_too_short_is_fixed_in_the_same_modal(world: World) -> None:
    await a_waiting_deploy(world)
    view = {
        "callback_id": REJECT,
        "private_metadata": "D-1:1",
        "state": {"values": {REASON_BLOCK: {REASON_ACTION: {"value": "no"}}}},
    }

    shown = await submit(a_call(world, SAM), view)

    assert shown is not None
    assert shown["errors"] == {REASON_BLOCK: "Give a reason of 3 to 1000 characters."}


@NOBODIES
async def test_the_promote_modal_of_nobody_changes_nothing_and_says_why(world: World, user: SlackUser) -> None:
    await after_staging(world)
    await succeeded(world)
    world.clock.advance(SOAK)
    before = await rows(world)
    view = {
        "callback_id": PROMOTE,
        "private_metadata": "D-1:1",
        "state": {"values": {REASON_BLOCK: {REASON_ACTION: {"value": "SHOP-981"}}}},
    }

    shown = await submit(a_call(world, user), view)

    assert shown is not None
    assert shown["response_action"] == "update"
    assert await rows(world) == before


@pytest.mark.parametrize("verb", [name for name, verb in AVAILABLE.items() if verb.permission])
async def test_the_permission_that_help_names_is_the_one_that_is_missing(world: World, verb: str) -> None:
    await after_staging(world)
    await succeeded(world)
    world.clock.advance(SOAK)

    said = await answer(a_call(world, NORA, text=CHANGING[verb]))
    page = await answer(a_call(world, NORA, text=f"help {verb}"))

    assert said is not None
    assert page is not None
    assert f"`{AVAILABLE[verb].permission}`" in said.text
    assert f"You need the `{AVAILABLE[verb].permission}` permission." in page.text


def test_every_button_and_form_that_we_draw_is_registered_by_its_name() -> None:
    names = registered()

    assert names.commands == [COMMAND]
    drawn = {APPROVE, buttons.REJECT, MENU_BUTTON, AGAIN, buttons.PROMOTE, buttons.ROLL_BACK, OLDER, NEWEST, STEPS}
    assert set(names.actions) == drawn
    assert set(names.views) == set(names.closed) == {PROMOTE, REJECT, ROLL_BACK}


async def test_a_button_and_a_form_that_nobody_knows_are_answered_in_words(world: World) -> None:
    for action_id in ("deploy.explode", "", *CLICKS):
        value = "D-1:1" if action_id not in CLICKS else "no deploy"
        (message,) = (await click(a_call(world, SAM), action_id, value=value)).messages
        assert "This button is out of date. For the commands: `/deploy help`." in message.text

    for callback_id in ("deploy.explode", REJECT, PROMOTE):
        value = "D-1:1" if callback_id == "deploy.explode" else "no deploy"
        shown = await submit(a_call(world, SAM), {"callback_id": callback_id, "private_metadata": value})
        assert shown is not None
        assert shown["response_action"] == "update"
        assert "This form is out of date." in str(shown["view"]["blocks"])
