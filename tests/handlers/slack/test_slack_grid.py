"""Enterprise Grid: colleagues whose home is another workspace, and installations that serve more than one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from bot.domain.deploy.deploy import Status
from tests.builders import every_deploy
from tests.handlers.slack.test_slack_actions import PRODUCTION, click, posted, told
from tests.operations.acts import now
from tests.slackside import a_command

if TYPE_CHECKING:
    from bot.ports import Ports
    from tests.fakes import World
    from tests.slackside import Door, Slackside

ORGANISATION, OURS, HOME = "E0GRID0001", "T0NOMATRON", "T0HOME0001"
ALICE, BOB, SAM = "U0ALICE001", "U0BOB00001", "U0SAM00001"


@pytest.fixture(autouse=True)
async def grid(slack: Slackside) -> None:
    """Our workspace is one of an organisation, and Bob's home is another one of it."""
    await slack.page.post("workspace", enterprise_id=ORGANISATION)
    await slack.page.post("people", user=BOB, team_id=HOME, teams=[HOME, OURS])


async def approvers(world: World, deploy_id: int) -> list[str]:
    async with world.store.read() as reading:
        return [approval.user.key for approval in await reading.approvals(deploy_id)]


def a_click(**changes: Any) -> str:
    payload = {
        "type": "block_actions",
        "team": {"id": OURS, "enterprise_id": ORGANISATION},
        "enterprise": {"id": ORGANISATION, "name": "Nomatron Group"},
        "user": {"id": BOB, "team_id": HOME},
        "api_app_id": "A0NOMATRON",
        "is_enterprise_install": False,
        "actions": [{"type": "button", "action_id": "deploy.approve", "block_id": "b", "value": "D-1:1"}],
    }
    return urlencode({"payload": json.dumps({**payload, **changes})})


async def test_a_colleague_of_another_home_workspace_approves(
    world: World, ports: Ports, slack: Slackside, knocking: Door
) -> None:
    deploy, message = await posted(world, ports, slack)
    await click(slack, BOB, message, "deploy.approve")

    assert "1 of 2" in (await told(slack, BOB))[0]
    # the same key as that of a command, which does not tell the home: one person is one actor
    assert await approvers(world, deploy.id) == [f"slack:{OURS}:{BOB}"]


async def test_a_colleague_rejects_in_a_modal(world: World, ports: Ports, slack: Slackside, knocking: Door) -> None:
    await slack.page.post("people", user=SAM, team_id=HOME, teams=[OURS, HOME])
    deploy, message = await posted(world, ports, slack)
    await click(slack, SAM, message, "deploy.reject")
    (view,) = (await slack.page.get("state", **{"as": SAM}))["views"]
    await slack.page.post("submit", user=SAM, view=view["id"], values={"reason": {"text": "not on a Friday"}})

    assert (await now(world, deploy)).status is Status.REJECTED


async def test_nobody_approves_their_own_request_from_another_home(
    world: World, ports: Ports, slack: Slackside, knocking: Door
) -> None:
    await slack.page.post("people", user=ALICE, team_id=HOME, teams=[HOME, OURS])
    deploy, message = await posted(world, ports, slack)
    await click(slack, ALICE, message, "deploy.approve")

    assert "somebody else has to approve it" in (await told(slack, ALICE))[0]
    assert await approvers(world, deploy.id) == []


@pytest.mark.parametrize(
    ("person", "says"),
    [
        ({"teams": [HOME]}, "Only members of this Slack workspace"),
        ({"teams": [HOME, OURS], "is_stranger": True}, "another organisation"),
        ({"teams": [HOME, OURS], "is_restricted": True}, "Guests"),
        ({"teams": [HOME, OURS], "deleted": True}, "deactivated"),
    ],
)
async def test_who_is_no_colleague_is_told_why(
    world: World, ports: Ports, slack: Slackside, knocking: Door, person: dict[str, Any], says: str
) -> None:
    await slack.page.post("people", user=BOB, **person)
    deploy, message = await posted(world, ports, slack)

    assert (await click(slack, BOB, message, "deploy.approve"))["status"] == 200
    assert says in (await told(slack, BOB))[0]
    assert await approvers(world, deploy.id) == []


async def test_a_click_counts_for_nobody_while_slack_does_not_say_who_it_is(
    world: World, ports: Ports, slack: Slackside, knocking: Door
) -> None:
    deploy, message = await posted(world, ports, slack)
    await slack.page.post("fault", method="users.info", mode="500")
    await click(slack, BOB, message, "deploy.approve")

    assert "unavailable right now" in (await told(slack, BOB))[0]
    assert await approvers(world, deploy.id) == []


async def test_an_installation_for_the_whole_organisation_is_answered_in_words(
    world: World, ports: Ports, slack: Slackside, knocking: Door
) -> None:
    deploy, message = await posted(world, ports, slack)
    await click(slack, SAM, message, "deploy.reject")
    (view,) = (await slack.page.get("state", **{"as": SAM}))["views"]
    await slack.page.post("workspace", org_wide=True)

    for user in (SAM, BOB):
        assert (await click(slack, user, message, "deploy.approve"))["status"] == 200
        (said,) = await told(slack, user)
        assert OURS in said
        assert "installed for the whole organisation" in said
    await slack.page.post("submit", user=SAM, view=view["id"], values={"reason": {"text": "not on a Friday"}})
    assert "whole organisation" in str((await slack.page.get("state", **{"as": SAM}))["views"])
    command = await slack.page.post("command", user=SAM, channel=PRODUCTION, command="/deploy", text="status")
    assert command["status"] == 200
    assert "whole organisation" in (await told(slack, SAM, 2))[1]
    assert await approvers(world, deploy.id) == []
    assert (await now(world, deploy)).status is Status.WAITING


@pytest.mark.parametrize("team", [None, {}, {"id": None}, {"id": ORGANISATION}])
async def test_a_click_that_names_no_workspace_is_never_a_bare_403(knocking: Door, team: dict[str, Any] | None) -> None:
    status, answer = await knocking.knock(a_click(team=team))

    assert status == 200
    assert OURS in answer["text"]
    assert (await knocking.knock(a_click(team=team, api_app_id="A0OTHER001")))[0] == 403


async def test_another_workspace_of_the_organisation_is_told_where_to_go(world: World, knocking: Door) -> None:
    ask = {"team_id": HOME, "user_id": BOB}
    status, answer = await knocking.knock(
        a_command("checkout v1.4.2 to staging", **ask, enterprise_id=ORGANISATION, enterprise_name="Nomatron Group")
    )

    assert status == 200
    assert OURS in answer["text"]
    assert (await knocking.knock(a_command("checkout v1.4.2 to staging", **ask, enterprise_id="E0OTHER001")))[0] == 403
    assert (await knocking.knock(a_command("checkout v1.4.2 to staging", **ask)))[0] == 403
    async with world.store.read() as reading:
        assert not await every_deploy(reading)


async def test_whoever_names_a_malformed_organisation_is_turned_away(knocking: Door) -> None:
    assert (await knocking.knock(a_click(enterprise={"id": "<!channel>"})))[0] == 400
