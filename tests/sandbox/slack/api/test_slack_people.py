from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from slack_sdk.errors import SlackApiError

from tests.sandbox.slack.stand import ALICE, BOB, BOT, GUS, NORA, Page

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from sandbox.slack.workspace import Workspace


class TestUsers:
    async def test_flags_that_decide_trust(self, client: AsyncWebClient, page: Page) -> None:
        alice = (await client.users_info(user=ALICE))["user"]
        gus = (await client.users_info(user=GUS))["user"]

        assert (alice["deleted"], alice["is_bot"], alice["is_restricted"], alice["team_id"]) == (
            False,
            False,
            False,
            "T0NOMATRON",
        )
        assert gus["is_restricted"]

        await page.post("people", user=ALICE, deleted=True)
        await page.post("people", user=BOB, is_stranger=True, team_id="T0ELSEWHERE")

        assert (await client.users_info(user=ALICE))["user"]["deleted"]
        bob = (await client.users_info(user=BOB))["user"]
        assert (bob["is_stranger"], bob["team_id"]) == (True, "T0ELSEWHERE")

    async def test_an_address_only_with_its_scope(self, client: AsyncWebClient, workspace: Workspace) -> None:
        assert "email" not in (await client.users_info(user=ALICE))["user"]["profile"]

        workspace.scopes = (*workspace.scopes, "users:read.email")
        assert (await client.users_info(user=ALICE))["user"]["profile"]["email"] == "alice@example.com"

    async def test_the_app_itself(self, client: AsyncWebClient) -> None:
        assert (await client.users_info(user=BOT))["user"]["is_bot"]

    async def test_nobody(self, client: AsyncWebClient) -> None:
        with pytest.raises(SlackApiError, match="user_not_found"):
            await client.users_info(user="U0NOBODY")

    async def test_list_in_pages(self, client: AsyncWebClient) -> None:
        seen = [user["id"] async for page in await client.users_list(limit=2) for user in page["members"]]

        assert seen == [ALICE, BOB, NORA, GUS, BOT]


class TestGroups:
    async def test_list_with_members(self, client: AsyncWebClient) -> None:
        developers, sre = (await client.usergroups_list(include_users=True, include_count=True))["usergroups"]

        assert (developers["id"], developers["handle"], developers["users"]) == (
            "S0DEV00001",
            "developers",
            [ALICE, BOB, GUS],
        )
        assert (sre["users"], sre["user_count"], sre["date_delete"]) == ([], 0, 0)

    async def test_list_without_members(self, client: AsyncWebClient) -> None:
        (developers, _) = (await client.usergroups_list())["usergroups"]

        assert "users" not in developers

    async def test_a_changed_group(self, client: AsyncWebClient, page: Page) -> None:
        await page.post("groups", group="S0SRE00001", users=[NORA])

        assert (await client.usergroups_users_list(usergroup="S0SRE00001"))["users"] == [NORA]

    async def test_a_disabled_group_is_left_out(self, client: AsyncWebClient, page: Page) -> None:
        await page.post("groups", group="S0SRE00001", disabled=True)

        assert [one["id"] for one in (await client.usergroups_list())["usergroups"]] == ["S0DEV00001"]
        assert len((await client.usergroups_list(include_disabled=True))["usergroups"]) == 2
        with pytest.raises(SlackApiError, match="no_such_subteam"):
            await client.usergroups_users_list(usergroup="S0SRE00001")

    async def test_only_on_paid_plans(self, client: AsyncWebClient, workspace: Workspace) -> None:
        workspace.paid_plan = False

        with pytest.raises(SlackApiError, match="plan_upgrade_required"):
            await client.usergroups_list()
