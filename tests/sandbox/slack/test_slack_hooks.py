from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.sandbox.slack.stand import ALICE, BOB, STAGING, App, Clock, Page, actions, button, section

if TYPE_CHECKING:
    import aiohttp
    from slack_sdk.web.async_client import AsyncWebClient

    from sandbox.slack.server import SimulatedSlack

CLICKABLE = [actions(button("approve", "D-1042:1"))]


@pytest.fixture
async def command_url(app: App, page: Page) -> str:
    await page.post("command", user=ALICE, channel=STAGING, command="/deploy", text="")
    return app.last.form["response_url"]


async def click_url(app: App, page: Page, **where: Any) -> str:
    await page.post("action", user=ALICE, action_id="approve", **where)
    return str(app.last.payload["response_url"])


async def whispers(page: Page) -> list[str]:
    return [one["text"] for one in (await page.get("state"))["ephemerals"]]


class TestCommand:
    async def test_answers_are_for_that_person_by_default(self, command_url: str, page: Page) -> None:
        answer = await AsyncWebhookClient(command_url).send(text="Recorded", blocks=[section("Recorded")])

        assert (answer.status_code, answer.body) == (200, '{"ok": true}')
        (shown,) = (await page.get("state", **{"as": ALICE}))["ephemerals"]
        assert (shown["text"], shown["channel"], shown["user"]) == ("Recorded", STAGING, ALICE)
        assert (await page.get("state", **{"as": BOB}))["ephemerals"] == []

    async def test_in_channel(self, command_url: str, page: Page) -> None:
        await AsyncWebhookClient(command_url).send(text="Recorded", response_type="in_channel")

        assert [one["text"] for one in await page.messages(STAGING)] == ["Recorded"]

    async def test_there_is_no_original_to_replace(self, command_url: str, page: Page) -> None:
        hook = AsyncWebhookClient(command_url)
        await hook.send(text="one")
        await hook.send(text="two", replace_original=True)

        assert await whispers(page) == ["one", "two"]

    async def test_five_posts(self, command_url: str, page: Page) -> None:
        hook = AsyncWebhookClient(command_url)
        statuses = [(await hook.send(text=str(number))).status_code for number in range(6)]

        assert statuses == [200, 200, 200, 200, 200, 404]
        assert len(await whispers(page)) == 5

    async def test_thirty_minutes(self, command_url: str, clock: Clock) -> None:
        clock.forward(30 * 60)
        assert (await AsyncWebhookClient(command_url).send(text="in time")).status_code == 200

        clock.forward(1)
        answer = await AsyncWebhookClient(command_url).send(text="too late")
        assert (answer.status_code, "expired_url" in answer.body) == (404, True)

    async def test_works_where_the_app_is_no_member(self, app: App, page: Page, slack: SimulatedSlack) -> None:
        await page.post("channels", channel=STAGING, private=True)
        await page.post("command", user=ALICE, channel=STAGING, command="/deploy", text="")

        answer = await AsyncWebhookClient(app.last.form["response_url"]).send(text="hi", response_type="in_channel")

        assert answer.status_code == 200


class TestRefused:
    @pytest.mark.parametrize(
        ("body", "error"),
        [
            (b"{", "invalid_payload"),
            (b"[]", "invalid_payload"),
            (b"{}", "no_text"),
            (b'{"blocks": [{"type": "poll"}]}', "invalid_blocks"),
        ],
    )
    async def test_what_slack_does_not_understand(
        self, command_url: str, session: aiohttp.ClientSession, page: Page, body: bytes, error: str
    ) -> None:
        async with session.post(command_url, data=body, headers={"Content-Type": "application/json"}) as response:
            assert response.status == 400
            assert (await response.json())["error"] == error
        assert await whispers(page) == []

    async def test_a_form_with_a_payload_is_taken(
        self, command_url: str, session: aiohttp.ClientSession, page: Page
    ) -> None:
        async with session.post(command_url, data={"payload": '{"text": "hi"}'}) as response:
            assert response.status == 200
        assert await whispers(page) == ["hi"]

    async def test_an_invented_address(self, slack: SimulatedSlack) -> None:
        answer = await AsyncWebhookClient(f"{slack.world.base}/hooks/commands/T0/1/x").send(text="hi")

        assert answer.status_code == 404

    async def test_faults_reach_it_too(self, command_url: str, page: Page) -> None:
        await page.post("fault", method="response_url", mode="500", times=1)
        hook = AsyncWebhookClient(command_url, retry_handlers=[])

        assert (await hook.send(text="one")).status_code == 500
        assert (await hook.send(text="two")).status_code == 200
        assert await whispers(page) == ["two"]
        assert [(one["method"], one["ok"]) for one in await page.get("calls")] == [
            ("response_url", False),
            ("response_url", True),
        ]


class TestClick:
    async def test_replaces_the_message_only_when_told(self, client: AsyncWebClient, app: App, page: Page) -> None:
        ts = (await client.chat_postMessage(channel=STAGING, text="ask", blocks=CLICKABLE))["ts"]
        url = await click_url(app, page, channel=STAGING, ts=ts)

        await AsyncWebhookClient(url).send(text="for Alice")
        assert [one["text"] for one in await page.messages(STAGING)] == ["ask"]
        assert await whispers(page) == ["for Alice"]

        await AsyncWebhookClient(url).send(text="done", replace_original=True, blocks=[section("done")])
        (shown,) = await page.messages(STAGING)
        assert (shown["ts"], shown["text"]) == (ts, "done")

    async def test_deletes_the_message(self, client: AsyncWebClient, app: App, page: Page) -> None:
        ts = (await client.chat_postMessage(channel=STAGING, text="ask", blocks=CLICKABLE))["ts"]
        url = await click_url(app, page, channel=STAGING, ts=ts)

        await AsyncWebhookClient(url).send(delete_original=True)

        assert await page.messages(STAGING) == []

    async def test_replaces_and_deletes_an_ephemeral(self, client: AsyncWebClient, app: App, page: Page) -> None:
        whispered = await client.chat_postEphemeral(channel=STAGING, user=ALICE, text="ask", blocks=CLICKABLE)
        url = await click_url(app, page, ephemeral=whispered["message_ts"])

        await AsyncWebhookClient(url).send(text="changed", replace_original=True, blocks=CLICKABLE)
        assert await whispers(page) == ["changed"]

        await AsyncWebhookClient(url).send(delete_original=True)
        assert await whispers(page) == []

    async def test_answers_in_the_thread_where_asked(self, client: AsyncWebClient, app: App, page: Page) -> None:
        ts = (await client.chat_postMessage(channel=STAGING, text="ask", blocks=CLICKABLE))["ts"]
        url = await click_url(app, page, channel=STAGING, ts=ts)

        await AsyncWebhookClient(url).send_dict({"text": "here", "thread_ts": ts})

        assert [one["thread_ts"] for one in (await page.get("state"))["ephemerals"]] == [ts]
