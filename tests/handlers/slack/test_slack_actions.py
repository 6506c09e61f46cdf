from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.catalog.catalog import SERVICE_OWNERS
from bot.domain.catalog.environment import Rule
from bot.domain.deploy.deploy import Status
from bot.errors import StoreBusy
from bot.operations.deploys.decide import Origin
from bot.operations.deploys.replan import replan
from bot.operations.outbox import deliver
from bot.operations.worker import plan as plan_deploy
from tests.builders import ALICE, a_job
from tests.operations.acts import applied, asked, environments, now
from tests.slackside import a_command

if TYPE_CHECKING:
    from bot.domain.deploy.deploy import Deploy
    from bot.ports import Ports
    from tests.fakes import World
    from tests.slackside import Door, Slackside

PRODUCTION = "C0PROD0001"


async def posted(world: World, ports: Ports, slack: Slackside) -> tuple[Deploy, dict[str, Any]]:
    """A production deploy that waits for two seats, and its message."""
    deploy = await asked(world, environment="production")
    await plan_deploy.step(ports)
    await drawn(ports)
    (message,) = await slack.page.messages(PRODUCTION)
    return await now(world, deploy), message


async def drawn(ports: Ports) -> None:
    while await deliver.step(ports):
        pass


async def click(slack: Slackside, user: str, message: dict[str, Any], action_id: str, **more: Any) -> Any:
    return await slack.page.post("action", user=user, channel=PRODUCTION, ts=message["ts"], action_id=action_id, **more)


async def told(slack: Slackside, user: str, count: int = 1) -> list[str]:
    """The texts that only this person sees, once there are so many: answers to clicks come in the background."""
    for _ in range(200):
        found = [one["text"] for one in await slack.ephemerals(user)]
        if len(found) >= count:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError(f"{user} was told nothing")


async def test_the_message_says_what_is_asked_for(world: World, ports: Ports, slack: Slackside, knocking: Door) -> None:
    _, message = await posted(world, ports, slack)

    assert message["text"] == "Approval needed: checkout v1.4.2 to production, asked by <@U0ALICE001> (D-1)"
    assert message["metadata"]["event_payload"] == {"id": "D-1", "plan": 1, "status": "waiting"}


async def test_three_people_are_refused_and_told_who_can(
    world: World, ports: Ports, slack: Slackside, knocking: Door
) -> None:
    _, message = await posted(world, ports, slack)
    for user in ("U0ALICE001", "U0GUS00001", "U0NORA0001"):
        assert (await click(slack, user, message, "deploy.approve"))["status"] == 200

    (alice,), (gus,), (nora,) = [await told(slack, user) for user in ("U0ALICE001", "U0GUS00001", "U0NORA0001")]
    assert "somebody else has to approve it" in alice
    assert "<!subteam^S0SRE00001>" in alice
    assert "Guests" in gus
    assert "none of the groups that may approve" in nora


async def test_two_approvals_take_the_buttons_away(
    world: World, ports: Ports, slack: Slackside, knocking: Door
) -> None:
    deploy, message = await posted(world, ports, slack)
    await click(slack, "U0BOB00001", message, "deploy.approve")
    assert "1 of 2" in (await told(slack, "U0BOB00001"))[0]
    await click(slack, "U0BOB00001", message, "deploy.approve", stale=True)
    assert "already approved" in (await told(slack, "U0BOB00001", 2))[1]
    await click(slack, "U0SAM00001", message, "deploy.approve", stale=True)
    assert "2 of 2 approvals" in (await told(slack, "U0SAM00001"))[0]
    await drawn(ports)

    (after,) = await slack.page.messages(PRODUCTION)
    assert after["text"].startswith("Ready: ")
    assert not [block for block in after["blocks"] if block["type"] == "actions"]
    assert (await now(world, deploy)).status is Status.READY


async def test_the_menu_withdraws(world: World, ports: Ports, slack: Slackside, knocking: Door) -> None:
    deploy, message = await posted(world, ports, slack)
    await click(slack, "U0ALICE001", message, "deploy.menu", selected_option="withdraw D-1:1")

    assert "withdrawn" in (await told(slack, "U0ALICE001"))[0]
    assert (await now(world, deploy)).status is Status.WITHDRAWN


async def test_a_rejection_asks_for_the_reason_in_a_modal(
    world: World, ports: Ports, slack: Slackside, knocking: Door
) -> None:
    deploy, message = await posted(world, ports, slack)
    await click(slack, "U0SAM00001", message, "deploy.reject")
    sam = await opened(slack, "U0SAM00001")
    await slack.page.post("submit", user="U0SAM00001", view=sam, values={"reason": {"text": "<!channel> no 😱"}})
    await drawn(ports)

    assert (await now(world, deploy)).detail == "<!channel> no 😱"
    (after,) = await slack.page.messages(PRODUCTION)
    assert after["text"].startswith("Rejected: ")
    assert "&lt;!channel&gt; no" in str(after["blocks"])
    assert "<!channel>" not in str(after)


async def test_one_who_can_never_reject_gets_an_answer_and_no_form(
    world: World, ports: Ports, slack: Slackside, knocking: Door
) -> None:
    _, message = await posted(world, ports, slack)
    await click(slack, "U0NORA0001", message, "deploy.reject")

    (nora,) = await told(slack, "U0NORA0001")
    assert "can reject it" in nora
    assert "<!subteam^S0SRE00001>" in nora
    assert await slack.calls("views.open") == []


