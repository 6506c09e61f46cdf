from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from slack_events.validation import validate_payload

from tests.sandbox.slack.stand import (
    ALICE,
    BOB,
    FOREIGN,
    NORA,
    SECRETS,
    STAGING,
    App,
    Page,
    actions,
    button,
    reason_modal,
    section,
)

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from sandbox.slack.server import SimulatedSlack
    from sandbox.slack.workspace import Workspace

COMMAND_FIELDS = [
    "token",
    "team_id",
    "team_domain",
    "channel_id",
    "channel_name",
    "user_id",
    "user_name",
    "command",
    "text",
    "api_app_id",
    "is_enterprise_install",
    "response_url",
    "trigger_id",
]
MENU = {
    "type": "overflow",
    "action_id": "more",
    "options": [
        {"text": {"type": "plain_text", "text": "Withdraw"}, "value": "withdraw:D-1042:1"},
        {"text": {"type": "plain_text", "text": "Explain"}, "value": "explain:D-1042:1"},
    ],
}


async def posted(client: AsyncWebClient, value: str = "D-1042:1", channel: str = STAGING, **more: Any) -> str:
    blocks = [section("web", accessory=MENU), actions(button("approve", value), button("link", "x", "Open"))]
    return str((await client.chat_postMessage(channel=channel, text="Approval needed", blocks=blocks, **more))["ts"])


class TestCommand:
    async def test_is_signed_and_formed_as_slack_does(self, app: App, page: Page, slack: SimulatedSlack) -> None:
        await page.post("command", user=ALICE, channel=STAGING, command="/deploy", text="web v1.4.2")

        sent = app.last
        assert sent.genuine
        assert sent.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert sent.headers["User-Agent"].startswith("Slackbot 1.0")
        assert list(sent.form) == COMMAND_FIELDS
        assert (sent.form["text"], sent.form["channel_name"]) == ("web v1.4.2", "staging")
        assert sent.form["response_url"].startswith(f"{slack.world.base}/hooks/commands/")
        validate_payload("slash_command", None, sent.form)

    async def test_mentions_are_escaped_only_where_the_manifest_says_so(
        self, app: App, page: Page, workspace: Workspace
    ) -> None:
        await page.post("command", user=ALICE, channel=STAGING, command="/deploy", text="@bob & co")
        workspace.should_escape = False
        await page.post("command", user=ALICE, channel=STAGING, command="/deploy", text="@bob & co")

        assert [one.form["text"] for one in app.received] == [f"<@{BOB}|bob> &amp; co", "@bob & co"]

    async def test_a_private_channel_without_the_app_is_not_named(self, app: App, page: Page) -> None:
        await page.post("command", user=ALICE, channel=FOREIGN, command="/deploy", text="")
        await page.post("command", user=ALICE, channel=SECRETS, command="/deploy", text="")

        assert [one.form["channel_name"] for one in app.received] == ["privategroup", "secrets"]

    async def test_in_a_direct_message(self, client: AsyncWebClient, app: App, page: Page) -> None:
        channel = (await client.conversations_open(users=[ALICE]))["channel"]["id"]
        await page.post("command", user=ALICE, channel=channel, command="/deploy", text="")

        assert (app.last.form["channel_id"], app.last.form["channel_name"]) == (channel, "directmessage")

    async def test_an_empty_acknowledgement_shows_nothing(self, app: App, page: Page) -> None:
        answer = await page.post("command", user=ALICE, channel=STAGING, command="/deploy", text="")

        assert (answer["status"], answer["error"], answer["body"]) == (200, None, "")
        assert (await page.get("state"))["ephemerals"] == []

    @pytest.mark.parametrize("said", ["Recorded as D-1042.", {"text": "Recorded as D-1042."}])
    async def test_what_is_acknowledged_is_shown_to_that_person_alone(self, app: App, page: Page, said: object) -> None:
        app.answer = said

        await page.post("command", user=ALICE, channel=STAGING, command="/deploy", text="")

        shown = (await page.get("state", **{"as": ALICE}))["ephemerals"]
        assert [one["text"] for one in shown] == ["Recorded as D-1042."]
        assert (await page.get("state", **{"as": BOB}))["ephemerals"] == []

    async def test_in_channel_is_shown_to_all(self, app: App, page: Page) -> None:
        app.answer = {"response_type": "in_channel", "text": "hello", "blocks": [section("hello")]}

        await page.post("command", user=ALICE, channel=STAGING, command="/deploy", text="")

        assert [one["text"] for one in await page.messages(STAGING)] == ["hello"]

    async def test_after_its_patience_the_person_reads_operation_timeout(
        self, app: App, page: Page, slack: SimulatedSlack
    ) -> None:
        assert slack.courier.patience == 3.0
        app.hold, slack.courier.patience = True, 0.05

        answer = await page.post("command", user=ALICE, channel=STAGING, command="/deploy", text="")

        assert (answer["status"], answer["error"]) == (None, "operation_timeout")
        (shown,) = (await page.get("state"))["ephemerals"]
        assert "operation_timeout" in shown["text"]
        assert shown["sender"] == "slackbot"

    async def test_an_app_that_is_not_there(self, page: Page) -> None:
        answer = await page.post("command", user=ALICE, channel=STAGING, command="/deploy", text="")

        assert (answer["status"], answer["error"]) == (None, "dispatch_failed")

    async def test_an_app_that_fails(self, app: App, page: Page) -> None:
        app.status, app.answer = 500, "Traceback"

        answer = await page.post("command", user=ALICE, channel=STAGING, command="/deploy", text="")

        assert (answer["status"], answer["error"], answer["body"]) == (500, "dispatch_failed", "Traceback")
        (shown,) = (await page.get("state"))["ephemerals"]
        assert "Traceback" not in shown["text"]

    async def test_an_acknowledgement_with_bad_blocks(self, app: App, page: Page) -> None:
        app.answer = {"text": "x", "blocks": [{"type": "poll"}]}

        answer = await page.post("command", user=ALICE, channel=STAGING, command="/deploy", text="")

        assert answer["error"] == "invalid_blocks"

    @pytest.mark.parametrize(
        ("asked", "status"),
        [
            ({"user": "U0NOBODY"}, 404),
            ({"channel": "C0NOWHERE1"}, 404),
            ({"user": NORA, "channel": SECRETS}, 409),
            ({"command": "deploy"}, 400),
        ],
    )
    async def test_what_nobody_could_type(self, app: App, page: Page, asked: dict[str, str], status: int) -> None:
        full = {"user": ALICE, "channel": STAGING, "command": "/deploy", "text": ""} | asked

        refused = await page.post("command", status=status, **full)

        assert refused["error"]
        assert app.received == []


