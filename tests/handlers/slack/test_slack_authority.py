"""Every way in from Slack, enumerated from its own tables: what changes anything is closed to who holds no right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.deploy.deploy import Status
from bot.gateways.blocks.modal import PROMOTE, REASON_ACTION, REASON_BLOCK, REJECT
from bot.gateways.blocks.pages import NEWEST, OLDER
from bot.operations.worker import plan as plan_deploy
from handlers.slack import actions, commands, modals
from handlers.slack.command.parser import VERBS
from handlers.slack.desk import Call, Desk
from handlers.slack.identity import Sender
from handlers.slack.respond import Background
from tests.builders import GUS, NORA, SAM, TEAM, every_deploy
from tests.operations.acts import SOAK, after_staging, asked, now, planned, succeeded

if TYPE_CHECKING:
    from bot.domain.actor import SlackUser
    from bot.domain.deploy.deploy import Deploy
    from bot.gateways.blocks.parts import Message
    from tests.fakes import World

CHANGING = {
    "approve": "approve D-1",
    "retract": "retract D-1",
    "reject": "reject D-1 no tests yet",
    "withdraw": "withdraw D-1",
    "promote": "promote D-1",
}
READING = {"help", "whoami", "status", "plan", "history", "audit", "digest"}
CLICKS: dict[str, dict[str, Any]] = {
    "deploy.approve": {"value": "D-1:1"},
    "deploy.reject": {"value": "D-1:1"},
    "deploy.menu": {"selected_option": {"value": "withdraw D-1:1"}},
    "deploy.again": {"value": "D-1:1"},
    "deploy.promote": {"value": "D-1:1"},
}
TURNING = {OLDER: '{"verb": "audit"}', NEWEST: '{"verb": "history", "service": "checkout"}'}
"""They show another page of what everybody may look up."""
ASKS_FIRST = {"deploy.reject", "deploy.promote"}
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
        return deploys, tuple([await reading.approvals(deploy.id) for deploy in deploys])


async def a_waiting_deploy(world: World) -> Deploy:
    deploy = await planned(world, "production")
    assert deploy.status is Status.WAITING
    return deploy


def test_every_verb_of_the_grammar_is_sorted_here() -> None:
    assert READING | CHANGING.keys() == set(VERBS)


def test_every_button_and_menu_entry_is_sorted_here() -> None:
    assert CLICKS.keys() == actions._ACTIONS.keys()
    assert actions._MENU.keys() == {"withdraw", "retract", "replan", "replace"}
    assert TURNING.keys() == actions._PAGES


@NOBODIES
@pytest.mark.parametrize("text", [*CHANGING.values(), "checkout v9 to production", "checkout v9 to staging"])
async def test_a_command_of_nobody_changes_nothing_and_says_why(world: World, text: str, user: SlackUser) -> None:
    await a_waiting_deploy(world)
    before = await rows(world)

    answer = await commands.answer(a_call(world, user, text=text))

    assert answer.text.startswith((":lock:", ":leftwards_arrow_with_hook:"))
    assert await rows(world) == before


@NOBODIES
@pytest.mark.parametrize("verb", actions._MENU)
async def test_a_menu_entry_of_nobody_changes_nothing_and_says_why(world: World, verb: str, user: SlackUser) -> None:
    await a_waiting_deploy(world)
    before = await rows(world)
    click = {"action_id": "deploy.menu", "selected_option": {"value": f"{verb} D-1:1"}}

    answer = await actions.act(a_call(world, user), click)

    assert answer is not None
    assert answer.text.startswith((":lock:", ":leftwards_arrow_with_hook:"))
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

    answer = await actions.act(a_call(world, user), {"action_id": action_id, **CLICKS[action_id]})

    assert answer is not None
    assert answer.text.startswith(":lock:")
    assert await rows(world) == before


@NOBODIES
@pytest.mark.parametrize("action_id", TURNING)
async def test_a_page_is_turned_by_anybody_and_changes_nothing(world: World, action_id: str, user: SlackUser) -> None:
    await a_waiting_deploy(world)
    before = await rows(world)

    assert await actions.act(a_call(world, user), {"action_id": action_id, "value": TURNING[action_id]}) is None
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

    answer = await modals.submit(a_call(world, user), view)

    assert answer is not None
    assert answer["response_action"] == "update"
    (block,) = answer["view"]["blocks"]
    assert "Who can: <!subteam^S0SRE00001>, <!subteam^S0DEV00001>." in block["text"]["text"]
    assert await rows(world) == before


async def test_a_reason_that_is_too_short_is_mended_in_the_same_modal(world: World) -> None:
    await a_waiting_deploy(world)
    view = {
        "callback_id": REJECT,
        "private_metadata": "D-1:1",
        "state": {"values": {REASON_BLOCK: {REASON_ACTION: {"value": "no"}}}},
    }

    answer = await modals.submit(a_call(world, SAM), view)

    assert answer is not None
    assert answer["errors"] == {REASON_BLOCK: "Give a reason of 3 to 1000 characters."}


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

    answer = await modals.submit(a_call(world, user), view)

    assert answer is not None
    assert answer["response_action"] == "update"
    assert await rows(world) == before