async def test_a_form_whose_sender_left_the_group_meanwhile_says_so(
    world: World, ports: Ports, slack: Slackside, knocking: Door
) -> None:
    _, message = await posted(world, ports, slack)
    await click(slack, "U0SAM00001", message, "deploy.reject")
    view = await opened(slack, "U0SAM00001")
    await applied(world, environments=environments("production", approvals=(Rule(SERVICE_OWNERS),)))
    shown = await slack.page.post("submit", user="U0SAM00001", view=view, values={"reason": {"text": "not today"}})

    assert "can reject it" in str(shown["body"])


async def test_a_button_of_an_older_plan_counts_if_it_was_of_the_same_change(
    world: World, ports: Ports, slack: Slackside, knocking: Door
) -> None:
    deploy, message = await posted(world, ports, slack)
    await replan(ports, ALICE, deploy.id, origin=Origin())
    await plan_deploy.step(ports)
    await click(slack, "U0BOB00001", message, "deploy.approve")

    assert "(plan 2) counts: 1 of 2" in (await told(slack, "U0BOB00001"))[0]


async def moved(world: World, ports: Ports, slack: Slackside) -> Deploy:
    """A production deploy whose change is no longer its first."""
    deploy, _ = await posted(world, ports, slack)
    world.nomad.change(a_job("registry.example/checkout:hotfix"))
    await replan(ports, ALICE, deploy.id, origin=Origin())
    await plan_deploy.step(ports)
    return await now(world, deploy)


async def typed(knocking: Door, text: str) -> Any:
    """The acknowledgement of Bob's command, after what he is told in the background has been sent."""
    _, body = await knocking.knock(a_command(text, user_id="U0BOB00001", response_url=""))
    await knocking.guard.drain(60)
    return body


async def test_a_typed_approval_after_the_change_moved_shows_it_with_buttons_that_count(
    world: World, ports: Ports, slack: Slackside, knocking: Door
) -> None:
    await moved(world, ports, slack)
    assert not await typed(knocking, "approve D-1 fine")

    (shown,) = await slack.ephemerals("U0BOB00001")
    assert shown["text"].startswith(":eyes: Nothing is approved yet: `D-1` no longer changes what it did")
    assert "plan 2" in shown["text"]
    row = next(block for block in shown["blocks"] if block["type"] == "actions")
    assert [(each["action_id"], each["value"]) for each in row["elements"]] == [
        ("deploy.approve", "D-1:2"),
        ("deploy.reject", "D-1:2"),
    ]
    body = await typed(knocking, "approve D-1:2 fine")
    assert "(plan 2) counts: 1 of 2" in body["text"]


@pytest.mark.parametrize("command", ["plan D-1", "approve D-1"])
async def test_who_looked_at_the_plan_may_type_the_approval(
    world: World, ports: Ports, slack: Slackside, knocking: Door, command: str
) -> None:
    await moved(world, ports, slack)
    await typed(knocking, command)
    body = await typed(knocking, "approve D-1")

    assert "(plan 2) counts: 1 of 2" in body["text"]


@pytest.mark.parametrize("command", ["plan D-1", "approve D-1"])
async def test_a_plan_that_slack_did_not_take_was_not_shown(
    world: World, ports: Ports, slack: Slackside, knocking: Door, command: str
) -> None:
    await moved(world, ports, slack)
    for method in ("chat.postEphemeral", "chat.postMessage"):
        await slack.page.post("fault", method=method, mode="error:fatal_error")
    await typed(knocking, command)
    for method in ("chat.postEphemeral", "chat.postMessage"):
        await slack.page.post("fault", method=method, mode="none")
    await typed(knocking, "approve D-1")

    (shown,) = await slack.ephemerals("U0BOB00001")
    assert shown["text"].startswith(":eyes: Nothing is approved yet")


async def test_the_plan_is_shown_even_if_the_look_cannot_be_recorded(
    world: World, ports: Ports, slack: Slackside, knocking: Door
) -> None:
    await moved(world, ports, slack)
    world.store.hooks.before("begin", busy)
    await typed(knocking, "plan D-1")
    await typed(knocking, "approve D-1")

    first, second = await slack.ephemerals("U0BOB00001")
    assert "plan 2" in first["text"]
    assert second["text"].startswith(":eyes: Nothing is approved yet")


async def busy() -> None:
    raise StoreBusy("the database is busy")


async def opened(slack: Slackside, user: str) -> str:
    """The id of that person's modal: it is opened in the background."""
    for _ in range(200):
        views = (await slack.page.get("state", **{"as": user}))["views"]
        if views:
            return str(views[-1]["id"])
        await asyncio.sleep(0.01)
    raise AssertionError("no modal")


async def test_a_click_on_another_message_strips_it(
    world: World, ports: Ports, slack: Slackside, knocking: Door
) -> None:
    _, message = await posted(world, ports, slack)
    async with world.store.begin() as tx:
        kept = await tx.posted(1)
        assert kept is not None
        await tx.save_posted(type(kept)(deploy_id=1, channel=PRODUCTION, ts="1763726400.000900"))
    await click(slack, "U0BOB00001", message, "deploy.approve")
    await knocking.guard.drain(60)
    await drawn(ports)

    after = next(one for one in await slack.page.messages(PRODUCTION) if one["ts"] == message["ts"])
    assert "duplicate" in after["text"]
    assert not [block for block in after["blocks"] if block["type"] == "actions"]
    assert after["metadata"]["event_type"] != "nomatron_deploy"
