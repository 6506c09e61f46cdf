from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from slack_events.validation import validate_payload

from tests.sandbox.slack.stand import ALICE, BOB, STAGING, App, Page, actions, button, section

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from bot.sandbox.slack.server import SimulatedSlack


async def posted(client: AsyncWebClient, value: str = "D-1042:1") -> str:
    answer = await client.chat_postMessage(
        channel=STAGING, text="Approval needed", blocks=[section("web"), actions(button("approve", value))]
    )
    return str(answer["ts"])


class TestCommand:
    async def test_is_signed_and_formed_as_slack_does(self, app: App, page: Page, slack: SimulatedSlack) -> None:
        await page.post("command", user=ALICE, channel=STAGING, command="/deploy", text="web v1.4.2")

        sent = app.last
        assert sent.genuine
        assert sent.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert sent.headers["User-Agent"].startswith("Slackbot 1.0")
        assert list(sent.form) == [
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
        assert sent.form["text"] == "web v1.4.2"
        assert sent.form["channel_name"] == "staging"
        assert sent.form["response_url"].startswith(f"{slack.world.base}/hooks/commands/")
        validate_payload("slash_command", None, sent.form)

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

    async def test_after_three_seconds_the_person_reads_operation_timeout(
        self, app: App, page: Page, slack: SimulatedSlack
    ) -> None:
        app.hold, slack.courier.patience = True, 0.05

        answer = await page.post("command", user=ALICE, channel=STAGING, command="/deploy", text="")

        assert (answer["status"], answer["error"]) == (None, "operation_timeout")
        (shown,) = (await page.get("state"))["ephemerals"]
        assert "operation_timeout" in shown["text"]
        assert shown["sender"] == "slackbot"