class TestClickOnMessage:
    async def test_carries_the_whole_message(self, client: AsyncWebClient, app: App, page: Page) -> None:
        metadata = {"event_type": "nomatron_deploy", "event_payload": {"id": "D-1042"}}
        ts = await posted(client, metadata=metadata)

        answer = await page.post("action", user=BOB, channel=STAGING, ts=ts, action_id="approve")

        sent = app.last.payload
        validate_payload("block_actions", None, sent)
        assert app.last.genuine
        assert (answer["status"], answer["error"]) == (200, None)
        assert sent["user"] == {"id": BOB, "username": "bob", "name": "bob", "team_id": "T0NOMATRON"}
        assert sent["container"] == {
            "type": "message",
            "message_ts": ts,
            "channel_id": STAGING,
            "is_ephemeral": False,
        }
        assert sent["message"]["blocks"] == (await page.messages(STAGING))[0]["blocks"]
        assert sent["message"]["metadata"] == metadata
        assert (sent["enterprise"], sent["is_enterprise_install"], sent["state"]) == (None, False, {"values": {}})
        (used,) = sent["actions"]
        assert used | {"action_ts": ""} == {
            "action_id": "approve",
            "block_id": "decide",
            "type": "button",
            "text": {"type": "plain_text", "text": "Approve", "emoji": True},
            "value": "D-1042:1",
            "action_ts": "",
        }

    async def test_a_menu_tells_the_option(self, client: AsyncWebClient, app: App, page: Page) -> None:
        ts = await posted(client)
        await page.post("action", user=BOB, channel=STAGING, ts=ts, action_id="more", value="explain:D-1042:1")

        (used,) = app.last.payload["actions"]
        assert used["type"] == "overflow"
        assert used["selected_option"] == {
            "text": {"type": "plain_text", "text": "Explain", "emoji": True},
            "value": "explain:D-1042:1",
        }

    async def test_a_picker_is_in_the_state_too(self, client: AsyncWebClient, app: App, page: Page) -> None:
        select = {**MENU, "type": "static_select", "action_id": "env"}
        ts = (await client.chat_postMessage(channel=STAGING, text="x", blocks=[section("x", accessory=select)]))["ts"]
        option = {"value": "withdraw:D-1042:1"}
        await page.post("action", user=BOB, channel=STAGING, ts=ts, action_id="env", selected_option=option)

        sent = app.last.payload
        (block,) = sent["message"]["blocks"]
        chosen = sent["state"]["values"][block["block_id"]]["env"]
        assert chosen["selected_option"]["text"]["text"] == "Withdraw"
        assert sent["actions"][0]["selected_option"] == chosen["selected_option"]

    async def test_in_a_thread(self, client: AsyncWebClient, app: App, page: Page) -> None:
        parent = await posted(client)
        ts = await posted(client, thread_ts=parent)
        await page.post("action", user=BOB, channel=STAGING, ts=ts, action_id="approve")

        assert app.last.payload["container"]["thread_ts"] == parent
        assert app.last.payload["message"]["thread_ts"] == parent

    async def test_on_what_is_not_there_any_more(self, client: AsyncWebClient, app: App, page: Page) -> None:
        ts = await posted(client)
        await client.chat_update(channel=STAGING, ts=ts, text="done", blocks=[section("done")])

        refused = await page.post("action", status=409, user=BOB, channel=STAGING, ts=ts, action_id="approve")

        assert "no longer there" in refused["error"]
        assert app.received == []

    async def test_with_an_older_value_is_another_button(self, client: AsyncWebClient, app: App, page: Page) -> None:
        ts = await posted(client, "D-1042:1")
        newer = [section("web"), actions(button("approve", "D-1042:2"))]
        await client.chat_update(channel=STAGING, ts=ts, text="x", blocks=newer)
        click: dict[str, Any] = {"user": BOB, "channel": STAGING, "ts": ts, "action_id": "approve", "value": "D-1042:1"}

        await page.post("action", status=409, **click)
        await page.post("action", stale=True, **click)

        sent = app.last.payload
        assert sent["actions"][0]["value"] == "D-1042:1"
        assert sent["message"]["text"] == "Approval needed"

    async def test_stale_reaches_a_deleted_message(self, client: AsyncWebClient, app: App, page: Page) -> None:
        ts = await posted(client)
        await client.chat_delete(channel=STAGING, ts=ts)
        click: dict[str, Any] = {"user": BOB, "channel": STAGING, "ts": ts, "action_id": "approve"}

        await page.post("action", status=409, **click)
        await page.post("action", stale=True, **click)

        assert app.last.payload["message"]["ts"] == ts

    async def test_only_by_those_who_see_it(self, client: AsyncWebClient, app: App, page: Page) -> None:
        ts = await posted(client, channel=SECRETS)

        await page.post("action", status=409, user=BOB, channel=SECRETS, ts=ts, action_id="approve")
        await page.post("action", status=404, user=BOB, channel=STAGING, ts="1.2", action_id="approve")

        assert app.received == []

    async def test_an_option_that_is_not_offered(self, client: AsyncWebClient, app: App, page: Page) -> None:
        ts = await posted(client)

        await page.post("action", status=409, user=BOB, channel=STAGING, ts=ts, action_id="more", value="explode")

        assert app.received == []


