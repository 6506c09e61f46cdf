from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from slack_sdk.errors import SlackApiError

from tests.sandbox.slack.stand import ALICE, BOT, FOREIGN, NORA, OLD, SECRETS, STAGING, Page, actions, button, section

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from sandbox.slack.workspace import Workspace

METADATA = {"event_type": "nomatron_deploy", "event_payload": {"id": "D-1042", "plan": 2}}


class TestPost:
    async def test_answers_as_slack_and_shows_the_message(self, client: AsyncWebClient, page: Page) -> None:
        blocks = [section("web"), actions(button("approve", "D-1042:1"))]
        answer = await client.chat_postMessage(channel=STAGING, text="Ready", blocks=blocks, metadata=METADATA)

        (shown,) = await page.messages(STAGING)
        assert answer["channel"] == STAGING
        assert answer["message"]["bot_id"] == "B0NOMATRON"
        assert (shown["ts"], shown["user"], shown["text"]) == (answer["ts"], BOT, "Ready")
        assert shown["metadata"] == METADATA
        assert shown["blocks"] == answer["message"]["blocks"]

    async def test_gives_ids_where_the_app_gave_none(self, client: AsyncWebClient) -> None:
        nameless = {"type": "button", "text": {"type": "plain_text", "text": "Go"}}
        answer = await client.chat_postMessage(
            channel=STAGING, text="x", blocks=[{"type": "actions", "elements": [nameless]}]
        )

        (block,) = answer["message"]["blocks"]
        assert block["block_id"]
        assert block["elements"][0]["action_id"]

    @pytest.mark.parametrize(
        ("channel", "error"),
        [("C0NOWHERE1", "channel_not_found"), (FOREIGN, "channel_not_found"), (OLD, "is_archived")],
        ids=["unknown", "private without the app", "archived"],
    )
    async def test_where_it_cannot(self, client: AsyncWebClient, channel: str, error: str) -> None:
        with pytest.raises(SlackApiError, match=error):
            await client.chat_postMessage(channel=channel, text="hi")

    async def test_in_public_channels_without_joining_only_by_scope(
        self, client: AsyncWebClient, workspace: Workspace
    ) -> None:
        assert (await client.chat_postMessage(channel=STAGING, text="hi"))["ok"]

        workspace.scopes = ("chat:write",)
        with pytest.raises(SlackApiError, match="not_in_channel"):
            await client.chat_postMessage(channel=STAGING, text="hi")
        assert (await client.chat_postMessage(channel=SECRETS, text="hi"))["ok"]

    async def test_to_a_person_is_a_direct_message(self, client: AsyncWebClient, page: Page) -> None:
        answer = await client.chat_postMessage(channel=ALICE, text="hi")

        assert answer["channel"] == "D0ALICE001"
        assert [one["text"] for one in await page.messages("D0ALICE001")] == ["hi"]

    async def test_nothing_to_say(self, client: AsyncWebClient) -> None:
        with pytest.raises(SlackApiError, match="no_text"):
            await client.api_call("chat.postMessage", json={"channel": STAGING, "text": ""})

    async def test_bad_blocks_are_told_with_pointers_and_nothing_is_posted(
        self, client: AsyncWebClient, page: Page
    ) -> None:
        with pytest.raises(SlackApiError) as refused:
            await client.chat_postMessage(channel=STAGING, text="x", blocks=[section("x" * 3001)])

        line = "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
        assert refused.value.response["error"] == "invalid_blocks"
        assert refused.value.response["errors"] == [line]
        assert refused.value.response["response_metadata"]["messages"] == [f"[ERROR] {line}"]
        assert await page.messages(STAGING) == []

    async def test_blocks_that_are_too_much_together(self, client: AsyncWebClient) -> None:
        with pytest.raises(SlackApiError, match="msg_blocks_too_long"):
            await client.chat_postMessage(channel=STAGING, text="x", blocks=[section("x" * 3000)] * 5)

    async def test_long_text_is_cut(self, client: AsyncWebClient) -> None:
        answer = await client.chat_postMessage(channel=STAGING, text="x" * 40_001)

        assert len(answer["message"]["text"]) == 40_000
        assert answer["response_metadata"]["warnings"] == ["message_truncated"]

    @pytest.mark.parametrize(
        ("metadata", "error"),
        [
            ({"event_payload": {}}, "invalid_metadata_format"),
            ({"event_type": "x", "event_payload": "y"}, "invalid_metadata_schema"),
            ({"event_type": "x", "event_payload": {"y": "z" * 16_000}}, "metadata_too_large"),
        ],
    )
    async def test_bad_metadata(self, client: AsyncWebClient, metadata: dict[str, Any], error: str) -> None:
        with pytest.raises(SlackApiError, match=error):
            await client.chat_postMessage(channel=STAGING, text="x", metadata=metadata)


