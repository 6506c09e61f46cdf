from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from slack_events.validation import validate_payload

from tests.sandbox.slack.stand import ALICE, BOB, NORA, App, Page

if TYPE_CHECKING:
    from sandbox.slack.server import SimulatedSlack
    from sandbox.slack.workspace import Workspace

SUBSCRIBED = ("app_home_opened", "subteam_members_changed", "user_change")


@pytest.fixture
def subscribed(workspace: Workspace) -> None:
    workspace.bot_events = SUBSCRIBED


class TestSubscribed:
    async def test_an_opened_home(self, subscribed: None, app: App, page: Page) -> None:
        answer = await page.post("home", user=ALICE)

        sent = app.last.payload
        assert answer == {"sent": True, "status": 200}
        assert app.last.genuine
        assert (sent["type"], sent["team_id"], sent["api_app_id"]) == ("event_callback", "T0NOMATRON", "A0NOMATRON")
        assert (sent["event"]["type"], sent["event"]["user"], sent["event"]["channel"]) == (
            "app_home_opened",
            ALICE,
            "D0ALICE001",
        )
        validate_payload("app_home_opened", None, sent["event"])

    async def test_a_changed_group(self, subscribed: None, app: App, page: Page) -> None:
        await page.post("groups", group="S0DEV00001", users=[ALICE, NORA])

        event = app.last.payload["event"]
        validate_payload("subteam_members_changed", None, event)
        assert event["added_users"] == [NORA]
        assert event["removed_users"] == [BOB, "U0GUS00001"]
        assert (event["added_users_count"], event["removed_users_count"]) == ("1", "2")

    async def test_a_changed_person(self, subscribed: None, app: App, page: Page) -> None:
        await page.post("people", user=ALICE, deleted=True)

        event = app.last.payload["event"]
        validate_payload("user_change", None, event)
        assert (event["user"]["id"], event["user"]["deleted"]) == (ALICE, True)

    async def test_nothing_is_sent_that_the_manifest_does_not_ask_for(self, app: App, page: Page) -> None:
        assert await page.post("home", user=ALICE) == {"sent": False, "status": None}
        await page.post("people", user=ALICE, deleted=True)

        assert app.received == []


class TestRetries:
    async def test_the_same_event_again_with_the_reason(
        self, subscribed: None, app: App, page: Page, slack: SimulatedSlack
    ) -> None:
        slack.events.retries = (0, 0, 0)
        app.status = 500

        await page.post("home", user=ALICE)

        first, *again = await app.arrived(4)
        assert {one.payload["event_id"] for one in again} == {first.payload["event_id"]}
        assert "X-Slack-Retry-Num" not in first.headers
        assert [(one.headers["X-Slack-Retry-Num"], one.headers["X-Slack-Retry-Reason"]) for one in again] == [
            ("1", "http_error"),
            ("2", "http_error"),
            ("3", "http_error"),
        ]

    async def test_until_it_is_taken(self, subscribed: None, app: App, page: Page, slack: SimulatedSlack) -> None:
        slack.events.retries = (0, 0, 0)
        app.status = 500

        async def recover(_: object) -> None:
            app.status = 200 if len(app.received) > 1 else 500

        app.meanwhile = recover
        await page.post("home", user=ALICE)
        await app.arrived(2)
        await page.post("home", user=BOB)

        assert [one.payload["event"]["user"] for one in app.received] == [ALICE, ALICE, BOB]

    async def test_a_timeout_is_its_own_reason(
        self, subscribed: None, app: App, page: Page, slack: SimulatedSlack
    ) -> None:
        slack.events.retries = (0,)
        app.hold, slack.courier.patience = True, 0.05

        await page.post("home", user=ALICE)

        _, again = await app.arrived(2)
        assert again.headers["X-Slack-Retry-Reason"] == "http_timeout"

    async def test_the_app_can_decline_them(
        self, subscribed: None, app: App, page: Page, slack: SimulatedSlack
    ) -> None:
        slack.events.retries = (0, 0, 0)
        app.status, app.headers = 500, {"X-Slack-No-Retry": "1"}

        await page.post("home", user=ALICE)
        app.status = 200
        await page.post("home", user=BOB)

        assert [one.payload["event"]["user"] for one in app.received] == [ALICE, BOB]

    def test_come_at_once_after_a_minute_and_after_five(self, slack: SimulatedSlack) -> None:
        assert slack.events.retries == (0.0, 60.0, 300.0)


async def test_any_event_can_be_made_up(app: App, page: Page) -> None:
    await page.post("event", event={"type": "tokens_revoked", "tokens": {"bot": ["U0NOMATRON"]}})

    validate_payload("tokens_revoked", None, app.last.payload["event"])
    assert (await page.post("event", status=400, event="tokens_revoked"))["error"]