class TestNested:
    async def test_buttons_in_containers_and_carousels_and_feedback(
        self, client: AsyncWebClient, app: App, page: Page
    ) -> None:
        title = {"type": "plain_text", "text": "x"}
        feedback = {
            "type": "feedback_buttons",
            "action_id": "feedback",
            "positive_button": {"text": title, "value": "good"},
            "negative_button": {"text": title, "value": "bad"},
        }
        select = {**MENU, "type": "static_select", "action_id": "inside"}
        blocks: list[dict[str, Any]] = [
            {"type": "container", "title": title, "child_blocks": [section("x", accessory=select, block_id="inner")]},
            {"type": "carousel", "elements": [{"type": "card", "title": title, "actions": [button("card", "1")]}]},
            {"type": "context_actions", "elements": [feedback]},
        ]
        ts = (await client.chat_postMessage(channel=STAGING, text="x", blocks=blocks))["ts"]
        click = {"user": BOB, "channel": STAGING, "ts": ts}

        await page.post("action", action_id="inside", value="explain:D-1042:1", **click)
        state = app.last.payload["state"]["values"]
        assert state["inner"]["inside"]["selected_option"]["value"] == "explain:D-1042:1"
        await page.post("action", action_id="card", **click)
        assert app.last.payload["actions"][0]["value"] == "1"
        await page.post("action", action_id="feedback", value="bad", **click)
        assert app.last.payload["actions"][0]["value"] == "bad"