class TestThread:
    async def test_replies_hang_under_their_message(self, client: AsyncWebClient, page: Page) -> None:
        parent = await client.chat_postMessage(channel=STAGING, text="deploy")
        await client.chat_postMessage(channel=STAGING, text="the plan", thread_ts=parent["ts"])
        await client.chat_postMessage(channel=STAGING, text="done", thread_ts=parent["ts"])

        (shown,) = await page.messages(STAGING)
        assert shown["reply_count"] == 2
        assert [(one["text"], one["thread_ts"]) for one in shown["replies"]] == [
            ("the plan", parent["ts"]),
            ("done", parent["ts"]),
        ]

    async def test_a_reply_to_a_reply_is_in_the_same_thread(self, client: AsyncWebClient) -> None:
        parent = await client.chat_postMessage(channel=STAGING, text="deploy")
        reply = await client.chat_postMessage(channel=STAGING, text="one", thread_ts=parent["ts"])
        answer = await client.chat_postMessage(channel=STAGING, text="two", thread_ts=reply["ts"])

        assert answer["message"]["thread_ts"] == parent["ts"]

    @pytest.mark.parametrize(("thread_ts", "error"), [("1.2", "thread_not_found"), ("yesterday", "invalid_thread_ts")])
    async def test_a_thread_that_is_not_there(self, client: AsyncWebClient, thread_ts: str, error: str) -> None:
        with pytest.raises(SlackApiError, match=error):
            await client.chat_postMessage(channel=STAGING, text="x", thread_ts=thread_ts)

    async def test_a_message_with_replies_names_itself_as_its_thread(self, client: AsyncWebClient) -> None:
        parent = await client.chat_postMessage(channel=STAGING, text="deploy")
        reply = await client.chat_postMessage(channel=STAGING, text="one", thread_ts=parent["ts"])

        shown = (await client.chat_update(channel=STAGING, ts=parent["ts"], text="done"))["message"]

        assert "thread_ts" not in parent["message"]
        assert (shown["thread_ts"], shown["reply_count"], shown["latest_reply"]) == (parent["ts"], 1, reply["ts"])


class TestAttachments:
    async def test_are_kept_and_their_blocks_checked(self, client: AsyncWebClient, page: Page) -> None:
        bar = {"color": "#a30200", "fallback": "failed", "blocks": [section("failed")]}
        await client.chat_postMessage(channel=STAGING, text="x", attachments=[bar])

        assert (await page.messages(STAGING))[0]["attachments"] == [bar]
        with pytest.raises(SlackApiError) as refused:
            await client.chat_postMessage(channel=STAGING, text="x", attachments=[{"blocks": [{"type": "poll"}]}])
        assert "json-pointer:/attachments/0/blocks/0/type" in refused.value.response["errors"][0]

    @pytest.mark.parametrize(
        ("attachments", "error"), [({"color": "good"}, "invalid_attachments"), ([{}] * 101, "too_many_attachments")]
    )
    async def test_wrong_ones(self, client: AsyncWebClient, attachments: object, error: str) -> None:
        body = {"channel": STAGING, "text": "x", "attachments": attachments}
        with pytest.raises(SlackApiError, match=error):
            await client.api_call("chat.postMessage", json=body)


@pytest.mark.parametrize("more", [{"markdown_text": "# x"}, {"reply_broadcast": True}, {"username": "Bob"}])
async def test_what_is_not_simulated_is_refused_loudly(client: AsyncWebClient, more: dict[str, Any]) -> None:
    with pytest.raises(SlackApiError, match="not_simulated"):
        await client.api_call("chat.postMessage", json={"channel": STAGING, "text": "x", **more})


