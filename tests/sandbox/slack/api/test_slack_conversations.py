from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from slack_sdk.errors import SlackApiError

from tests.sandbox.slack.stand import ALICE, BOB, BOT, FOREIGN, OLD, SECRETS, STAGING, Page

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient


class TestOpen:
    async def test_a_direct_message_is_made_once(self, client: AsyncWebClient) -> None:
        first = await client.conversations_open(users=[BOB])
        second = await client.conversations_open(users=[BOB], return_im=True)

        assert first["channel"] == {"id": "D0BOB00001"}
        assert (second["channel"]["user"], second["channel"]["is_im"], second["already_open"]) == (BOB, True, True)

    async def test_messages_in_it_are_seen_by_that_person(self, client: AsyncWebClient, page: Page) -> None:
        channel = (await client.conversations_open(users=[BOB]))["channel"]["id"]
        await client.chat_postMessage(channel=channel, text="for you")

        assert [one["id"] for one in (await page.get("state", **{"as": BOB}))["dms"]] == [channel]
        assert (await page.get("state", **{"as": ALICE}))["dms"] == []

    async def test_a_known_one_by_its_id(self, client: AsyncWebClient) -> None:
        channel = (await client.conversations_open(users=[BOB]))["channel"]["id"]

        answer = await client.conversations_open(channel=channel)

        assert answer["channel"]["user"] == BOB
        assert [one["id"] for one in (await client.conversations_list(types="im"))["channels"]] == [channel]

    async def test_with_another_bot(self, client: AsyncWebClient, page: Page) -> None:
        await page.post("people", user=BOB, is_bot=True)

        with pytest.raises(SlackApiError, match="cannot_dm_bot"):
            await client.conversations_open(users=[BOB])

    @pytest.mark.parametrize(
        ("users", "error"),
        [
            ("U0NOBODY", "user_not_found"),
            (BOT, "cannot_dm_bot"),
            ("", "users_list_not_supplied"),
            (f"{ALICE},{BOB}", "not_simulated"),
        ],
    )
    async def test_where_it_cannot(self, client: AsyncWebClient, users: str, error: str) -> None:
        with pytest.raises(SlackApiError, match=error):
            await client.conversations_open(users=users)

    async def test_with_somebody_who_left(self, client: AsyncWebClient, page: Page) -> None:
        await page.post("people", user=BOB, deleted=True)

        with pytest.raises(SlackApiError, match="user_disabled"):
            await client.conversations_open(users=[BOB])


class TestInfo:
    async def test_says_whether_the_app_is_in_it(self, client: AsyncWebClient, page: Page) -> None:
        staging = (await client.conversations_info(channel=STAGING, include_num_members=True))["channel"]
        secrets = (await client.conversations_info(channel=SECRETS))["channel"]

        assert (staging["name"], staging["is_private"], staging["is_member"], staging["num_members"]) == (
            "staging",
            False,
            False,
            4,
        )
        assert (secrets["is_private"], secrets["is_member"]) == (True, True)

        await page.post("channels", channel=SECRETS, members=[ALICE])
        with pytest.raises(SlackApiError, match="channel_not_found"):
            await client.conversations_info(channel=SECRETS)

    async def test_list_shows_private_channels_only_to_members(self, client: AsyncWebClient) -> None:
        public = await client.conversations_list()
        both = await client.conversations_list(types="public_channel,private_channel", exclude_archived=True)

        assert [one["id"] for one in public["channels"]] == [STAGING, OLD]
        assert [one["id"] for one in both["channels"]] == [STAGING, SECRETS]
        with pytest.raises(SlackApiError, match="invalid_types"):
            await client.conversations_list(types="secret")

    async def test_members(self, client: AsyncWebClient) -> None:
        assert (await client.conversations_members(channel=SECRETS))["members"] == [ALICE, BOT]
        with pytest.raises(SlackApiError, match="channel_not_found"):
            await client.conversations_members(channel=FOREIGN)

    @pytest.mark.parametrize(
        ("asked", "error"), [({"limit": 1001}, "invalid_limit"), ({"cursor": "?"}, "invalid_cursor")]
    )
    async def test_wrong_paging(self, client: AsyncWebClient, asked: dict[str, Any], error: str) -> None:
        with pytest.raises(SlackApiError, match=error):
            await client.conversations_list(**asked)


async def test_a_reaction_is_added_once(client: AsyncWebClient, page: Page) -> None:
    ts = (await client.chat_postMessage(channel=STAGING, text="a"))["ts"]
    await client.reactions_add(channel=STAGING, timestamp=ts, name="eyes")

    (shown,) = await page.messages(STAGING)
    assert shown["reactions"] == {"eyes": [BOT]}
    with pytest.raises(SlackApiError, match="already_reacted"):
        await client.reactions_add(channel=STAGING, timestamp=ts, name="eyes")
    with pytest.raises(SlackApiError, match="message_not_found"):
        await client.reactions_add(channel=STAGING, timestamp="1.2", name="eyes")