class TestClickOnEphemeral:
    async def test_has_no_message(self, client: AsyncWebClient, app: App, page: Page) -> None:
        blocks = [actions(button("who", "D-1042"))]
        whispered = await client.chat_postEphemeral(channel=STAGING, user=ALICE, text="x", blocks=blocks)
        shown_id = whispered["message_ts"]

        await page.post("action", user=ALICE, ephemeral=shown_id, action_id="who")

        sent = app.last.payload
        validate_payload("block_actions", None, sent)
        assert sent["container"] == {
            "type": "message",
            "message_ts": shown_id,
            "channel_id": STAGING,
            "is_ephemeral": True,
        }
        assert "message" not in sent
        assert sent["channel"] == {"id": STAGING, "name": "staging"}

    async def test_only_by_the_one_who_sees_it(self, client: AsyncWebClient, app: App, page: Page) -> None:
        whispered = await client.chat_postEphemeral(
            channel=STAGING, user=ALICE, text="x", blocks=[actions(button("who", "D-1042"))]
        )

        await page.post("action", status=404, user=BOB, ephemeral=whispered["message_ts"], action_id="who")
        assert (await page.post("dismiss", ephemeral=whispered["message_ts"]))["dismissed"]
        await page.post("action", status=404, user=ALICE, ephemeral=whispered["message_ts"], action_id="who")

        assert app.received == []


class TestClickInView:
    async def test_changes_its_state(self, client: AsyncWebClient, app: App, page: Page) -> None:
        select = {**MENU, "type": "static_select", "action_id": "env"}
        await page.post("command", user=ALICE, channel=STAGING, command="/deploy", text="")
        opened = await client.views_open(
            trigger_id=app.last.form["trigger_id"],
            view=reason_modal(blocks=[section("x", accessory=select, block_id="where")]),
        )
        view = opened["view"]["id"]

        await page.post("action", user=ALICE, view=view, action_id="env", value="withdraw:D-1042:1")

        sent = app.last.payload
        validate_payload("block_actions", None, sent)
        assert sent["container"] == {"type": "view", "view_id": view}
        assert sent["view"]["state"]["values"]["where"]["env"]["selected_option"]["value"] == "withdraw:D-1042:1"
        assert {"response_url", "channel", "message"}.isdisjoint(sent)

    async def test_only_in_ones_own(self, client: AsyncWebClient, app: App, page: Page) -> None:
        await page.post("command", user=ALICE, channel=STAGING, command="/deploy", text="")
        opened = await client.views_open(trigger_id=app.last.form["trigger_id"], view=reason_modal())

        await page.post("action", status=404, user=BOB, view=opened["view"]["id"], action_id="text")

    async def test_an_external_select_asks_the_app_for_its_options(
        self, client: AsyncWebClient, app: App, page: Page
    ) -> None:
        select = {"type": "external_select", "action_id": "service", "min_query_length": 0}
        await page.post("command", user=ALICE, channel=STAGING, command="/deploy", text="")
        opened = await client.views_open(
            trigger_id=app.last.form["trigger_id"],
            view=reason_modal(blocks=[section("x", accessory=select, block_id="what")]),
        )
        offered = [{"text": {"type": "plain_text", "text": "web"}, "value": "web"}]
        app.answer = {"options": offered}

        await page.post("options", status=409, user=ALICE, view=opened["view"]["id"], action_id="nothing")
        answer = await page.post("options", user=ALICE, view=opened["view"]["id"], action_id="service", typed="we")

        sent = app.last.payload
        assert (sent["type"], sent["block_id"], sent["action_id"], sent["value"]) == (
            "block_suggestion",
            "what",
            "service",
            "we",
        )
        assert answer["options"] == offered


async def test_a_global_shortcut(client: AsyncWebClient, app: App, page: Page) -> None:
    await page.post("shortcut", user=ALICE, callback_id="deploy_open")

    sent = app.last.payload
    assert (sent["type"], sent["callback_id"], sent["user"]["id"]) == ("shortcut", "deploy_open", ALICE)
    assert (await client.views_open(trigger_id=sent["trigger_id"], view=reason_modal()))["ok"]


class TestRaw:
    async def test_bytes_go_as_they_are(self, app: App, page: Page) -> None:
        answer = await page.post("raw", body="a=b", headers={"X-Slack-Signature": "v0=00"})

        assert answer["status"] == 200
        assert (app.last.body, app.last.genuine) == ("a=b", False)

    async def test_can_be_signed_rightly_or_too_old(self, app: App, page: Page, slack: SimulatedSlack) -> None:
        now = int(slack.state.now())
        await page.post("raw", body="payload={no json", sign=True)
        await page.post("raw", body="payload={no json", sign=True, timestamp=now - 301)

        assert [one.genuine for one in app.received] == [True, False]

    async def test_what_was_sent_can_be_replayed(self, app: App, page: Page) -> None:
        await page.post("command", user=ALICE, channel=STAGING, command="/deploy", text="web")
        (sent,) = await page.get("requests")

        await page.post("raw", body=sent["body"], headers=sent["headers"])

        first, second = app.received
        assert second.genuine
        assert second.body == first.body