class TestUpdate:
    async def test_changes_the_message_in_its_place(self, client: AsyncWebClient, page: Page) -> None:
        ts = (await client.chat_postMessage(channel=STAGING, text="a", blocks=[section("a")], metadata=METADATA))["ts"]
        answer = await client.chat_update(channel=STAGING, ts=ts, text="b", blocks=[section("b")])

        (shown,) = await page.messages(STAGING)
        assert (answer["ts"], answer["text"]) == (ts, "b")
        assert shown["blocks"][0]["text"]["text"] == "b"
        assert shown["revisions"] == 2

    async def test_what_is_left_out_stays(self, client: AsyncWebClient, page: Page) -> None:
        ts = (await client.chat_postMessage(channel=STAGING, text="a", blocks=[section("a")], metadata=METADATA))["ts"]
        await client.chat_update(channel=STAGING, ts=ts, text="b")

        (shown,) = await page.messages(STAGING)
        assert (shown["text"], shown["blocks"][0]["text"]["text"], shown["metadata"]) == ("b", "a", METADATA)

    async def test_an_empty_list_takes_the_blocks_away(self, client: AsyncWebClient, page: Page) -> None:
        ts = (await client.chat_postMessage(channel=STAGING, text="a", blocks=[section("a")]))["ts"]
        await client.chat_update(channel=STAGING, ts=ts, text="b", blocks=[])

        (shown,) = await page.messages(STAGING)
        assert shown["blocks"] == []
        assert shown["edited"]["user"] == BOT

    async def test_bad_blocks_leave_the_message_as_it_was(self, client: AsyncWebClient, page: Page) -> None:
        ts = (await client.chat_postMessage(channel=STAGING, text="a"))["ts"]
        with pytest.raises(SlackApiError, match="invalid_blocks"):
            await client.chat_update(channel=STAGING, ts=ts, text="b", blocks=[{"type": "poll"}])

        assert [one["text"] for one in await page.messages(STAGING)] == ["a"]

    async def test_long_text_is_refused(self, client: AsyncWebClient) -> None:
        ts = (await client.chat_postMessage(channel=STAGING, text="a"))["ts"]
        with pytest.raises(SlackApiError, match="msg_too_long"):
            await client.chat_update(channel=STAGING, ts=ts, text="x" * 4001)

    async def test_ephemerals_are_out_of_reach(self, client: AsyncWebClient) -> None:
        whispered = await client.chat_postEphemeral(channel=STAGING, user=ALICE, text="psst")
        with pytest.raises(SlackApiError, match="message_not_found"):
            await client.chat_update(channel=STAGING, ts=whispered["message_ts"], text="b")

    async def test_only_the_apps_own_messages(self, client: AsyncWebClient, page: Page, workspace: Workspace) -> None:
        ts = (await client.chat_postMessage(channel=STAGING, text="a"))["ts"]
        workspace.bot_user = "U0REINSTAL"

        with pytest.raises(SlackApiError, match="cant_update_message"):
            await client.chat_update(channel=STAGING, ts=ts, text="b")
        with pytest.raises(SlackApiError, match="cant_delete_message"):
            await client.chat_delete(channel=STAGING, ts=ts)


class TestDelete:
    async def test_the_message_is_gone(self, client: AsyncWebClient, page: Page) -> None:
        ts = (await client.chat_postMessage(channel=STAGING, text="a"))["ts"]
        await client.chat_delete(channel=STAGING, ts=ts)

        assert await page.messages(STAGING) == []
        with pytest.raises(SlackApiError, match="message_not_found"):
            await client.chat_update(channel=STAGING, ts=ts, text="b")

    async def test_a_thread_keeps_its_place(self, client: AsyncWebClient, page: Page) -> None:
        ts = (await client.chat_postMessage(channel=STAGING, text="a", blocks=[section("a")]))["ts"]
        await client.chat_postMessage(channel=STAGING, text="reply", thread_ts=ts)
        await client.chat_delete(channel=STAGING, ts=ts)

        (shown,) = await page.messages(STAGING)
        assert (shown["deleted"], shown["text"], shown["blocks"]) == (True, "", [])
        assert [one["text"] for one in shown["replies"]] == ["reply"]


class TestEphemeral:
    async def test_only_that_person_sees_it(self, client: AsyncWebClient, page: Page) -> None:
        await client.chat_postEphemeral(channel=STAGING, user=ALICE, text="psst", blocks=[section("psst")])

        (shown,) = (await page.get("state", **{"as": ALICE}))["ephemerals"]
        assert (shown["text"], shown["channel"]) == ("psst", STAGING)
        assert (await page.get("state", **{"as": NORA}))["ephemerals"] == []

    async def test_only_to_those_in_the_channel(self, client: AsyncWebClient) -> None:
        with pytest.raises(SlackApiError, match="user_not_in_channel"):
            await client.chat_postEphemeral(channel=SECRETS, user=NORA, text="psst")
        with pytest.raises(SlackApiError, match="user_not_found"):
            await client.chat_postEphemeral(channel=STAGING, user="U0NOBODY", text="psst")


@pytest.mark.parametrize("method", ["chat.update", "chat.delete", "chat.getPermalink"])
async def test_a_channel_that_is_not_there(client: AsyncWebClient, method: str) -> None:
    with pytest.raises(SlackApiError, match="channel_not_found"):
        await client.api_call(method, params={"channel": "C0NOWHERE1", "ts": "1.2", "message_ts": "1.2", "text": "x"})


async def test_permalink_leads_to_the_message_or_into_its_thread(client: AsyncWebClient) -> None:
    parent = (await client.chat_postMessage(channel=STAGING, text="a"))["ts"]
    reply = (await client.chat_postMessage(channel=STAGING, text="b", thread_ts=parent))["ts"]

    top = await client.chat_getPermalink(channel=STAGING, message_ts=parent)
    inside = await client.chat_getPermalink(channel=STAGING, message_ts=reply)

    assert top["permalink"] == f"https://nomatron.slack.com/archives/{STAGING}/p{parent.replace('.', '')}"
    assert inside["permalink"].endswith(f"?thread_ts={parent}&cid={STAGING}")
    with pytest.raises(SlackApiError, match="message_not_found"):
        await client.chat_getPermalink(channel=STAGING, message_ts="1.2")
